"""Pages for people and for machines that only look: the shop's, the console's lists and forms, health.

Whatever they are sent, they answer, keep nothing and log nothing that should not be known.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from accounts.services import create_staff
from core import clock
from core.db import transaction
from support.admin import site
from support.tests.factories import CODE, LOGIN, PASSWORD, SECRET, come_in
from tests.bad_input.operations import API, UNDESCRIBED, routes
from tests.bad_input.world import CARD, Call, Watch, everything_stored, send, text_of_everything_stored
from tests.shop import DOOR

PARTS = "multipart/form-data; boundary=b"
FORM = "application/x-www-form-urlencoded"
CONSOLE = "/console/"
NOT_PAGES = (API, "/_allauth/", "/webhooks/")
# Answers of its own accord that the work stands still, which in a test it does.
STANDING_STILL = "/healthz/work"
METHODS = ("POST", "PUT", "PATCH", "DELETE", "NONSENSE")
NO_NAMES = ("%00", "a%00b", "%FF%FE", "%ED%A0%80", "x" * 5000, "9" * 30, "-1", "_00", CARD)
QUERIES = (
    "x=%00", "%00=x", "%00", "q=%00", "cursor=%00", "currency=%00", "p=%00", "o=%00", "e=%00", "next=%00",
    "_to_field=%00", "_popup=%00", f"_to_field={CARD}", "app_label=%00&model_name=%00&field_name=%00", "%FF=%FF",
    "q=%FF%FE", "q=%ED%A0%80", "next=%FF", f"q={'x' * 100_000}", "&".join(["q=x"] * 2000), f"{CARD}", f"{CARD}=x",
    f"x={CARD}", f"q={CARD}", "q=4242+4242+4242+4242", f"cursor={CARD}", f"next=/console/?q={CARD}",
)  # fmt: skip
ASKED = ("__exact=%00", "=%00", "__isnull=%00", f"__exact={CARD}", f"={'9' * 30}", "__regex=(", "__in=%00,(")
NUL_FORM = b"login=%00&password=%00&code=%00&next=%00&action=%00&csrfmiddlewaretoken=%00"
BODIES: dict[str, tuple[bytes, str]] = {
    "NUL": (NUL_FORM, FORM),
    "NUL as it is": (b"login=\x00&password=\x00&code=\x00", FORM),
    "no UTF-8": (b"login=\xff\xfe&password=%FF&code=%ED%A0%80&next=%FF", FORM),
    "another character set": (b"login=x", f"{FORM}; charset=utf-16"),
    "no character set": (b"login=x", f"{FORM}; charset=nonsense"),
    "many fields": (b"&".join(b"f%d=x" % number for number in range(2000)), FORM),
    "a card": (f"login={CARD}&password=x&code={CARD}&name={CARD}&{CARD}=x".encode(), FORM),
    "long": (b"login=" + b"x" * 200_000 + b"@example.com&password=x&code=" + b"9" * 200_000, FORM),
    "2 MB": (b"login=" + b"x" * 2_097_152, FORM),
    "half a form in parts": (b'--b\r\nContent-Disposition: form-data; name="login"\r\n\r\nx', PARTS),
    "parts without a boundary": (b"x", "multipart/form-data"),
    "parts with NUL": (b'--b\r\nContent-Disposition: form-data; name="\x00"\r\n\r\n\x00\r\n--b--\r\n', PARTS),
    "JSON": (b'{"login": "\\u0000"}', "application/json"),
}  # fmt: skip
COOKIES = (
    'sessionid="\\000aaaaaaaaaaaa"', "sessionid=%00aaaaaaaaaaaa", "sessionid=\xff\xfeaaaaaaaaaaa", f"sessionid={CARD}",
    f"sessionid={'x' * 5000}", 'messages="\\000"', 'csrftoken="\\000"', f"csrftoken={CARD}", f"messages={CARD}",
)  # fmt: skip


def pages() -> list[str]:
    """This will return every address that is no operation of the API and no door, with {names}."""
    found = {re.sub(r"\(\?P(\{\w+\})[^)]*\)", r"\1", route) for route in routes("/")}
    return sorted(route for route in found - UNDESCRIBED if not route.startswith(NOT_PAGES))


PAGES = pages()
LISTS = {
    f"{CONSOLE}{model._meta.app_label}/{model._meta.model_name}/": model_admin
    for model, model_admin in site._registry.items()
}
IN_CONSOLE = [page for page in PAGES if page.startswith("/console") and "logout" not in page]
FORMS = [page for page in PAGES if page.startswith(f"{CONSOLE}account/")] + [f"{CONSOLE}password_change/"]


def filled(page: str, **names: str) -> str:
    """This will write names into an address."""
    known = {"slug": "MUG-RED", "object_id": "1", "app_label": "orders", "url": "nothing", "content_type_id": "1"}
    return re.sub(r"\{(\w+)\}", lambda name: names.get(name[1], known.get(name[1], "x")), page)


def names_of(page: str) -> list[str]:
    """This will return what is named in an address."""
    return re.findall(r"\{(\w+)\}", page)


def look(watch: Watch, what: str, call: Call) -> Any:
    """This will send what may be right or wrong: it is answered, and no page of the shop's repeats a card number."""
    watch.count += 1
    response = send(watch.world, call)
    said = f"{call.method} {call.path[:120]}?{call.query[:80]} {what[:80]}: {response.status_code}"
    is_answered = response.status_code < 500 or (call.path == STANDING_STILL and response.status_code == 503)
    watch.expect(is_answered, said)
    if not call.path.startswith("/console"):
        shown = response.content.decode(errors="replace") + str(response.headers)
        watch.expect(CARD not in re.sub(r"[^0-9]", "", shown), f"repeated: {said}")
    return response


