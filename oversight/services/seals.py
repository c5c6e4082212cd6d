"""Seals over closed batches of append-only tables."""

from datetime import datetime

from core import clock
from core.db import outside_transaction, transaction, transaction_required
from oversight import selectors
from oversight.chains import CHAINS, FIRST_PREVIOUS, Chain
from oversight.models import Seal

# A batch is hashed in the database's memory; this keeps it to a few megabytes.
SEAL_ROWS_MAX = 5_000
WRITERS_LOOKS = 40
WRITERS_LOOK_SECONDS = 0.05


@outside_transaction
def seal_closed_batches(*, now: datetime) -> list[Seal]:
    """This will seal every row that no open transaction can still precede, in all chains. Opens its own transactions.

    It waits up to two seconds for the transactions that were writing when it looked; a chain with a longer one is
    left for the next run. See Note [Settled ids].
    """
    seals = []
    for chain in CHAINS:
        horizon = selectors.look_at_horizon(chain)
        if _await_writers(chain, horizon):
            seals += _seal_up_to(chain, last_id=horizon.last_id, now=now)
    return seals


def _await_writers(chain: Chain, horizon: selectors.Horizon) -> bool:
    for _ in range(WRITERS_LOOKS):
        if not selectors.are_writing(chain, writers=horizon.writers):
            return True
        clock.sleep(WRITERS_LOOK_SECONDS)
    return False


def _seal_up_to(chain: Chain, *, last_id: int, now: datetime) -> list[Seal]:
    seals: list[Seal] = []
    while True:
        with transaction("oversight.seal"):
            seal = _seal_next(chain, last_id=last_id, now=now)
        if seal is None:
            return seals
        seals.append(seal)


@transaction_required
def _seal_next(chain: Chain, *, last_id: int, now: datetime) -> Seal | None:
    selectors.lock_chain(chain)
    previous = selectors.last_seal(chain)
    previous_sha256 = previous.sha256 if previous else FIRST_PREVIOUS
    batch = selectors.read_batch(
        chain,
        after_id=previous.last_id if previous else 0,
        last_id=last_id,
        rows_max=SEAL_ROWS_MAX,
        previous_sha256=previous_sha256,
    )
    if batch is None:
        return None
    return Seal.objects.create(
        chain=chain.name,
        sequence=previous.sequence + 1 if previous else 1,
        first_id=batch.first_id,
        last_id=batch.last_id,
        rows_count=batch.rows_count,
        previous_sha256=previous_sha256,
        sha256=batch.sha256,
        sealed_at=now,
    )
