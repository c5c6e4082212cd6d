"""Closed periods: through which day the books are closed, and what a period sums up to."""

from collections.abc import Iterable
from datetime import date
from typing import cast

from django.db import connection
from django.db.models import Max, Sum

from core.db import one_or_none
from core.models import SalesChannel
from ledger.models import Account, Period, PeriodTotal
from ledger.totals import Moved, Side


def closed_through(legal_entity: str) -> date | None:
    """This will return the last closed day of a legal entity, None when nothing was ever closed."""
    return cast("date | None", Period.objects.filter(legal_entity=legal_entity).aggregate(last=Max("ends_on"))["last"])


def find_period(*, legal_entity: str, kind: str, starts_on: date) -> Period | None:
    """This will return the closed period that starts on that day, None while it is open."""
    return one_or_none(Period.objects.filter(legal_entity=legal_entity, kind=kind, starts_on=starts_on))


def last_period(*, legal_entity: str, kind: str) -> Period | None:
    """This will return the newest closed period of that kind."""
    return Period.objects.filter(legal_entity=legal_entity, kind=kind).order_by("-starts_on").first()


def last_closed_day(legal_entity: str, *, until: date) -> Period | None:
    """This will return the newest closed day that is no later than `until`."""
    days = Period.objects.filter(legal_entity=legal_entity, kind=Period.Kind.DAY, ends_on__lte=until)
    return days.order_by("-ends_on").first()


def time_zones(legal_entity: str) -> list[str]:
    """This will return the time zones of a legal entity's channels."""
    channels = SalesChannel.objects.filter(legal_entity=legal_entity)
    return list(channels.order_by("time_zone").values_list("time_zone", flat=True).distinct())


def lock_for_closing(*, legal_entity: str, business_on: date) -> None:
    """This will wait for the postings under way on that day and keep others waiting until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_lock_for_closing(%s, %s)", [legal_entity, business_on])


def names_of_accounts(legal_entity: str) -> dict[int, tuple[str, str]]:
    """This will return code and currency of each account of a legal entity."""
    rows = Account.objects.filter(legal_entity=legal_entity).values_list("id", "code", "currency")
    return {account_id: (code, currency) for account_id, code, currency in rows}


def moved_on(legal_entity: str, business_on: date) -> dict[Side, Moved]:
    """This will return what each account's entries of one business day sum up to."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT entry.account_id, posting.is_livemode, count(*),
                coalesce(sum(entry.amount_minor) FILTER (WHERE entry.amount_minor > 0), 0)::bigint,
                coalesce(-sum(entry.amount_minor) FILTER (WHERE entry.amount_minor < 0), 0)::bigint
            FROM ledger_posting AS posting JOIN ledger_entry AS entry ON entry.posting_id = posting.id
            JOIN ledger_account AS account ON account.id = entry.account_id
            WHERE posting.business_on = %s AND account.legal_entity = %s
            GROUP BY entry.account_id, posting.is_livemode
            """,
            [business_on, legal_entity],
        )
        return {(account_id, is_livemode): Moved(*figures) for account_id, is_livemode, *figures in cursor.fetchall()}


def moved_in_days(legal_entity: str, *, first_on: date, last_on: date) -> dict[Side, Moved]:
    """This will add up the totals of closed days."""
    days = PeriodTotal.objects.filter(
        period__legal_entity=legal_entity, period__kind=Period.Kind.DAY, period__starts_on__range=(first_on, last_on)
    )
    rows = days.values_list("account_id", "is_livemode").annotate(
        entries=Sum("entries_count"), debit=Sum("debit_minor"), credit=Sum("credit_minor")
    )
    return {
        (account_id, is_livemode): Moved(int(entries), int(debit), int(credit))
        for account_id, is_livemode, entries, debit, credit in rows
    }


def closing_of(period: Period | None) -> dict[Side, int]:
    """This will return the balance of each account at the end of a period; nothing for none."""
    rows: Iterable[tuple[int, bool, int]] = (
        PeriodTotal.objects.filter(period=period).values_list("account_id", "is_livemode", "closing_minor")
        if period
        else []
    )
    return {(account_id, is_livemode): closing_minor for account_id, is_livemode, closing_minor in rows}
