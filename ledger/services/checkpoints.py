"""Rolling checkpoints: counted once, so that a balance stays cheap however many entries there are."""

from django.db import connection

from core.cause import Cause
from core.db import transaction_required
from oversight.chains import LEDGER
from oversight.selectors import last_seal

# How many sealed entries an account gathers before it is counted again; so many a balance reads at most, beside those
# that are not sealed yet.
ENTRIES_MIN = 1_000

# Note [Counted from seals]: an entry may appear below a greater id that is already there, so a sum up to an id could
# still change. The sealer knows through which id that is over (oversight's Note [Settled ids]); nothing beyond its last
# seal is counted. Two runs at once count the same or one further than the other: both are right.
_COUNT = """
INSERT INTO ledger_checkpoint (account_id, is_livemode, up_to_entry_id, balance_minor, entries_count, recorded_at)
SELECT account.id, mode.is_livemode, %(sealed)s, coalesce(last.balance_minor, 0) + mode.added_minor,
    coalesce(last.entries_count, 0) + mode.added_count, %(now)s
FROM ledger_account AS account
CROSS JOIN LATERAL (
    SELECT coalesce(max(up_to_entry_id), 0) AS up_to_entry_id FROM ledger_checkpoint WHERE account_id = account.id
) AS counted
CROSS JOIN LATERAL (
    SELECT count(*) AS every_count, count(*) FILTER (WHERE posting.is_livemode) AS live_count,
        coalesce(sum(entry.amount_minor), 0)::bigint AS every_minor,
        coalesce(sum(entry.amount_minor) FILTER (WHERE posting.is_livemode), 0)::bigint AS live_minor
    FROM ledger_entry AS entry JOIN ledger_posting AS posting ON posting.id = entry.posting_id
    WHERE entry.account_id = account.id AND entry.id > counted.up_to_entry_id AND entry.id <= %(sealed)s
) AS added
CROSS JOIN LATERAL (VALUES
    (true, live_minor, live_count), (false, every_minor - live_minor, every_count - live_count)
) AS mode (is_livemode, added_minor, added_count)
LEFT JOIN ledger_checkpoint AS last ON last.account_id = account.id AND last.is_livemode = mode.is_livemode
    AND last.up_to_entry_id = counted.up_to_entry_id
WHERE added.every_count >= %(least)s
ON CONFLICT (account_id, is_livemode, up_to_entry_id) DO NOTHING
"""


@transaction_required
def make_checkpoints(*, cause: Cause, entries_min: int = ENTRIES_MIN) -> int:
    """This will count every account that gathered `entries_min` sealed entries since it was counted last. Returns how
    many checkpoints were made: two for each account, of real and of test money.
    """
    seal = last_seal(LEDGER)
    if seal is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"sealed": seal.last_id, "now": cause.now, "least": entries_min})
        return int(cursor.rowcount)
