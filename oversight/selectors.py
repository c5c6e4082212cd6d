"""Reads of cases, approvals, acts, audit and seals; the locks every change of these begins with."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import QuerySet, Sum

from core.db import one_or_none
from core.errors import NotFound
from core.money import Money
from oversight.chains import FIRST_PREVIOUS, Chain
from oversight.models import Action, Approval, Case, Seal, StaffAct

OPEN_APPROVAL = [Approval.Status.REQUESTED, Approval.Status.APPROVED]


class NoSuchCase(NotFound):
    """No case has this id."""

    code = "no_such_case"
    title = "There is no such case."


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far a chain's table had rows, and which transactions were writing to it just after."""

    last_id: int
    writers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of a chain that a seal covers, and their hash."""

    first_id: int
    last_id: int
    rows_count: int
    sha256: str


def lock_case(public_id: str) -> Case:
    """This will return the case, locked until the transaction ends. Raises: NoSuchCase."""
    case = one_or_none(Case.objects.select_for_update().filter(public_id=public_id))
    if case is None:
        raise NoSuchCase
    return case


def lock_open_case(*, type: str, subject_id: str) -> Case | None:  # noqa: A002 - the column's name
    """This will return the open case of that type about the subject, locked, if there is one."""
    open_cases = Case.objects.exclude(status=Case.Status.RESOLVED)
    return one_or_none(open_cases.select_for_update().filter(type=type, subject_id=subject_id))


def lock_overdue_cases(*, now: datetime, limit: int) -> list[Case]:
    """This will return cases past their due time that are not escalated yet, locked; those somebody works on are
    skipped.
    """
    waiting = Case.objects.filter(status__in=[Case.Status.OPEN, Case.Status.ASSIGNED], due_at__lte=now)
    return list(waiting.select_for_update(skip_locked=True).order_by("due_at", "id")[:limit])


def open_cases_of_order(order_public_id: str) -> list[Case]:
    """This will return an order's cases that are not resolved, the most urgent first."""
    cases = Case.objects.filter(order_public_id=order_public_id).exclude(status=Case.Status.RESOLVED)
    return list(cases.order_by("due_at", "id"))


def has_open_case(*, type: str, subject_id: str) -> bool:  # noqa: A002 - the column's name
    """This will tell whether a case of that type about the subject is not resolved."""
    return Case.objects.filter(type=type, subject_id=subject_id).exclude(status=Case.Status.RESOLVED).exists()


def was_reported(*, type: str, subject_id: str, order_public_id: str) -> bool:  # noqa: A002 - the column's name
    """This will tell whether a case of that type about the subject was ever opened, resolved since or not."""
    return Case.objects.filter(order_public_id=order_public_id, type=type, subject_id=subject_id).exists()


def lock_approval(public_id: str) -> Approval | None:
    """This will return the approval, locked until the transaction ends, if there is one."""
    return one_or_none(Approval.objects.select_for_update().filter(public_id=public_id))


def lock_due_approvals(*, now: datetime, limit: int) -> list[Approval]:
    """This will return approvals past their time that did not end yet, locked; those somebody works on are skipped."""
    due = Approval.objects.filter(status__in=OPEN_APPROVAL, expires_at__lte=now)
    return list(due.select_for_update(skip_locked=True).order_by("expires_at", "id")[:limit])


def open_approval(*, action: Action, subject_id: str, request_digest: str) -> Approval | None:
    """This will return the approval of exactly this that is asked for or given and not executed, if there is one."""
    same = Approval.objects.filter(action=action, subject_id=subject_id, request_digest=request_digest)
    return one_or_none(same.filter(status__in=OPEN_APPROVAL))


def lock_sums(*, actor: str, order_public_id: str) -> None:
    """This will make everybody else wait who acts on the order or as this person, until the transaction ends.

    See Note [Sums under a lock] in the migration of the guards, which takes the same locks.
    """
    with connection.cursor() as cursor:
        if order_public_id:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtext('oversight.act.order'), hashtext(%s))", [order_public_id]
            )
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('oversight.act.actor'), hashtext(%s))", [actor])


def acted_on_order(order_public_id: str, *, action: Action, currency: str) -> Money:
    """This will return what staff did of one action to an order, whoever they were."""
    acts = StaffAct.objects.filter(order_public_id=order_public_id, action=action, currency=currency)
    return _sum(acts, currency=currency)


def acted_in_a_day(actor: str, *, action: Action, currency: str, business_on: date) -> Money:
    """This will return what one person did of one action on a day, to all orders."""
    acts = StaffAct.objects.filter(actor=actor, action=action, currency=currency, business_on=business_on)
    return _sum(acts, currency=currency)


