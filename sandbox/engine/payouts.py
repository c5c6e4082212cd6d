"""Payouts: available money leaves for the merchant's bank, and sometimes comes back.

Every function expects the caller's transaction.
"""

from dataclasses import dataclass, replace

from sandbox.engine.desk import Desk
from sandbox.engine.money import book_payout, book_payout_return
from sandbox.errors import MoveRefusedError, NotFoundError
from sandbox.records import Payout

DAY_SECONDS = 24 * 3600
FAILURE_CODES = (
    "account_closed",
    "account_frozen",
    "bank_account_restricted",
    "could_not_process",
    "declined",
    "incorrect_account_holder_name",
    "insufficient_funds",
    "invalid_account_number",
    "no_account",
)
MOVES: dict[str, tuple[str, ...]] = {
    "in_transit": ("pending",),
    "paid": ("pending", "in_transit"),
    "failed": ("pending", "in_transit", "paid"),
    "canceled": ("pending",),
}


@dataclass(frozen=True)
class PayoutRequest:
    """Without `amount` all that is available goes, by name of every movement; with it, a sum that consists of none."""

    currency: str
    amount: int | None = None
    arrive_seconds: float | None = None
    is_failing: bool = False


def available(desk: Desk) -> dict[str, int]:
    """This will return what can be paid out now, by currency."""
    sums = desk.store.rows(
        "SELECT currency, SUM(amount - fee) FROM balance_transactions WHERE available_on <= ? GROUP BY currency",
        (desk.now(),),
    )
    return {currency: int(amount) for currency, amount in sums}


def create_payout(desk: Desk, *, request: PayoutRequest) -> Payout:
    """This will send money to the merchant's bank. Raises `MoveRefusedError` where there is not that much."""
    there = available(desk).get(request.currency, 0)
    is_automatic = request.amount is None
    amount = there if request.amount is None else request.amount
    if not 1 <= amount <= there:
        raise MoveRefusedError(f"{amount} {request.currency} cannot be paid out: {there} is available")
    seconds = desk.account.payout_arrives_seconds if request.arrive_seconds is None else request.arrive_seconds
    payout = Payout(
        id=desk.new_id("po"),
        amount=amount,
        currency=request.currency,
        status="pending",
        is_automatic=is_automatic,
        created=desk.now(),
        arrival_date=desk.now() + int(seconds),
        balance_transaction="",
    )
    if is_automatic:
        desk.store.execute(
            "UPDATE balance_transactions SET payout = ? WHERE payout IS NULL AND currency = ? AND available_on <= ?",
            (payout.id, payout.currency, desk.now()),
        )
    payout = replace(payout, balance_transaction=book_payout(desk, payout=payout))
    desk.store.insert(payout)
    timer = "fail_payout" if request.is_failing else "pay_out"
    desk.schedule(timer, subject_id=payout.id, seconds=seconds)
    desk.publish("payout.created", subject=payout, intent=None)
    return payout


def get_payout(desk: Desk, payout_id: str) -> Payout:
    """This will return the payout. Raises `NotFoundError`."""
    payout = desk.store.find(Payout, payout_id)
    if payout is None:
        raise NotFoundError(kind="payout", record_id=payout_id)
    return payout


def move_payout(desk: Desk, *, payout_id: str, status: str, failure_code: str = "account_closed") -> Payout:
    """This will bring a payout on, or back: what failed or was canceled is available again.

    Raises `NotFoundError`, `MoveRefusedError`.
    """
    payout = get_payout(desk, payout_id)
    if payout.status not in MOVES.get(status, ()):
        raise MoveRefusedError(f"{payout.id} is {payout.status}, so it cannot become {status}")
    payout = replace(payout, status=status)
    if status in {"failed", "canceled"}:
        payout = replace(
            payout,
            failure_balance_transaction=book_payout_return(desk, payout=payout),
            failure_code=failure_code if status == "failed" else None,
        )
    desk.store.update(payout)
    desk.publish(f"payout.{'updated' if status == 'in_transit' else status}", subject=payout, intent=None)
    if status == "paid" and payout.is_automatic:
        desk.publish("payout.reconciliation_completed", subject=payout, intent=None)
    return payout


def finish_payout(desk: Desk, *, payout_id: str, status: str) -> None:
    """This will be the bank's answer in its time; a payout that has ended stays as it is."""
    if get_payout(desk, payout_id).status in {"pending", "in_transit"}:
        move_payout(desk, payout_id=payout_id, status=status)


def pay_out_daily(desk: Desk) -> None:
    """This will pay out what is available in every currency and look again in a day, while the account says so."""
    if desk.account.payout_schedule != "daily":
        return
    for currency, amount in sorted(available(desk).items()):
        if amount > 0:
            create_payout(desk, request=PayoutRequest(currency=currency))
    desk.schedule("daily_payout", subject_id="account", seconds=DAY_SECONDS)


def start_schedule(desk: Desk) -> None:
    """This will bring the daily timer in line with the account: one while it is daily, none otherwise."""
    desk.store.execute("DELETE FROM timers WHERE kind = 'daily_payout'")
    desk.forget_timers()
    if desk.account.payout_schedule == "daily":
        desk.schedule("daily_payout", subject_id="account", seconds=DAY_SECONDS)
