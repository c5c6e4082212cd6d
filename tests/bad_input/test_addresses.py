"""Addresses, queries, methods and headers: what is not there, not theirs or not storable."""

from dataclasses import replace
from typing import Any

from tests.bad_input.operations import Operation, methods_of, operations
from tests.bad_input.rows import good, names_of
from tests.bad_input.world import CARD, Call, Watch, World, address, send

ALL = list(operations().values())
OWNED = [operation for operation in ALL if {"cart_id", "order_id"} & set(operation.path_names)]
# What is sent in an address in place of a name; percent-encoded as it travels.
NO_NAMES = (
    "%00", "cart_%00x", "%ED%A0%80", "%FF%FE", "%C0%AF", "%0A", "%0D%0ASet-Cookie:x", "%7F", "..%2F..", "%2e%2e",
    "%20", "%27%20OR%201=1--", "%25", "%25n", "%EF%BC%8E", "%E2%80%AE", "-1", "0", "x" * 5000, "%F0%9F%98%80", CARD,
)  # fmt: skip
TAKES_OUT = {("removeCartLine", "sku"), ("removeCartCoupon", "code")}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "NONSENSE")
TOKENS = ("", "\x00", "x", "é", "\u0660", "'; DROP TABLE orders_order;--", "x" * 20_000, CARD)
NOWHERE = (
    "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/carts", "/api/v1/carts/", "/api/v1/order",
    "/api/v1/carts//lines", "/api/v1/checkout", "/api/%00", "/api/v1/%FF", f"/api/v1/{CARD}", "/api/v1/..%2f..%2fetc",
)  # fmt: skip


def without_trace(problem: dict[str, Any]) -> dict[str, Any]:
    """This will return a problem as it is to everybody."""
    return {name: value for name, value in problem.items() if name != "trace_id"}


class TestEveryOperation:
    def test_finds_nothing_under_a_name_nobody_could_have_given(self, watch: Watch) -> None:
        for operation in ALL:
            call = good(watch.world, operation)

            watch.refuse("below it", replace(call, path=call.path + "/"), statuses=(404,))
            for name in operation.path_names:
                # Taking out what is not in the cart changes nothing and is no mistake.
                for value in NO_NAMES[:2] if (operation.id, name) in TAKES_OUT else NO_NAMES:
                    path = address(operation, {**names_of(watch.world, operation), name: value})
                    watch.refuse(f"{name} = {value[:40]}", replace(call, path=path), statuses=range(400, 500))
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_refuses_queries_it_cannot_use(self, watch: Watch) -> None:
        for operation in ALL:
            call = good(watch.world, operation)

            for query in ("x=%00", "%00=x", f"x={CARD}", f"{CARD}", "x=4242+4242+4242+4242"):
                watch.refuse(query, replace(call, query=f"{call.query}&{query}"), statuses=(400,))
            for name in operation.query_names:
                # Anything may be searched for.
                for value in ("%00", "%ED%A0%80" * 300, CARD, "x" * 5000, *(() if name == "q" else ("", "%27%22%3C"))):
                    watch.refuse(f"{name}={value[:40]}", replace(call, query=f"{name}={value}"))
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_takes_no_method_but_its_address_s_own(self, watch: Watch) -> None:
        for operation in ALL:
            call = good(watch.world, operation)
            own = methods_of(operation.path)
            own |= {"HEAD"} if "GET" in own else set()

            for method in set(METHODS) - own:
                watch.refuse(method, replace(call, method=method, body=None), statuses=(405,))
                allowed = send(watch.world, replace(call, method=method, body=None)).get("Allow", "")
                watch.expect(own <= set(allowed.split(", ")), f"{method}: Allow is {allowed!r}")
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_refuses_credentials_that_are_none(self, watch: Watch) -> None:
        for operation in ALL:
            call = good(watch.world, operation)

            watch.refuse("NUL in a header", call.with_header("X-Anything", "a\x00b"), statuses=(400,))
            watch.refuse("a card in a header", call.with_header("X-Client-Version", CARD), statuses=(400,))
            if operation.is_asking_who:
                for token in TOKENS[1:]:
                    watch.refuse(
                        f"session {token[:20]!r}", call.with_header("X-Session-Token", token), statuses=(400, 401)
                    )
                    bearer = call.with_header("Authorization", f"Bearer {token}")
                    watch.refuse(f"service {token[:20]!r}", bearer, statuses=(400, 401))
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_is_not_found_under_another_host(self, watch: Watch) -> None:
        for operation in ALL:
            call = good(watch.world, operation)

            for host in ("evil.example", "testserver.evil.example", "testserver@evil.example", "", "\x00", "[::1"):
                watch.refuse(f"host {host!r}", replace(call, meta={"HTTP_HOST": host}), statuses=(400,))

            # Django tells operators of every unknown host, by name and nothing else.
            watch.nothing_stored(operation.id)

        watch.finish()


