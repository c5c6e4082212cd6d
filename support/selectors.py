"""Reads for the console."""

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BinaryField, F, Func, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat, Length, Substr

from catalog.models import PromotionCount, ReservationLine, ShippingArea
from core.models import SalesChannel
from ledger.models import Entry, Period, PeriodTotal, Posting
from orders.models import Contact, DueAdjustment, Hold, Order, OrderEvent, OrderLine, RefusedTransition
from orders.selectors import history_of
from oversight.models import Case
from payments.models import Dispute, Operation, PaymentAttempt, Refund, RefundClaim
from webhooks.models import Delivery, Event

# Of each part of an order's file; what an order has more of than this is wrong in itself.
ROWS_MAX = 500


def second_factors_of(user_id: int) -> dict[int, str]:
    """This will return the types of a user's second factors by their row id: `totp`, `recovery_codes`."""
    return dict(Authenticator.objects.filter(user_id=user_id).values_list("id", "type"))


def uses_of_promotions() -> Coalesce:
    """This will count, for each promotion, the uses that are held or used."""
    total = PromotionCount.objects.filter(promotion=OuterRef("pk"), scope=PromotionCount.Scope.TOTAL)
    return Coalesce(Subquery(total.values("uses_count")[:1]), Value(0))


def shop_time_zone() -> str:
    """This will name the time zone the shop lives in; UTC before there is a shop."""
    zone = SalesChannel.objects.filter(archived_at=None).order_by("id").values_list("time_zone", flat=True).first()
    return zone or "UTC"


@dataclass(frozen=True, slots=True)
class FirstBody:
    """What first told us of an event: at most the bytes asked for, and how many there are; none once retention has
    removed them.
    """

    shown: bytes
    size_bytes: int
    sha256: str
    headers: dict[str, str]


def first_body(event_id: int, *, bytes_max: int) -> FirstBody | None:
    """This will return the beginning of the bytes that brought an event, cut in the database; one query."""
    deliveries = Delivery.objects.filter(event_ids__contains=[event_id], body__isnull=False).order_by("id")
    row = deliveries.values_list(
        Substr("body", 1, bytes_max, output_field=BinaryField()), Length("body"), "body_sha256", "headers"
    ).first()
    return None if row is None else FirstBody(bytes(row[0]), row[1], row[2], row[3])


def deliveries_of_event() -> Coalesce:
    """This will count, for each event of a query, how often it arrived: one look into the index per row."""
    this_event = Func(OuterRef("pk"), template="ARRAY[%(expressions)s]")
    counted = Delivery.objects.filter(event_ids__contains=this_event).order_by()
    return Coalesce(Subquery(counted.annotate(count=Func(F("id"), function="COUNT")).values("count")), 0)


def open_hold_reasons() -> ArraySubquery:
    """This will read, for each order of a query, why it is held."""
    holds = Hold.objects.filter(order=OuterRef("pk"), released_at=None).order_by("id")
    return ArraySubquery(holds.values("reason"))


def places_of_zones() -> ArraySubquery:
    """This will read, for each shipping zone of a query, its places: country, region and postcode."""
    areas = ShippingArea.objects.filter(zone=OuterRef("pk")).order_by("country", "region", "postcode_prefix")
    named = Concat("country", Value(" "), "region", Value(" "), "postcode_prefix")
    return ArraySubquery(areas.annotate(named=named).values("named"))


@dataclass(frozen=True, slots=True)
class OrderFile:
    """All that is known about one order, each part at most `ROWS_MAX` rows, oldest first."""

    order: Order
    contact: Contact | None
    attempts: list[PaymentAttempt]
    operations: list[Operation]
    holds: list[Hold]
    history: list[OrderEvent]
    due_adjustments: list[DueAdjustment]
    entries: list[Entry]
    reserved: list[ReservationLine]
    events: list[Event]
    refused: list[RefusedTransition]
    cases: list[Case]
    claims: list[RefundClaim]
    refunds: list[Refund]
    disputes: list[Dispute]
    counters: dict[int, OrderLine]

    @property
    def open_holds(self) -> list[str]:
        """This will return why the order is held now."""
        return [hold.reason for hold in self.holds if hold.released_at is None]


def order_file(order: Order) -> OrderFile:
    """This will read everything about an order, in a number of queries that its size does not change."""
    public_id = order.public_id
    reserved = ReservationLine.objects.filter(reservation__owner_id=public_id)
    return OrderFile(
        order=order,
        contact=Contact.objects.filter(order=order).first(),
        attempts=list(PaymentAttempt.objects.filter(order=order).select_related("account").order_by("id")[:ROWS_MAX]),
        operations=list(Operation.objects.filter(order=order).select_related("attempt").order_by("id")[:ROWS_MAX]),
        holds=list(Hold.objects.filter(order=order).order_by("id")[:ROWS_MAX]),
        history=list(history_of(order)[:ROWS_MAX]),
        due_adjustments=list(DueAdjustment.objects.filter(order=order).order_by("id")[:ROWS_MAX]),
        entries=list(
            Entry.objects.filter(posting__order_public_id=public_id)
            .select_related("posting", "account")
            .order_by("posting_id", "id")[:ROWS_MAX]
        ),
        reserved=list(reserved.select_related("reservation", "stock__variant").order_by("id")[:ROWS_MAX]),
        events=list(
            Event.objects.filter(order_public_id=public_id).select_related("account").order_by("id")[:ROWS_MAX]
        ),
        refused=list(RefusedTransition.objects.filter(order_public_id=public_id).order_by("id")[:ROWS_MAX]),
        cases=list(Case.objects.filter(order_public_id=public_id).order_by("id")[:ROWS_MAX]),
        claims=list(RefundClaim.objects.filter(order=order).order_by("id")[:ROWS_MAX]),
        refunds=list(Refund.objects.filter(order=order).order_by("id")[:ROWS_MAX]),
        disputes=list(Dispute.objects.filter(order=order).order_by("id")[:ROWS_MAX]),
        counters={line.position: line for line in OrderLine.objects.filter(order=order)},
    )


def totals_of(period: Period) -> QuerySet[PeriodTotal]:
    """This will return the totals of a closed period with their accounts, by currency and code."""
    totals = PeriodTotal.objects.filter(period=period).select_related("account")
    return totals.order_by("account__currency", "account__code", "is_livemode")


def entries_of(posting: Posting) -> QuerySet[Entry]:
    """This will return a posting's entries with their accounts."""
    return Entry.objects.filter(posting=posting).select_related("account").order_by("id")
