"""Reads of the books. Balances are debit positive, credit negative, in minor units of their currency."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Count, QuerySet, Sum

from ledger.models import Entry, Posting

# Any number that no other advisory lock of ours uses; it spells "chart".
CHART_LOCK = 0x6368617274


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands on one account."""

    code: str
    currency: str
    amount_minor: int


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


def lock_chart() -> None:
    """This will wait until no other transaction creates accounts, and keep others waiting until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHART_LOCK])


def find_posting(*, source_kind: str, source_id: str, event: str) -> Posting:
    """This will return the posting of a fact. Raises: Posting.DoesNotExist."""
    return Posting.objects.get(source_kind=source_kind, source_id=source_id, event=event)


def balance(*, legal_entity: str, code: str, currency: str) -> int:
    """This will return what stands on one account; 0 for an account nothing was posted to."""
    entries = Entry.objects.filter(account__legal_entity=legal_entity, account__code=code, account__currency=currency)
    return int(entries.aggregate(total=Sum("amount_minor"))["total"] or 0)


def clearing_balance(*, provider: str, currency: str) -> int:
    """This will return what all our accounts at a provider owe us in one currency."""
    entries = Entry.objects.filter(account__code__startswith=f"asset:clearing:{provider}:", account__currency=currency)
    return int(entries.aggregate(total=Sum("amount_minor"))["total"] or 0)


def trial_balance(*, legal_entity: str, is_livemode: bool) -> list[Balance]:
    """This will return every account of real or of test money, by currency and code; each currency sums to zero."""
    entries = Entry.objects.filter(account__legal_entity=legal_entity, posting__is_livemode=is_livemode)
    return _balances(entries)


def order_balance(order_public_id: str) -> list[Balance]:
    """This will return what an order's postings left on each account, by currency and code."""
    return _balances(Entry.objects.filter(order_public_id=order_public_id))


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


def _balances(entries: QuerySet[Entry]) -> list[Balance]:
    rows = (
        entries.values_list("account__code", "account__currency")
        .annotate(total=Sum("amount_minor"))
        .order_by("account__currency", "account__code")
    )
    return [Balance(code, currency, int(total)) for code, currency, total in rows]
