"""Closing days and months. What is closed takes no entry any more and is never opened again.

A fact that comes late is booked on the first open day after the one it belongs to (`post`), and says which that was.
"""

from calendar import monthrange
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from core.cause import Cause
from core.db import constraint_errors, outside_transaction, transaction, transaction_required
from core.errors import DomainError, NotFound
from core.ids import new_public_id
from ledger import selectors
from ledger.models import Period, PeriodTotal
from ledger.totals import FIRST_PREVIOUS, Heading, Side, Total, carry_forward, hash_of
from oversight.services import record_audit


class PeriodIsNotOver(DomainError):
    """In one of the legal entity's shops the period has not ended yet."""

    code = "period_is_not_over"
    title = "This period is not over yet."


class PeriodOutOfOrder(DomainError):
    """Days close one after the other, and a month after its days."""

    code = "period_out_of_order"
    title = "An earlier day is open and has to be closed first."


class NoSuchLegalEntity(NotFound):
    """No sales channel belongs to it."""

    code = "no_such_legal_entity"
    title = "There is no such legal entity."


@outside_transaction
def close_period(*, legal_entity: str, kind: Period.Kind, on: date, cause: Cause) -> Period:
    """This will close the day `on`, or the month it lies in and before it every day of that month that is open.

    Each period in a transaction of its own; what is closed already is returned as it stands, so a run that was
    interrupted is simply repeated. Raises: NoSuchLegalEntity; PeriodIsNotOver; PeriodOutOfOrder.
    """
    if kind == Period.Kind.DAY:
        with transaction("ledger.close_day"):
            return close_day(legal_entity=legal_entity, business_on=on, cause=cause)
    first_on, last_on = _month_of(on)
    _refuse_unless_over(legal_entity, last_on, cause=cause)
    closed_through = selectors.closed_through(legal_entity)
    day = first_on if closed_through is None else closed_through + timedelta(days=1)
    if day < first_on:
        raise PeriodOutOfOrder(first_open_on=day.isoformat())
    while day <= last_on:
        with transaction("ledger.close_day"):
            close_day(legal_entity=legal_entity, business_on=day, cause=cause)
        day += timedelta(days=1)
    with transaction("ledger.close_month"):
        return close_month(legal_entity=legal_entity, first_on=first_on, cause=cause)


@transaction_required
def close_day(*, legal_entity: str, business_on: date, cause: Cause) -> Period:
    """This will sum a business day up and close it for ever; a closed one is returned.

    Waits for the postings under way on that day; those to other days go on. The first day of a legal entity closes
    every day before it too, so none of them may have a posting. Raises: PeriodIsNotOver; PeriodOutOfOrder.
    """
    _refuse_unless_over(legal_entity, business_on, cause=cause)
    selectors.lock_for_closing(legal_entity=legal_entity, business_on=business_on)
    closed = selectors.find_period(legal_entity=legal_entity, kind=Period.Kind.DAY, starts_on=business_on)
    if closed is not None:
        return closed
    before = selectors.last_period(legal_entity=legal_entity, kind=Period.Kind.DAY)
    totals = carry_forward(
        selectors.closing_of(before),
        selectors.moved_on(legal_entity, business_on),
        names=selectors.names_of_accounts(legal_entity),
    )
    heading = Heading(legal_entity, Period.Kind.DAY, business_on, business_on)
    return _close(heading, totals, before=before, cause=cause)


@transaction_required
def close_month(*, legal_entity: str, first_on: date, cause: Cause) -> Period:
    """This will add up the closed days of the month that begins on `first_on`; a closed month is returned.

    Raises: PeriodOutOfOrder while one of its days is open.
    """
    first_on, last_on = _month_of(first_on)
    selectors.lock_for_closing(legal_entity=legal_entity, business_on=last_on)
    closed = selectors.find_period(legal_entity=legal_entity, kind=Period.Kind.MONTH, starts_on=first_on)
    if closed is not None:
        return closed
    last_day = selectors.find_period(legal_entity=legal_entity, kind=Period.Kind.DAY, starts_on=last_on)
    if last_day is None:
        raise PeriodOutOfOrder(open_on=last_on.isoformat())
    moved = selectors.moved_in_days(legal_entity, first_on=first_on, last_on=last_on)
    closing_minor = selectors.closing_of(last_day)
    opening_minor: dict[Side, int] = {
        side: closing - (moved[side].debit_minor - moved[side].credit_minor if side in moved else 0)
        for side, closing in closing_minor.items()
    }
    totals = carry_forward(opening_minor, moved, names=selectors.names_of_accounts(legal_entity))
    heading = Heading(legal_entity, Period.Kind.MONTH, first_on, last_on)
    before = selectors.last_period(legal_entity=legal_entity, kind=Period.Kind.MONTH)
    return _close(heading, totals, before=before, cause=cause)


def _close(heading: Heading, totals: list[Total], *, before: Period | None, cause: Cause) -> Period:
    previous_sha256 = before.totals_sha256 if before else FIRST_PREVIOUS
    with constraint_errors({"ledger_period_in_order": lambda: PeriodOutOfOrder(day=heading.starts_on.isoformat())}):
        period = Period.objects.create(
            public_id=new_public_id("per"),
            legal_entity=heading.legal_entity,
            kind=heading.kind,
            starts_on=heading.starts_on,
            ends_on=heading.ends_on,
            previous_sha256=previous_sha256,
            totals_sha256=hash_of(heading, totals, previous_sha256=previous_sha256),
            closed_at=cause.now,
            closed_by=cause.actor,
        )
    PeriodTotal.objects.bulk_create(
        PeriodTotal(
            period=period,
            account_id=total.account_id,
            is_livemode=total.is_livemode,
            entries_count=total.entries_count,
            debit_minor=total.debit_minor,
            credit_minor=total.credit_minor,
            closing_minor=total.closing_minor,
        )
        for total in totals
    )
    record_audit(
        action="ledger.period_closed",
        subject_id=period.public_id,
        cause=cause,
        after={
            "legal_entity": period.legal_entity,
            "kind": period.kind,
            "starts_on": period.starts_on.isoformat(),
            "totals_sha256": period.totals_sha256,
        },
    )
    return period


def _refuse_unless_over(legal_entity: str, last_on: date, *, cause: Cause) -> None:
    zones = selectors.time_zones(legal_entity)
    if not zones:
        raise NoSuchLegalEntity(legal_entity=legal_entity)
    if min(cause.now.astimezone(ZoneInfo(zone)).date() for zone in zones) <= last_on:
        raise PeriodIsNotOver(last_day=last_on.isoformat())


def _month_of(day: date) -> tuple[date, date]:
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
