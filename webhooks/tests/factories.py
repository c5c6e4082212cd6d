"""A shop's account at Stripe with its signing secrets, and deliveries signed as Stripe signs them."""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from catalog import services as stock
from catalog.pricing import PricedLine, QuoteRequest, TaxEntry, quote, quote_as_json, untaxed
from catalog.tests.factories import a_product
from core import clock
from core.cause import system
from core.db import transaction
from core.ids import new_public_id
from core.models import ProviderAccount, WebhookSecret
from core.tests.factories import NOW, a_channel
from orders.services import ContactDetails, NewOrder, create_order
from orders.snapshot import SnapshotContext, build_snapshot
from payments.models import PaymentAttempt
from payments.services import NewAttempt, WebhookNotice, open_attempt
from webhooks import services
from webhooks.models import Event
from webhooks.services import processing

SECRET = "whsec_the_one_that_signs"
SECRET_REFERENCE = "TEST_WEBHOOK_SECRETS"
KEY_REFERENCE = "TEST_STRIPE_KEY"
ADDRESS = "/webhooks/stripe/main"


def make_account(*, slug: str = "main", is_livemode: bool = False) -> ProviderAccount:
    """This will make a shop and its account at Stripe, without a secret."""
    return ProviderAccount.objects.create(
        public_id=new_public_id("acct"),
        channel=a_channel(slug=slug, is_livemode=is_livemode),
        slug=slug,
        provider="stripe",
        legal_entity="Surety Demo Ltd",
        currencies=["GBP"],
        is_livemode=is_livemode,
        api_key_ref=KEY_REFERENCE,
        created_at=NOW,
    )


def add_secret(
    account: ProviderAccount, *, reference: str = SECRET_REFERENCE, active_until: datetime | None = None
) -> WebhookSecret:
    """This will let the secrets in an environment variable count, since yesterday."""
    return WebhookSecret.objects.create(
        account=account,
        reference=reference,
        active_from=clock.now() - timedelta(days=1),
        active_until=active_until,
    )


def event_body(
    event_key: str = "evt_1",
    *,
    type: str = "payment_intent.succeeded",  # noqa: A002 - Stripe's word
    is_livemode: bool = False,
    about: dict[str, Any] | None = None,
    **more: Any,
) -> bytes:
    """This will return a Stripe event as it travels, about an intent that says little of itself unless given."""
    event = {
        "id": event_key,
        "object": "event",
        "type": type,
        "created": int(clock.now().timestamp()),
        "livemode": is_livemode,
        "data": {"object": about or {"id": "pi_1", "object": "payment_intent"}},
        **more,
    }
    return json.dumps(event, indent=2).encode()


def signature(body: bytes, *, secrets: Sequence[str] = (SECRET,), age_seconds: int = 0) -> str:
    """This will return a Stripe-Signature header: one timestamp and a signature for each secret."""
    signed_at = int(clock.now().timestamp()) - age_seconds
    signed = f"{signed_at}.".encode() + body
    signatures = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={signed_at}", *(f"v1={each}" for each in signatures)])


def an_event(account: ProviderAccount, body: bytes, *, now: datetime = NOW) -> Event:
    """This will store one event as if it had been delivered at `now`."""
    parsed = json.loads(body)
    notice = WebhookNotice(
        event_key=parsed["id"],
        type=parsed["type"],
        object_id=parsed["data"]["object"]["id"],
        occurred_at=now,
        is_livemode=parsed["livemode"],
    )
    stored = services.ingest(
        account_id=account.pk, is_livemode=account.is_livemode, notices=[notice], body=body, headers={}, now=now
    )
    return Event.objects.get(id__in=stored.event_ids)


def an_open_payment(account: ProviderAccount) -> PaymentAttempt:
    """This will place an order for one mug whose payment the provider has yet to decide."""
    variant = a_product(account.channel)
    cause = system("checkout", now=NOW)
    line = PricedLine(
        sku=variant.sku,
        variant_id=variant.public_id,
        product_name="Mug",
        variant_name="Red",
        is_physical=True,
        tax_category="standard",
        quantity=1,
        unit_price_minor=1999,
        available=10,
    )
    request = QuoteRequest(
        currency="GBP",
        tax_entry=TaxEntry.GROSS,
        lines=(line,),
        tax_rules=untaxed(region="GB", categories=["standard"]),
    )
    context = SnapshotContext(
        country="GB",
        country_label="United Kingdom",
        postcode_prefix="N1",
        locale="en-GB",
        terms_version="2026-11",
        contact_digest="digest",
    )
    new = NewOrder(
        channel=account.channel,
        cart_id=new_public_id("cart"),
        customer_id=None,
        bucket_id="bucket",
        locale="en-GB",
        snapshot=build_snapshot(quote_as_json(quote(request)), context),
        contact=ContactDetails(email="buyer@example.com"),
        expires_at=NOW + timedelta(minutes=15),
        policy_versions={},
        is_livemode=account.is_livemode,
    )
    with transaction("test"):
        order = create_order(new, cause=cause)
        operation = open_attempt(order, NewAttempt(account=account, method="card"), cause=cause)
        stock.reserve(owner_id=order.public_id, channel_id=account.channel_id, quantities={variant.pk: 1}, now=NOW)
    return operation.attempt


def paid_intent(attempt: PaymentAttempt, **changes: Any) -> dict[str, Any]:
    """This will return the attempt's payment as Stripe shows it once the money is taken."""
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": attempt.amount_minor,
        "amount_received": attempt.amount_minor,
        "currency": attempt.currency.lower(),
        "created": int(NOW.timestamp()),
        "livemode": False,
        "metadata": {"order_id": attempt.order.public_id, "attempt_id": attempt.public_id},
        **changes,
    }


def deliver(client: Client, body: bytes, *, signed: str | None = None, address: str = ADDRESS, **headers: str) -> Any:
    """Post a body as Stripe does; signed properly unless told otherwise."""
    signed = signature(body) if signed is None else signed
    return client.post(
        address,
        data=body,
        content_type="application/json; charset=utf-8",
        headers={**({"Stripe-Signature": signed} if signed else {}), **headers},
    )


def assert_problem(response: Any, *, status: int, code: str) -> None:
    """Check status, media type and code."""
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(response.content)["code"] == code


class BrokenError(Exception):
    """A bug nobody foresaw, with something private in its message."""


def breaking(function: Callable[..., Any], *errors: Exception | None) -> Callable[..., Any]:
    """This will raise one error after the other, each after `function` has done its work, and then let it be."""
    left = list(errors)

    def broken(*args: Any, **kwargs: Any) -> Any:
        outcome = function(*args, **kwargs)
        error = left.pop(0) if left else None
        if error is not None:
            raise error
        return outcome

    return broken


def status_of(event: Event) -> str:
    """The event's status as it stands in the database."""
    event.refresh_from_db()
    return event.status


def die_processing(event: Event, *, now: datetime) -> None:
    """This will take the event as a worker does that is then killed: nothing is caught, nothing cleaned up."""

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit(137)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processing, "read_event", killed)
        with pytest.raises(SystemExit):
            services.process(event.pk, now=now)