def finish(watch: Watch) -> None:
    """This will finish: sessions and tries may be counted; no other row is not as it was, and none has a card."""
    after = everything_stored()
    changed = {name for name in after if after[name] != watch.stored[name]}
    watch.expect(changed <= {"django_session", "core_throttle"}, f"stored: {changed}")
    watch.expect(CARD not in text_of_everything_stored(), "a card number was stored")
    watch.stored = after
    watch.finish()


@pytest.fixture
def _visitor(watch: Watch) -> None:
    """Nobody in particular, whose crashes are answers."""
    watch.world.shop.client = Client(raise_request_exception=False)


@pytest.fixture
def _staff(watch: Watch) -> Iterator[None]:
    """A member of staff who came in, on the shop's clock."""
    with transaction("test"):
        staff = create_staff(email="grace@example.org", password=PASSWORD, now=clock.now(), is_superuser=True)
    TOTP.activate(staff, SECRET)
    with time_machine.travel(clock.now(), tick=False):
        watch.world.shop.client = come_in(staff)
        watch.world.shop.client.raise_request_exception = False
        watch.stored = everything_stored()
        yield


class TestPages:
    def test_are_all_here(self) -> None:
        assert {"/", "/search", "/orders/{order_id}", "/healthz", "/developers", f"{CONSOLE}orders/order/"} <= set(
            PAGES
        )
        assert set(LISTS) <= set(PAGES)

    @pytest.mark.usefixtures("_visitor")
    def test_of_the_shop_answer_whatever_is_asked(self, watch: Watch) -> None:
        for page in [page for page in PAGES if not page.startswith("/console")]:
            for query in QUERIES:
                look(watch, "", Call("GET", filled(page), query=query))
            for name in names_of(page):
                for value in NO_NAMES:
                    look(watch, "", Call("GET", filled(page, **{name: value})))
            for method in METHODS:
                response = look(watch, "2 MB", Call(method, filled(page), raw=b"x" * 2_097_152))
                watch.expect(response.status_code in {403, 405}, f"{method} {page}: {response.status_code}")

        finish(watch)

    @pytest.mark.usefixtures("_visitor")
    def test_of_the_shop_neither_keep_nor_repeat_a_card_number(self, watch: Watch) -> None:
        for path, query in [("/search", f"q={CARD}"), ("/search", "q=4242-4242-4242-4242"), ("/", f"cursor={CARD}")]:
            response = look(watch, "", Call("GET", path, query=query))

            watch.expect(response.status_code == 400, f"{path}: {response.status_code}")
            watch.expect("public" not in response["Cache-Control"], f"{path} may be kept")
        response = look(watch, "", Call("GET", f"/orders/{CARD}"))
        watch.expect(response.status_code == 404, f"an order: {response.status_code}")

        finish(watch)

    @pytest.mark.usefixtures("_visitor")
    def test_of_the_door_can_only_be_posted_to(self, watch: Watch) -> None:
        for query in QUERIES:
            watch.refuse(query[:40], Call("GET", DOOR, query=query), statuses=(405,))

        finish(watch)