class TestWhatIsNotTheirs:
    def test_looks_like_what_is_not_there(self, watch: Watch) -> None:
        for operation in OWNED:
            world = watch.world
            call = good(world, operation)
            ways = list(self.ways(world, operation, call))

            problems = [without_trace(watch.refuse(what, way, statuses=(404,))) for what, way in ways]

            watch.expect(all(problem == problems[0] for problem in problems), f"they differ: {problems}")
            watch.nothing_stored(operation.id)

        watch.finish()

    def ways(self, world: World, operation: Operation, call: Call) -> list[tuple[str, Call]]:
        """This will return every way to ask for a cart or an order that is not one's own."""
        header = "X-Cart-Token" if "cart_id" in operation.path_names else "X-Order-Token"
        foreign = {"cart_id": world.foreign_cart[0], "order_id": world.foreign_order["order_id"]}
        absent = {"cart_id": "cart_00000000000000000000000000", "order_id": "ord_00000000000000000000000000"}
        own = names_of(world, operation)
        there = replace(call, path=address(operation, {**own, **foreign}))
        nobody_s = [
            ("absent", replace(call, path=address(operation, {**own, **absent}))),
            ("foreign with one's own token", there),
        ]
        if header not in operation.header_names:
            return nobody_s
        tokens = [world.foreign_cart[1], world.foreign_order["order_token"], world.order["order_token"], world.cart[1]]
        others = [token for token in tokens if token != call.headers.get(header)]
        return [
            *nobody_s,
            ("foreign without a token", there.with_header(header, None)),
            *((f"one's own with {token[:12]!r}", call.with_header(header, token)) for token in (*TOKENS[2:], *others)),
            ("one's own without a token", call.with_header(header, None)),
            (
                "the number for the id",
                replace(call, path=call.path.replace(own["order_id"], world.order["order"]["number"])),
            )
            if "order_id" in operation.path_names
            else ("in capitals", replace(call, path=call.path.replace(own["cart_id"], own["cart_id"].upper()))),
        ]


class TestAnAddressOfAnotherCustomer:
    def test_looks_like_one_that_is_not_there(self, watch: Watch) -> None:
        world = watch.world
        absent = "addr_00000000000000000000000000"
        for operation in [each for each in ALL if "address_id" in each.path_names]:
            call = good(world, operation)
            ids = [absent, world.foreign_address_id, world.address_id.upper(), "0"]
            paths = [address(operation, {**world.names(), "address_id": each}) for each in ids]

            problems = [without_trace(watch.refuse("", replace(call, path=path), statuses=(404,))) for path in paths]

            watch.expect(all(problem == problems[0] for problem in problems), f"they differ: {problems}")
            watch.nothing_stored(operation.id)

        watch.finish()


class TestAStartWithAForeignCart:
    def test_looks_like_a_cart_that_is_not_there(self, watch: Watch) -> None:
        world, operation = watch.world, operations()["startCheckout"]
        call = good(world, operation)
        absent = {**call.body, "cart_id": "cart_00000000000000000000000000"}
        foreign = {**call.body, "cart_id": world.foreign_cart[0]}
        ways = [
            replace(call, body=absent),
            replace(call, body=foreign),
            replace(call, body=foreign).with_header("X-Cart-Token", None),
            call.with_header("X-Cart-Token", world.foreign_cart[1]),
            call.with_header("X-Cart-Token", world.order["order_token"]),
        ]

        problems = [without_trace(watch.refuse(str(n), way, statuses=(404,))) for n, way in enumerate(ways)]

        watch.expect(all(problem == problems[0] for problem in problems), f"they differ: {problems}")
        watch.finish()


class TestNowhere:
    def test_there_is_nothing_by_any_method(self, watch: Watch) -> None:
        for path in NOWHERE:
            for method in METHODS:
                watch.refuse("", Call(method, path), statuses=(400, 404))

        watch.finish()

    def test_what_describes_the_api_can_only_be_read(self, watch: Watch) -> None:
        for path in ("/api/v1/schema", "/api/v1/docs", "/healthz", "/readyz", "/healthz/work"):
            for method in ("POST", "PUT", "PATCH", "DELETE", "NONSENSE"):
                watch.refuse("", Call(method, path, raw=b"\xff\x00"), statuses=(405,))
        watch.refuse("", Call("GET", "/api/v1/schema", query="format=%00"), statuses=(400, 404, 406))
        watch.refuse("", Call("GET", "/api/v1/schema", headers={"Accept": "image/png"}), statuses=(406,))

        watch.finish()
