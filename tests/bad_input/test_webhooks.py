"""Deliveries nobody believes: forged, stale, future, of a retired secret, of bytes that were changed or are none."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.models import WebhookSecret
from sandbox.dialects.stripe.signing import signature_header
from tests.bad_input.world import CARD, EMAIL, Call, Watch, everything_stored
from tests.shop import DOOR
from webhooks.services import refusals

OURS, RETIRED, NOBODYS = "whsec_sandbox", "whsec_that_was_ours", "whsec_of_somebody_else"


def an_event() -> bytes:
    """This will return a delivery that would pay an order, with much in it that no log may hold."""
    about = {"id": "pi_1", "object": "payment_intent", "receipt_email": EMAIL, "description": CARD}
    created = int(clock.now().timestamp())
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": created}
    return json.dumps({**event, "livemode": False, "data": {"object": about}}).encode()


def signed(body: bytes, *, secret: str = OURS, age_seconds: int = 0) -> str:
    """This will sign as the provider does."""
    return signature_header(body, secrets=(secret,), signed_at=int(clock.now().timestamp()) - age_seconds)


def forgeries(body: bytes) -> Iterator[tuple[str, bytes, str | None]]:
    """This will return what was done to a delivery, its bytes and its signature."""
    header = signed(body)
    stamp, _, scheme = header.partition(",")
    yield "no signature", body, None
    yield "of another's secret", body, signed(body, secret=NOBODYS)
    yield "of a retired secret", body, signed(body, secret=RETIRED)
    yield "of an empty secret", body, signed(body, secret="")
    for age in (301, 3600, 86_400 * 365, -301, -3600, -86_400 * 365, 2**31, -(2**40)):
        yield f"{age} seconds old", body, signed(body, age_seconds=age)
    for position in range(0, len(body), max(1, len(body) // 25)):
        yield f"byte {position} changed", body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :], header
    yield "a byte more", body + b" ", header
    yield "a byte less", body[:-1], header
    for value in (
        "", "t=", "t=,v1=", "v1=00", stamp, scheme, f"{stamp},v0={scheme[3:]}", f"t=now,{scheme}", f"t=-1,{scheme}",
        f"t={'9' * 400},{scheme}", f"t=1,{stamp},{scheme}", "é", "\x00", f"{header}\x00", "x" * 100_000, "t=1," * 5000,
        f"{stamp},v1={'0' * 64}", f"{stamp},v1=", f"t=\u0661,{scheme}", f"t=1.5,{scheme}", f"t=nan,{scheme}",
    ):  # fmt: skip
        yield f"signature {value[:40]!r}", body, value
    for raw in (b"", b"{}", b"[]", b"null", b"7", b"\xff\xfe", b"\x00" * 50, b"{" * 10_000, b"[" * 100_000):
        yield f"signed, but {raw[:10]!r}", raw, signed(raw)
    changes: tuple[dict[str, Any], ...] = (
        {"id": ""}, {"id": 7}, {"id": "e" * 300}, {"id": "evt_\x00"}, {"id": "evt_\ud800"}, {"livemode": True},
        {"created": 10**30}, {"created": -1}, {"created": 1e300}, {"created": float("inf")}, {"created": "now"},
        {"type": None}, {"type": []}, {"object": "charge"}, {"data": {}}, {"data": {"object": []}}, {"data": None},
    )  # fmt: skip
    for change in changes:
        other = json.dumps({**json.loads(body), **change}).encode()
        yield f"signed, but {change}", other, signed(other)


@pytest.fixture
def _retired(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_RETIRED_SECRET", RETIRED)
    yesterday = clock.now() - timedelta(days=1)
    WebhookSecret.objects.create(
        account=watch.world.shop.account,
        reference="TEST_RETIRED_SECRET",
        active_from=yesterday - timedelta(days=30),
        active_until=yesterday,
    )


def deliver(body: bytes, signature: str | None, path: str = DOOR) -> Call:
    """This will return a delivery."""
    return Call("POST", path, raw=body, headers={} if signature is None else {"Stripe-Signature": signature})


@pytest.mark.pains("C8")
class TestDeliveries:
    @pytest.mark.usefixtures("_retired")
    def test_that_are_not_believed_leave_a_counter_and_nothing_else(self, watch: Watch) -> None:
        body = an_event()
        everything = list(forgeries(body))
        watch.world.shop.post_delivery({"stripe-signature": signed(body[:-1])}, body)
        watch.stored = everything_stored()
        before = sum(refusals().values())

        for what, raw, signature in everything:
            watch.refuse(what, deliver(raw, signature), statuses=(400,))

        watch.expect(sum(refusals().values()) == before + len(everything), "not every refusal was counted")
        self.log_holds_no(watch, [signed(body), RETIRED, NOBODYS])

    def test_to_nobody_by_other_methods_or_too_large_are_refused(self, watch: Watch) -> None:
        body = an_event()
        for path in (
            "/webhooks/stripe/nobody",
            "/webhooks/none/shop",
            f"/webhooks/stripe/{CARD}",
            "/webhooks/stripe/%00",
        ):
            watch.refuse("", deliver(body, signed(body), path), statuses=(404,))
        for path in ("/webhooks", "/webhooks/", "/webhooks/stripe", f"{DOOR}/", "/webhooks/stripe/shop/more"):
            watch.refuse("", deliver(body, signed(body), path.replace("/webhooks", "/api/webhooks")), statuses=(404,))
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
            watch.refuse("", Call(method, DOOR), statuses=(405,))
        watch.refuse("2 MB", deliver(b" " * 2_097_152, "t=1,v1=00"), statuses=(413,))

        self.log_holds_no(watch, [signed(body)])

    def log_holds_no(self, watch: Watch, more: list[str]) -> None:
        """This will finish, looking for signatures and secrets in the logs too."""
        logged = watch.caplog.text + "".join(map(str, watch.caplog.records))
        watch.expect(not [word for word in more if word in logged], "a signature or secret was logged")
        watch.expect("webhook_refused" in logged, "the watch does not see what is logged")
        watch.finish()