class TestConsole:
    @pytest.mark.usefixtures("_staff")
    def test_pages_answer_whatever_is_asked_of_whom(self, watch: Watch) -> None:
        for page in IN_CONSOLE:
            # Rows, adding, deleting and history are one view each for all lists.
            for query in QUERIES if page in LISTS or "{" not in page else QUERIES[:1]:
                look(watch, "", Call("GET", filled(page), query=query))
            for name in names_of(page):
                for value in NO_NAMES if page.endswith("change/") else NO_NAMES[:2]:
                    look(watch, "", Call("GET", filled(page, **{name: value})))

        finish(watch)

    @pytest.mark.usefixtures("_staff")
    def test_lists_can_be_asked_for_nothing_but_what_they_filter_by(self, watch: Watch) -> None:
        for page, model_admin in LISTS.items():
            offered = [
                name if isinstance(name, str) else str(getattr(name, "parameter_name", name))
                for name in model_admin.list_filter
            ]
            for name in offered:
                for ask in ASKED:
                    look(watch, "", Call("GET", page, query=f"{name}{ask}"))
            for field in model_admin.model._meta.concrete_fields:
                query = f"{field.name}__startswith=a"
                response = look(watch, "", Call("GET", page, query=query))
                watch.expect(response.status_code == 302, f"{page}?{query}: {response.status_code}")

        finish(watch)

    @pytest.mark.usefixtures("_staff")
    def test_forms_take_whatever_is_sent(self, watch: Watch) -> None:
        for page in IN_CONSOLE:
            for what, (raw, content_type) in BODIES.items() if page in FORMS else list(BODIES.items())[:1]:
                look(watch, what, Call("POST", filled(page), raw=raw, content_type=content_type))

        finish(watch)

    @pytest.mark.usefixtures("_visitor")
    def test_the_way_in_takes_whatever_is_sent(self, watch: Watch) -> None:
        for page in (LOGIN, CODE, CONSOLE, *FORMS):
            for query in QUERIES:
                look(watch, "", Call("GET", page, query=query))
            for what, (raw, content_type) in BODIES.items():
                look(watch, what, Call("POST", page, raw=raw, content_type=content_type))

        finish(watch)

    @pytest.mark.usefixtures("_visitor")
    def test_cookies_that_are_none_are_no_session(self, watch: Watch) -> None:
        for page in ("/", LOGIN, CONSOLE, f"{CONSOLE}orders/order/", "/healthz"):
            for cookie in COOKIES:
                # A jar of its own writes cookies anew; a client that means harm does not.
                watch.world.shop.client.cookies.clear()
                look(watch, cookie[:60], Call("GET", page, headers={"Cookie": cookie}))

        finish(watch)

    @pytest.mark.usefixtures("_visitor")
    def test_a_forged_form_is_refused_and_its_address_not_logged(self, watch: Watch) -> None:
        watch.world.shop.client = Client(enforce_csrf_checks=True, raise_request_exception=False)

        for page in (LOGIN, f"{CONSOLE}orders/order/{CARD}/change/", f"/products/{CARD}", f"/orders/{CARD}"):
            for what, (raw, content_type) in BODIES.items():
                look(watch, what, Call("POST", page, raw=raw, content_type=content_type, query=f"q={CARD}"))

        finish(watch)
