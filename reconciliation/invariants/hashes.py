"""What SQL cannot prove: hashes made in this program. Both passes stream."""

from collections.abc import Iterator

from orders.models import Order
from orders.snapshot import hash_snapshot
from oversight.chains import AUDIT, CHAINS
from oversight.selectors import verify_chain
from reconciliation.invariants.check import Violation

SNAPSHOTS_AT_ONCE = 200


def altered_snapshots() -> Iterator[Violation]:
    """This will yield the orders whose snapshot no longer makes the hash that was stored with it (I5)."""
    rows = Order.objects.order_by("id").values_list("public_id", "snapshot", "snapshot_hash")
    for public_id, snapshot, snapshot_hash in rows.iterator(chunk_size=SNAPSHOTS_AT_ONCE):
        if hash_snapshot(snapshot) != snapshot_hash:
            yield Violation("I5", public_id, "the snapshot does not make its hash")


def broken_seals() -> Iterator[Violation]:
    """This will yield sealed batches of history and ledger (I6) and of audit (I18) that were altered since."""
    for chain in CHAINS:
        for detail in verify_chain(chain):
            yield Violation("I18" if chain is AUDIT else "I6", f"chain:{chain.name}", detail)
