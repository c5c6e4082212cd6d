"""Everything the books can prove about themselves. Streams; ask inside one REPEATABLE READ transaction."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from ledger import proofs
from ledger.models import Period, PeriodTotal
from ledger.selectors.periods import moved_in_days, moved_on, names_of_accounts
from ledger.totals import FIRST_PREVIOUS, Heading, Moved, Side, Total, carry_forward, hash_of
from oversight.chains import LEDGER
from oversight.models import AuditEntry
from oversight.selectors import verify_chain

_PROOFS = {
    "balance": proofs.BALANCED,
    "entries": proofs.BELONGING,
    "reversal": proofs.EXACTLY_REVERSED,
    "checkpoint": proofs.COUNTED,
    "closed": proofs.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the books: of which kind, with what, in words."""

    kind: str
    subject: str
    detail: str

    def __str__(self) -> str:
        """One line for people and logs."""
        return f"{self.kind} {self.subject} {self.detail}"


def find_problems() -> Iterator[Problem]:
    """This will yield whatever is wrong: broken seals, postings that do not balance, entries that belong nowhere,
    reversals that are not exact, checkpoints and closed days that are not the sums of their entries, periods whose
    totals do not make their hash or whose close the audit trail does not know.
    """
    for detail in verify_chain(LEDGER):
        yield Problem("seal", f"chain:{LEDGER.name}", detail)
    for kind, select in _PROOFS.items():
        with connection.cursor() as cursor:
            cursor.execute(select)
            for subject, detail in cursor.fetchall():
                yield Problem(kind, subject, detail)
    yield from _broken_periods()
    yield from _closes_that_vanished()


def _broken_periods() -> Iterator[Problem]:
    for legal_entity in Period.objects.order_by("legal_entity").values_list("legal_entity", flat=True).distinct():
        yield from _broken_days(legal_entity)
        yield from _broken_months(legal_entity)


def _broken_days(legal_entity: str) -> Iterator[Problem]:
    """Add the books up again from their first closed day, from entries alone."""
    names = names_of_accounts(legal_entity)
    closing: dict[Side, int] = {}
    previous_sha256, expected_on = FIRST_PREVIOUS, None
    for day in Period.objects.filter(legal_entity=legal_entity, kind=Period.Kind.DAY).order_by("starts_on"):
        if expected_on not in {None, day.starts_on}:
            yield Problem("period", day.public_id, f"the day before {day.starts_on} is missing")
        totals = carry_forward(closing, moved_on(legal_entity, day.starts_on), names=names)
        yield from _unlike(day, totals, previous_sha256=previous_sha256)
        closing = {(total.account_id, total.is_livemode): total.closing_minor for total in totals}
        previous_sha256, expected_on = day.totals_sha256, day.starts_on + timedelta(days=1)


def _broken_months(legal_entity: str) -> Iterator[Problem]:
    """Add months up from their days, which were compared with the entries."""
    names = names_of_accounts(legal_entity)
    previous_sha256 = FIRST_PREVIOUS
    for month in Period.objects.filter(legal_entity=legal_entity, kind=Period.Kind.MONTH).order_by("starts_on"):
        before = moved_in_days(legal_entity, first_on=month.starts_on.min, last_on=month.starts_on - timedelta(days=1))
        opening = {side: _balance(moved) for side, moved in before.items()}
        moved = moved_in_days(legal_entity, first_on=month.starts_on, last_on=month.ends_on)
        yield from _unlike(month, carry_forward(opening, moved, names=names), previous_sha256=previous_sha256)
        previous_sha256 = month.totals_sha256


def _unlike(period: Period, totals: list[Total], *, previous_sha256: str) -> Iterator[Problem]:
    if period.previous_sha256 != previous_sha256:
        yield Problem("period", period.public_id, f"{period} does not continue the one before")
    heading = Heading(period.legal_entity, period.kind, period.starts_on, period.ends_on)
    if period.totals_sha256 != hash_of(heading, totals, previous_sha256=period.previous_sha256):
        yield Problem("period", period.public_id, f"the entries of {period} do not make the hash of its totals")
    kept = PeriodTotal.objects.filter(period=period).values_list(
        "account_id", "is_livemode", "entries_count", "debit_minor", "credit_minor", "closing_minor"
    )
    found = {
        (
            total.account_id,
            total.is_livemode,
            total.entries_count,
            total.debit_minor,
            total.credit_minor,
            total.closing_minor,
        )
        for total in totals
    }
    if set(kept) != found:
        yield Problem("period", period.public_id, f"the totals of {period} are not those of its entries")


def _balance(moved: Moved) -> int:
    return moved.debit_minor - moved.credit_minor


def _closes_that_vanished() -> Iterator[Problem]:
    """Compare with the audit trail, which is sealed: a close may not be taken back, nor made up."""
    noted = {
        entry.subject_id: entry.after["totals_sha256"]
        for entry in AuditEntry.objects.filter(action="ledger.period_closed").iterator(chunk_size=500)
    }
    periods = dict(Period.objects.values_list("public_id", "totals_sha256"))
    for public_id in sorted(noted.keys() | periods.keys()):
        if noted.get(public_id) != periods.get(public_id):
            yield Problem("period", public_id, "its close and the audit trail do not agree")
