"""Orders at every point of their lives."""

from datetime import timedelta
from typing import Any

from django.db import connection

from catalog.services import reserve
from catalog.tests.factories import a_product
from core.cause import Cause
from core.db import in_transaction, transaction
from core.ids import new_public_id
from core.models import SalesChannel
from core.tests.factories import NOW, a_channel
from orders.models import Order, OrderEvent
from orders.services import ContactDetails, NewOrder, create_order
from oversight.tests.factories import tampering

CAUSE = Cause(actor="customer:usr_1", source="checkout", now=NOW)
LINE: dict[str, Any] = {
    "sku": "MUG-RED",
    "product_name": "Red mug",
    "variant_name": "Large",
    "unit_price_minor": 1000,
    "quantity": 2,
    "subtotal_minor": 2000,
    "discount_minor": 0,
    "total_minor": 2000,
    "tax": {"region": "GB", "amount_minor": 0, "basis_minor": 2000},
}


def a_snapshot(**changes: Any) -> dict[str, Any]:
    """This will return a complete snapshot of two mugs for twenty pounds."""
    return {
        "schema_version": 1,
        "currency": "GBP",
        "country": "GB",
        "lines": [LINE],
        "subtotal_minor": 2000,
        "discount_minor": 0,
        "tax_minor": 0,
        "shipping_minor": 0,
        "fees_minor": 0,
        "total_minor": 2000,
        **changes,
    }


def an_order(channel: SalesChannel | None = None, **changes: Any) -> Order:
    """This will place an order: a draft with its snapshot, its lines and its units held."""
    if not in_transaction():
        with transaction("test"):
            return an_order(channel, **changes)
    channel = channel or SalesChannel.objects.first() or a_channel()
    new = NewOrder(
        channel=channel,
        cart_id=changes.pop("cart_id", new_public_id("cart")),
        customer_id=None,
        bucket_id="bkt_1",
        locale="en-GB",
        snapshot=a_snapshot(**changes),
        contact=ContactDetails(email=" Ada@Example.com ", phone="020 7946 0018"),
        expires_at=NOW + timedelta(minutes=15),
        policy_versions={"reservation": 1},
        is_livemode=False,
    )
    order = create_order(new, cause=CAUSE)
    variant = channel.variants.filter(sku="MUG-RED").first() or a_product(channel, stock=1000)
    reserve(owner_id=order.public_id, channel_id=channel.pk, quantities={variant.pk: 2}, now=NOW)
    return order


def an_order_in(state: str, **columns: Any) -> Order:
    """This will place an order and put it into a state with those columns, past every guard, as a superuser can."""
    order = an_order()
    if state == "draft" and not columns:
        return order
    sets = "".join(f", {name} = %({name})s" for name in columns)
    row = model_to_values(order.history.get())
    row |= {"sequence": 2, "from_state": "draft", "to_state": state}
    with tampering() as tamperer:
        tamperer.execute(
            f"UPDATE orders_order SET state = %(state)s, version = 2{sets} WHERE id = %(id)s",
            {"state": state, "id": order.pk, **columns},
        )
        names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        tamperer.execute(f"INSERT INTO orders_orderevent ({names}) VALUES ({places})", row)
    return Order.objects.get(pk=order.pk)


def model_to_values(event: OrderEvent) -> dict[str, Any]:
    """This will return the columns of a history row, without its id, as psycopg takes them."""
    fields = [field for field in OrderEvent._meta.concrete_fields if field.column and not field.primary_key]
    return {str(field.column): field.get_db_prep_save(getattr(event, field.attname), connection) for field in fields}
