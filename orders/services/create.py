"""An order is born as a draft with its snapshot, its lines, its contact and its first history row."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.db import transaction as django_transaction

from accounts.addresses import normalised_phone
from core import crypto
from core.cause import Cause
from core.db import transaction_required
from core.ids import new_order_number, new_public_id
from core.models import SalesChannel
from orders.models import Contact, Order, OrderLine, OrderState, Reason
from orders.services.change import Because, event_of
from orders.snapshot import hash_snapshot

NUMBER_TRIES = 5


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """Who to reach. `email` is normalised here, `phone` becomes E.164."""

    email: str
    phone: str = ""
    name: str = ""
    address: dict[str, Any] = field(default_factory=dict)
    billing_address: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What an order is made of; the snapshot is complete (orders.snapshot.build_snapshot)."""

    channel: SalesChannel
    cart_id: str
    customer_id: int | None
    bucket_id: str
    locale: str
    snapshot: dict[str, Any]
    contact: ContactDetails
    expires_at: datetime
    policy_versions: dict[str, int]
    is_livemode: bool


@transaction_required
def create_order(new: NewOrder, *, cause: Cause) -> Order:
    """This will insert the draft with everything that belongs to it, in a number of statements that lines do not
    change.

    Raises: PhoneInvalid; django.db.IntegrityError `orders_order_one_per_cart`.
    """
    order = Order(
        public_id=new_public_id("ord"),
        channel=new.channel,
        cart_id=new.cart_id,
        customer_id=new.customer_id,
        bucket_id=new.bucket_id,
        locale=new.locale,
        is_livemode=new.is_livemode,
        currency=new.snapshot["currency"],
        total_minor=new.snapshot["total_minor"],
        due_minor=new.snapshot["total_minor"],
        snapshot=new.snapshot,
        snapshot_hash=hash_snapshot(new.snapshot),
        snapshot_version=new.snapshot["schema_version"],
        policy_versions=new.policy_versions,
        version=1,
        created_at=cause.now,
        expires_at=new.expires_at,
    )
    _insert_with_free_number(order)
    OrderLine.objects.bulk_create(_lines(order))
    _contact(order, new.contact, now=cause.now).save(force_insert=True)
    born = Because(reason=Reason.ORDER_PLACED, cause=cause, facts={"total_minor": order.total_minor})
    event_of(order, born, from_state="", to_state=OrderState.DRAFT).save(force_insert=True)
    return order


def _insert_with_free_number(order: Order) -> None:
    # Note [Order numbers]: random, so a number tells nothing about sales; a collision is retried in the same
    # transaction, which needs a savepoint. Fifty bits: the first collision is expected after some thirty million
    # orders.
    for _ in range(NUMBER_TRIES - 1):
        order.number = new_order_number()
        try:
            with django_transaction.atomic():
                order.save(force_insert=True)
        except IntegrityError as violation:
            if (
                getattr(getattr(violation.__cause__, "diag", None), "constraint_name", "")
                != "orders_order_number_unique"
            ):
                raise
        else:
            return
    order.number = new_order_number()
    order.save(force_insert=True)


def _lines(order: Order) -> list[OrderLine]:
    return [
        OrderLine(
            order=order,
            position=position,
            sku=line["sku"],
            name=" – ".join(part for part in (line["product_name"], line["variant_name"]) if part)[:200],
            unit_price_minor=line["unit_price_minor"],
            quantity=line["quantity"],
            total_minor=line["total_minor"],
        )
        for position, line in enumerate(order.snapshot["lines"], start=1)
    ]


def _contact(order: Order, details: ContactDetails, *, now: datetime) -> Contact:
    email = details.email.strip().lower()
    phone = normalised_phone(details.phone, country=order.snapshot["country"])
    return Contact(
        order=order,
        email=email,
        email_digest=contact_digest(email),
        phone=phone,
        phone_digest=contact_digest(phone) if phone else "",
        name=details.name,
        address=details.address,
        billing_address=details.billing_address,
        created_at=now,
    )


def contact_digest(value: str) -> str:
    """This will return the keyed look-up hash of an address or number."""
    return crypto.keyed_digest(value, purpose="contact")
