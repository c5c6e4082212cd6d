"""A small shop in which every invariant holds, written row by row: three orders at different points of their lives.

Rows go in as a superuser with triggers off, because most of them would need a whole history of services to come into
being. `ord_paid` was paid by a webhook, `ord_waiting` waits for its customer, `ord_returned` was cancelled and its late
money given back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
from django.db import connection
from django.db.models import Model

from accounts.models import StaffRole
from catalog.models import (
    Coupon,
    CouponUse,
    Product,
    Promotion,
    PromotionCount,
    Reservation,
    ReservationLine,
    Stock,
    Variant,
)
from checkout.models import Cart
from core.cause import Cause
from core.db import transaction
from core.models import IdempotencyKey, ProviderAccount, SalesChannel
from core.money import Money
from ledger import services as ledger
from ledger.tests.factories import a_channel, an_account
from orders.models import Order, OrderEvent, OrderLine
from orders.snapshot import hash_snapshot
from oversight.tests.factories import a_colleague, an_act, approved, authorized, tampering
from payments.models import Operation, PaymentAttempt
from webhooks.models import Event

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
WEBHOOK = Cause(actor="system:webhook", source="webhook", now=LATER, provider="stripe", provider_event_id="evt_1")
UNIT_PRICE = 500

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Shop:
    """What the orders share."""

    channel: SalesChannel
    account: ProviderAccount
    stock: Stock


def open_sound_shop() -> Shop:
    """This will write the shop and its three orders."""
    channel = a_channel()
    account = an_account(channel)
    with tampering() as tamperer:
        shop = Shop(channel, account, _stock(tamperer, channel))
        _paid_order(tamperer, shop)
        _waiting_order(tamperer, shop)
        _returned_order(tamperer, shop)
        _coupon_of_all(tamperer, channel)
        _insert(
            tamperer,
            IdempotencyKey(
                principal="customer:usr_1",
                operation="checkout.start",
                key_sha256="a" * 64,
                fingerprint="b" * 64,
                recovery_point="finished",
                answer_status=201,
                answer_sealed=b"sealed",
                created_at=NOON,
                finished_at=NOON,
                expires_at=NOON + timedelta(days=30),
            ),
        )
    _books(shop)
    _acts_of_staff()
    return shop


def _insert(tamperer: psycopg.Connection, row: Row) -> Row:
    fields = [field for field in row._meta.local_concrete_fields if not field.primary_key]
    names = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    table = row._meta.db_table
    inserted = tamperer.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places}) RETURNING id', values).fetchone()
    assert inserted is not None
    row.pk = inserted[0]
    return row


def _stock(tamperer: psycopg.Connection, channel: SalesChannel) -> Stock:
    product = _insert(
        tamperer,
        Product(
            public_id="prod_1",
            channel=channel,
            slug="mug",
            name="Mug",
            tax_category="standard",
            is_published=True,
            created_at=NOON,
        ),
    )
    variant = _insert(
        tamperer,
        Variant(public_id="var_1", channel=channel, product=product, sku="MUG", is_physical=True, created_at=NOON),
    )
    # Two units for the paid order, one for the one that waits.
    return _insert(tamperer, Stock(variant=variant, received=10, held=1, committed=2))


def _order(tamperer: psycopg.Connection, shop: Shop, name: str, *, units: int, **columns: Any) -> Order:
    total_minor = units * UNIT_PRICE
    line = {"sku": "MUG", "name": "Mug", "quantity": units, "unit_price_minor": UNIT_PRICE, "total_minor": total_minor}
    snapshot = {
        "schema_version": 1,
        "currency": "GBP",
        "country": "GB",
        "lines": [line],
        "promotions": [{"promotion_id": "promo_1"}],
        "shipping_minor": 0,
        "fees_minor": 0,
        "total_minor": total_minor,
    }
    order = _insert(
        tamperer,
        Order(
            public_id=f"ord_{name}",
            channel=shop.channel,
            number=name,
            cart_id=f"cart_{name}",
            bucket_id="bkt_1",
            locale="en-GB",
            is_livemode=False,
            currency="GBP",
            total_minor=total_minor,
            due_minor=total_minor,
            snapshot=snapshot,
            snapshot_hash=hash_snapshot(snapshot),
            created_at=NOON,
            **columns,
        ),
    )
    _insert(
        tamperer,
        OrderLine(
            order=order,
            position=1,
            sku="MUG",
            name="Mug",
            unit_price_minor=UNIT_PRICE,
            quantity=units,
            total_minor=total_minor,
        ),
    )
    _insert(
        tamperer,
        Cart(
            public_id=f"cart_{name}",
            channel=shop.channel,
            currency="GBP",
            country="GB",
            bucket_id="bkt_1",
            order_public_id=f"ord_{name}",
            created_at=NOON,
            changed_at=NOON,
        ),
    )
    return order


def _history(tamperer: psycopg.Connection, order: Order, *states: str) -> None:
    for sequence, (source, target) in enumerate(zip(["", *states], states, strict=False), start=1):
        _insert(
            tamperer,
            OrderEvent(
                public_id=f"evt_{order.number}_{sequence}",
                order=order,
                sequence=sequence,
                kind="transition",
                from_state=source,
                to_state=target,
                reason="order_placed",
                actor=WEBHOOK.actor,
                source="webhook" if target == "paid" else "checkout",
                provider="stripe",
                provider_event_id="evt_1" if target == "paid" else "",
                trace_id="trc_1",
                occurred_at=LATER,
                recorded_at=LATER,
            ),
        )


def _attempt(tamperer: psycopg.Connection, shop: Shop, order: Order, **columns: Any) -> PaymentAttempt:
    return _insert(
        tamperer,
        PaymentAttempt(
            public_id=f"payatt_{order.number}",
            order=order,
            account=shop.account,
            method="card",
            amount_minor=order.due_minor,
            currency="GBP",
            capture_method="automatic",
            confirmed_by="client",
            metadata_hash="c" * 64,
            provider_reference=f"pi_{order.number}",
            created_at=NOON,
            acknowledged_at=NOON,
            **columns,
        ),
    )


def _operation(tamperer: psycopg.Connection, attempt: PaymentAttempt, kind: str, status: str) -> Operation:
    is_open = status == "pending"
    name = attempt.order.number
    return _insert(
        tamperer,
        Operation(
            public_id=f"op_{name}_{kind}",
            order=attempt.order,
            attempt=attempt,
            kind=kind,
            status=status,
            amount_minor=attempt.amount_minor,
            currency="GBP",
            provider_key=f"v1:main:{name}:{kind}",
            provider_reference=f"pi_{name}",
            request={},
            request_digest="d" * 64,
            sends_count=1,
            next_check_at=LATER if is_open else None,
            trace_id="trc_1",
            created_at=NOON,
            sent_at=NOON,
            settled_at=None if is_open else LATER,
        ),
    )


def _reservation(tamperer: psycopg.Connection, shop: Shop, order: Order, *, status: str, units: int) -> None:
    reservation = _insert(
        tamperer,
        Reservation(
            public_id=f"res_{order.number}",
            owner_id=order.public_id,
            status=status,
            expires_at=LATER,
            cap_at=LATER,
            policy_version=1,
            created_at=NOON,
        ),
    )
    _insert(tamperer, ReservationLine(reservation=reservation, stock=shop.stock, quantity=units))


def _paid_order(tamperer: psycopg.Connection, shop: Shop) -> None:
    order = _order(
        tamperer,
        shop,
        "paid",
        units=2,
        state="paid",
        version=3,
        captured_minor=1000,
        paid_at=LATER,
        is_sale_recognised=True,
        sales_count=1,
    )
    _history(tamperer, order, "draft", "payment_pending", "paid")
    attempt = _attempt(tamperer, shop, order, status="captured", is_current=True, captured_minor=1000)
    _operation(tamperer, attempt, "authorize", "succeeded")
    _reservation(tamperer, shop, order, status="committed", units=2)
    _insert(
        tamperer,
        Event(
            public_id="evt_1_ours",
            account=shop.account,
            event_key="evt_1",
            type="payment_intent.succeeded",
            object_id="pi_paid",
            occurred_at=LATER,
            received_at=LATER,
            status="processed",
            order_public_id="ord_paid",
            processed_at=LATER,
            trace_id="trc_1",
        ),
    )


def _waiting_order(tamperer: psycopg.Connection, shop: Shop) -> None:
    order = _order(tamperer, shop, "waiting", units=1, state="payment_pending", version=2)
    _history(tamperer, order, "draft", "payment_pending")
    attempt = _attempt(tamperer, shop, order, status="requires_action", is_current=True)
    _operation(tamperer, attempt, "authorize", "pending")
    _reservation(tamperer, shop, order, status="held", units=1)


def _returned_order(tamperer: psycopg.Connection, shop: Shop) -> None:
    money = {"captured_minor": 500, "excess_minor": 500, "excess_returned_minor": 500}
    order = _order(tamperer, shop, "returned", units=1, state="cancelled_with_refund", version=4, **money)
    _history(tamperer, order, "draft", "payment_pending", "cancelled", "cancelled_with_refund")
    attempt = _attempt(tamperer, shop, order, status="captured", is_current=True, **money)
    _operation(tamperer, attempt, "authorize", "succeeded")
    _operation(tamperer, attempt, "give_back", "succeeded")
    _reservation(tamperer, shop, order, status="released", units=1)


def _acts_of_staff() -> None:
    """One that a person does alone, and one that took two."""
    ada, grace = a_colleague("ada"), a_colleague("grace", StaffRole.SUPERVISOR)
    small, great = (an_act(ada, Money(minor, "GBP"), order_public_id="ord_paid") for minor in (4_000, 6_000))
    authorized(small)
    authorized(great, approval_id=approved(great, approver=grace).public_id)


def _coupon_of_all(tamperer: psycopg.Connection, channel: SalesChannel) -> None:
    promotion = _insert(
        tamperer,
        Promotion(
            public_id="promo_1", channel=channel, name="Gift", kind="free_shipping", valid_from=NOON, created_at=NOON
        ),
    )
    coupon = _insert(
        tamperer, Coupon(promotion=promotion, channel=channel, code="GIFT", code_key="G1FT", created_at=NOON)
    )
    for name, status in [("paid", "used"), ("waiting", "held"), ("returned", "given_back")]:
        _insert(
            tamperer,
            CouponUse(
                public_id=f"cpu_{name}",
                promotion=promotion,
                coupon=coupon,
                order_public_id=f"ord_{name}",
                status=status,
                contact_key="mail:1",
                held_at=NOON,
            ),
        )
    for scope, key in [("total", ""), ("coupon", str(coupon.pk)), ("customer", "mail:1")]:
        _insert(
            tamperer,
            PromotionCount(
                promotion=promotion, scope=scope, key=key, uses_count=2, uses_max=2 if scope == "total" else None
            ),
        )


def _books(shop: Shop) -> None:
    def moved(name: str, kind: str, amount_minor: int) -> ledger.Movement:
        return ledger.Movement(
            source_kind="operation",
            source_id=f"op_{name}_{kind}",
            account=shop.account,
            order_public_id=f"ord_{name}",
            attempt_public_id=f"payatt_{name}",
            money=Money(amount_minor, "GBP"),
        )

    sale = ledger.Sale(
        channel=shop.channel,
        order_public_id="ord_paid",
        is_livemode=False,
        currency="GBP",
        due_minor=1000,
        sales_minor=1000,
    )
    with transaction("test.books"):
        ledger.post_sale(sale, cause=WEBHOOK)
        ledger.post_capture(moved("paid", "authorize", 1000), cause=WEBHOOK)
        ledger.post_unowed_capture(moved("returned", "authorize", 500), cause=WEBHOOK)
        ledger.post_give_back(moved("returned", "give_back", 500), cause=WEBHOOK)
