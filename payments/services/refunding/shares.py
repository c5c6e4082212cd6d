"""Between the rows of refunds and the pure shares they are made of."""

from collections.abc import Iterable, Sequence

from core.money import allocate
from orders.models import Order
from orders.refunding import Given, LineShare, Share, Shares, Sold, WantedAmount, given_by, refund_shares
from payments.models import COUNTED_REFUNDS, LOST_DISPUTES, Dispute, Refund, RefundPart

Kind = RefundPart.Kind


def sold_of(order: Order) -> Sold:
    """This will return the order as refunds see it. One query."""
    cancelled = dict(order.lines.filter(units_cancelled__gt=0).values_list("position", "units_cancelled"))
    return Sold(order.snapshot, order.accepted_minor, cancelled)


def given_of(refunds: Iterable[Refund], *, lost: Iterable[Dispute], sold: Sold) -> Given:
    """This will sum up what went back of the order or is on its way: refunds that count, and disputes lost.

    A lost dispute names no lines; it bears tax like what was left then.
    """
    each = [shares_of(refund) for refund in refunds if refund.status in COUNTED_REFUNDS]
    for dispute in lost:
        if dispute.status in LOST_DISPUTES:
            each.append(freely(sold, given_by(each), amount_minor=dispute.amount_minor))
    return given_by(each)


def freely(sold: Sold, given: Given, *, amount_minor: int, step_minor: int = 1) -> Shares:
    """This will return the shares of an amount that somebody else decided; what is beyond the accepted bears no tax."""
    left = max(0, sold.accepted_minor - given.returned_minor)
    within = min(amount_minor, left)
    beyond = Share(gross_minor=amount_minor - within)
    if not within:
        return Shares(str(sold.snapshot["currency"]), (), Share(), Share(), beyond, {})
    shares = refund_shares(sold, given=given, wanted=WantedAmount(within), step_minor=step_minor)
    free = Share(shares.free.gross_minor + beyond.gross_minor, shares.free.tax_minor)
    return Shares(shares.currency, shares.lines, shares.shipping, shares.fees, free, shares.taxes_minor)


def shares_of(refund: Refund) -> Shares:
    """This will return the shares a refund was stored with; its parts and taxes were read along."""
    parts = list(refund.parts.all())
    beside = {part.kind: Share(part.gross_minor, part.tax_minor) for part in parts if part.kind != Kind.LINE}
    return Shares(
        currency=refund.currency,
        lines=tuple(
            LineShare(
                position=part.position or 0, sku=part.sku, units=part.units, gross_minor=part.gross_minor,
                tax_minor=part.tax_minor, discount_minor=part.discount_minor,
            )
            for part in parts
            if part.kind == Kind.LINE
        ),
        shipping=beside.get(Kind.SHIPPING, Share()),
        fees=beside.get(Kind.FEES, Share()),
        free=beside.get(Kind.FREE, Share()),
        taxes_minor={tax.jurisdiction: tax.amount_minor for tax in refund.taxes.all()},
    )  # fmt: skip


def parts_of(shares: Shares, *, is_restocked: bool) -> list[RefundPart]:
    """This will return unsaved rows for the shares; the caller gives them their refund and order."""
    lines = [
        RefundPart(
            kind=Kind.LINE, position=line.position, sku=line.sku, units=line.units, gross_minor=line.gross_minor,
            tax_minor=line.tax_minor, discount_minor=line.discount_minor, is_restocked=is_restocked and line.units > 0,
        )
        for line in shares.lines
    ]  # fmt: skip
    beside = ((Kind.SHIPPING, shares.shipping), (Kind.FEES, shares.fees), (Kind.FREE, shares.free))
    return lines + [
        RefundPart(kind=kind, gross_minor=share.gross_minor, tax_minor=share.tax_minor)
        for kind, share in beside
        if share.gross_minor
    ]


def split(shares: Shares, amounts: Sequence[int]) -> list[Shares]:
    """This will cut shares into portions of these amounts, which sum to their total, for payments that each took a
    part. Units go with the first portion; the others are amounts, with their share of every tax.
    """
    if len(amounts) == 1:
        return [shares]
    taxes = {place: allocate(tax, amounts) for place, tax in shares.taxes_minor.items()}
    portions = []
    for index, amount in enumerate(amounts):
        own = {place: dealt[index] for place, dealt in taxes.items() if dealt[index]}
        lines = tuple(
            LineShare(line.position, line.sku, line.units, 0, 0, line.discount_minor) for line in shares.lines
        )
        portions.append(
            Shares(
                shares.currency, lines if index == 0 else (), Share(), Share(), Share(amount, sum(own.values())), own
            )
        )
    return portions