def _sum(acts: QuerySet[StaffAct], *, currency: str) -> Money:
    return Money(int(acts.aggregate(total=Sum("amount_minor"))["total"] or 0), currency)


def lock_chain(chain: Chain) -> None:
    """This will make this transaction the only sealer of the chain until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('oversight.seal'), hashtext(%s))", [chain.name])


def last_seal(chain: Chain) -> Seal | None:
    """This will return the newest seal of the chain."""
    return Seal.objects.filter(chain=chain.name).order_by("-sequence").first()


# Note [Settled ids]: an id is taken from its sequence before its row can be seen, so a row may appear below a greater
# id that is already committed: by a transaction that took its id earlier and commits later. Neither the age of a row
# nor comparing transaction ids excludes that (the lower id may belong to the later transaction, and an id may be
# taken before the transaction has an id of its own). What does: PostgreSQL locks the table for an INSERT
# (RowExclusiveLock) before it evaluates the sequence and keeps that lock until the transaction ends. So we read the
# greatest visible id first, then list who holds that lock; in one statement, because its snapshot is older than its
# look at the locks. Any id up to that greatest one was taken before our snapshot, by a transaction that has ended
# since or is on the list. Once none of the list holds its lock any more, every id up to there is settled: visible to
# the next statement, or rolled back and never seen.
def look_at_horizon(chain: Chain) -> Horizon:
    """This will return the chain's greatest visible id and the transactions that may still add rows below it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT coalesce((SELECT max(id) FROM {chain.table}), 0),
                ARRAY(SELECT virtualtransaction FROM pg_locks WHERE {_WRITES_TO_TABLE})
            """,  # noqa: S608 - the table's name comes from the registry
            [chain.table],
        )
        last_id, writers = cursor.fetchone()
    return Horizon(last_id=last_id, writers=frozenset(writers))


def are_writing(chain: Chain, *, writers: frozenset[str]) -> bool:
    """This will tell whether one of those transactions still holds its lock on the chain's table."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM pg_locks WHERE {_WRITES_TO_TABLE} AND virtualtransaction = ANY(%s))",  # noqa: S608
            [chain.table, list(writers)],
        )
        return bool(cursor.fetchone()[0])


_WRITES_TO_TABLE = """
    locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted AND relation = to_regclass(%s)
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def read_batch(chain: Chain, *, after_id: int, last_id: int, rows_max: int, previous_sha256: str) -> Batch | None:
    """This will hash the next rows of the chain, at most `rows_max` of them, up to `last_id`; None when there is none.

    The hash is SHA-256 over the seal before and one line per row in id order.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT min(id), max(id), count(*),
                encode(sha256(convert_to(%s || E'\\n' || string_agg(line, E'\\n' ORDER BY id), 'UTF8')), 'hex')
            FROM (SELECT entry.id AS id, {chain.row_text} AS line FROM {chain.row_source}
                  WHERE entry.id > %s AND entry.id <= %s ORDER BY entry.id LIMIT %s) AS batch
            """,  # noqa: S608 - the chain's SQL comes from the registry
            [previous_sha256, after_id, last_id, rows_max],
        )
        first_id, batch_last_id, rows_count, sha256 = cursor.fetchone()
    return Batch(first_id, batch_last_id, rows_count, sha256) if rows_count else None


def verify_chain(chain: Chain) -> list[str]:
    """This will hash every sealed batch again and return what does not agree, in words; empty when nothing was altered.

    A seal covers all ids after those of the seal before, so a row slipped into a gap is found like one changed or
    removed.
    """
    violations = []
    previous_sha256, previous_id, sequence = FIRST_PREVIOUS, 0, 0
    for seal in Seal.objects.filter(chain=chain.name).order_by("sequence").iterator(chunk_size=500):
        sequence += 1
        if seal.sequence != sequence:
            violations.append(f"seal #{sequence} is missing: #{seal.sequence} follows")
            sequence = seal.sequence
        if seal.previous_sha256 != previous_sha256:
            violations.append(f"seal #{seal.sequence} does not continue the one before")
        batch = read_batch(
            chain,
            after_id=previous_id,
            last_id=seal.last_id,
            rows_max=seal.rows_count + 1,
            previous_sha256=seal.previous_sha256,
        )
        if batch != Batch(seal.first_id, seal.last_id, seal.rows_count, seal.sha256):
            found = batch.rows_count if batch else 0
            violations.append(
                f"seal #{seal.sequence} over ids {seal.first_id} to {seal.last_id} is broken: "
                f"sealed {seal.rows_count} rows, found {found}, and the hash differs"
            )
        previous_sha256, previous_id = seal.sha256, seal.last_id
    return violations
