"""What moved, by event, by day and by order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Sum

from ledger.models import Entry


@dataclass(frozen=True, slots=True)
class EventTotal:
    """What all postings of one event moved on one account."""

    event: str
    code: str
    currency: str
    amount_minor: int
    postings_count: int


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What moved on one account on one business day of the channel."""

    business_on: date
    amount_minor: int


def totals_by_event(*, legal_entity: str, is_livemode: bool) -> list[EventTotal]:
    """This will return what each kind of posting moved on each account: sales, captures, give-backs…"""
    entries = Entry.objects.filter(account__legal_entity=legal_entity, posting__is_livemode=is_livemode)
    rows = (
        entries.values_list("posting__event", "account__code", "account__currency")
        .annotate(total=Sum("amount_minor"), postings=Count("posting", distinct=True))
        .order_by("posting__event", "account__currency", "account__code")
    )
    return [EventTotal(event, code, currency, int(total), count) for event, code, currency, total, count in rows]


def totals_by_day(*, legal_entity: str, code: str, currency: str) -> list[DayTotal]:
    """This will return what moved on one account on each business day, oldest first; days without movement are left
    out.
    """
    entries = Entry.objects.filter(account__legal_entity=legal_entity, account__code=code, account__currency=currency)
    rows = (
        entries.values_list("posting__business_on").annotate(total=Sum("amount_minor")).order_by("posting__business_on")
    )
    return [DayTotal(business_on, int(total)) for business_on, total in rows]


def totals_by_order(*, event: str, code: str, currency: str) -> Iterator[tuple[str, int]]:
    """This will stream (public id of the order, what its postings of `event` moved on `code`), for totals made from
    snapshots.
    """
    entries = Entry.objects.filter(posting__event=event, account__code=code, account__currency=currency)
    rows = entries.values_list("order_public_id").annotate(total=Sum("amount_minor")).order_by("order_public_id")
    for order_public_id, total in rows.iterator(chunk_size=2000):
        yield order_public_id, int(total)
