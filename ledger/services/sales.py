"""The sale of an order, recognised when it becomes paid."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.cause import Cause
from core.db import transaction_required
from core.models import SalesChannel
from ledger import chart
from ledger.models import Posting
from ledger.services.posting import Fact, Line, post


@dataclass(frozen=True, slots=True)
class Sale:
    """A paid order in figures of its snapshot, all in minor units of `currency` and ≥ 0 but the last two.

    `sales_minor` is net of tax and before discounts, `taxes_minor` goes by jurisdiction (empty when a provider
    collects the tax), `rounding_minor` is what the total has beyond its parts, `due_adjustment_minor` the sum of the
    approved changes of the amount due. Together they make `due_minor`, which becomes receivable.
    """

    channel: SalesChannel
    order_public_id: str
    is_livemode: bool
    currency: str
    due_minor: int
    sales_minor: int
    discounts_minor: int = 0
    shipping_minor: int = 0
    fees_minor: int = 0
    taxes_minor: Mapping[str, int] = field(default_factory=dict)
    rounding_minor: int = 0
    due_adjustment_minor: int = 0

    @property
    def has_figures(self) -> bool:
        """Whether there is anything to post: not for goods whose price is zero."""
        parts = (self.due_minor, self.sales_minor, self.discounts_minor, self.shipping_minor, self.fees_minor)
        return any(parts) or any(self.taxes_minor.values())


@transaction_required
def post_sale(sale: Sale, *, cause: Cause) -> Posting:
    """This will recognise the sale and its tax, in the transaction that makes the order paid; once for an order.

    Dr receivable, discounts / Cr sales, shipping, fees, tax. Raises: DoesNotBalance when the figures do not make
    `due_minor`.
    """
    lines = [
        Line(chart.RECEIVABLE, sale.due_minor),
        Line(chart.DISCOUNTS, sale.discounts_minor),
        Line(chart.DUE_ADJUSTMENTS, -sale.due_adjustment_minor),
        Line(chart.SALES, -sale.sales_minor),
        Line(chart.SHIPPING, -sale.shipping_minor),
        Line(chart.FEES, -sale.fees_minor),
        *(Line(chart.tax(jurisdiction), -amount) for jurisdiction, amount in sorted(sale.taxes_minor.items())),
        Line(chart.ROUNDING, -sale.rounding_minor),
    ]
    fact = Fact(
        source_kind="order",
        source_id=sale.order_public_id,
        event="sale",
        channel=sale.channel,
        currency=sale.currency,
        is_livemode=sale.is_livemode,
        lines=lines,
        order_public_id=sale.order_public_id,
    )
    return post(fact, cause=cause)
