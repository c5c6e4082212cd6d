"""Reads of single postings, and the lock on the chart."""

from django.db import connection

from core.db import one_or_none
from core.errors import NotFound
from ledger.models import Entry, Posting

# Any number that no other advisory lock of ours uses; it spells "chart".
CHART_LOCK = 0x6368617274


class NoSuchPosting(NotFound):
    """No posting has this id."""

    code = "no_such_posting"
    title = "There is no such posting."


def lock_chart() -> None:
    """This will wait until no other transaction creates accounts, and keep others waiting until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHART_LOCK])


def find_posting(*, source_kind: str, source_id: str, event: str) -> Posting:
    """This will return the posting of a fact. Raises: Posting.DoesNotExist."""
    return Posting.objects.get(source_kind=source_kind, source_id=source_id, event=event)


def count_postings(*, source_kind: str, source_id: str, event: str) -> int:
    """This will return how often an event was posted for a source, whichever its round."""
    return Posting.objects.filter(source_kind=source_kind, source_id=source_id, event__startswith=event).count()


def posting_of(public_id: str) -> Posting:
    """This will return the posting with its channel. Raises: NoSuchPosting."""
    posting = one_or_none(Posting.objects.select_related("channel").filter(public_id=public_id))
    if posting is None:
        raise NoSuchPosting(posting_id=public_id)
    return posting


def reversal_of(posting: Posting) -> Posting | None:
    """This will return the posting that takes this one back, if there is one."""
    return one_or_none(Posting.objects.filter(reverses=posting.public_id))


def entries_of(posting: Posting) -> list[Entry]:
    """This will return a posting's entries with their accounts, in the order they were posted."""
    return list(Entry.objects.filter(posting=posting).select_related("account").order_by("id"))
