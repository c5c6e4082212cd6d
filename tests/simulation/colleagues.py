"""Staff who ask for refunds and decide about each other's, and who keeps the books: closes days, seals and counts."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from core import clock
from core.cause import Cause, system
from core.db import transaction
from core.errors import DomainError
from ledger import selectors as books
from ledger import services as ledger
from ledger.models import Period
from orders.models import Order
from orders.refunding import NothingLeft, Wanted, WantedAmount, WantedEverything, WantedUnits
from orders.services import order_transaction
from oversight import tasks as oversight_tasks
from oversight.services import actor_name
from payments import services as payments
from payments.models import (
    COUNTED_REFUNDS,
    LOST_DISPUTES,
    OPEN_DISPUTES,
    ClaimStatus,
    Refund,
    RefundClaim,
    RefundStatus,
)
from payments.services import Destination, RefundWish
from tests.simulation.world import Act, World

# A shop this small would never gather as many entries as an account needs to be counted anew.
ENTRIES_MIN = 4
REFUNDABLE = ["paid", "fulfillment_pending", "partially_fulfilled", "fulfilled", "partially_refunded"]


def refund_by_rule(world: World, dice: random.Random) -> None:
    """A rule of the shop gives something of a paid order back: units, an amount, or everything; now and then for the
    second time, because it looked before the first.
    """
    _refund(world, dice, cause=system("rules", now=clock.now()), amounts=[100, 777], staff=None)


def refund_as_staff(world: World, dice: random.Random) -> None:
    """Somebody of staff gives something back: within their limits at once, beyond them when a second person agrees."""
    user = _somebody(dice)
    cause = Cause(actor=actor_name(user), source="console", now=clock.now())
    _refund(world, dice, cause=cause, amounts=[100, 1500, 6000, 9000], staff=user)


def _refund(world: World, dice: random.Random, *, cause: Cause, amounts: list[int], staff: User | None) -> None:
    orders = list(Order.objects.filter(state__in=REFUNDABLE).order_by("id"))
    if not orders:
        return
    order = dice.choice(orders)
    seen = list(Refund.objects.filter(order=order).order_by("id").values_list("public_id", flat=True))
    last_seen = seen[-1] if seen and dice.random() < 0.9 else ""
    wishes: list[Wanted] = [
        WantedUnits({1: 1}), WantedAmount(dice.choice(amounts)), WantedAmount(50, is_goodwill=True), WantedEverything(),
    ]  # fmt: skip
    places: list[Destination] = ["offline", "credit"]
    places += ["provider"] * 8
    wish = RefundWish(
        order.public_id,
        dice.choice(wishes),
        "customer_request",
        last_seen,
        restocks=dice.random() < 0.5,
        destination=dice.choice(places),
        overrides_dispute=staff is not None and dice.random() < 0.2,
    )

    def ask() -> None:
        try:
            made = payments.request_refund(wish, cause=cause, staff=staff)
        except NothingLeft:
            _look_at_rest(world, order, "nothing is left, they say")
            raise
        _look_at(world, order, wish, made)

    if try_to(world, "request_refund", ask):
        world.note(f"refund by {wish.destination}")


def _look_at(world: World, order: Order, wish: RefundWish, made: Sequence[Refund]) -> None:
    """Complain, in the refunds' own transaction, about what had to be refused or is not what was wished."""
    names = ", ".join(refund.public_id for refund in made)
    before = order.refunds.exclude(pk__in=[refund.pk for refund in made]).order_by("id").last()
    if wish.last_known_refund_id != (before.public_id if before else ""):
        world.complain(f"{names} was asked for by somebody who had not seen the refund before it")
    if not wish.overrides_dispute and order.disputes.filter(status__in=OPEN_DISPUTES).exists():
        world.complain(f"{names} goes back beside an open dispute")
    if isinstance(wish.wanted, WantedEverything):
        _look_at_rest(world, order, f"{names} is everything")


def _look_at_rest(world: World, order: Order, claim: str) -> None:
    """Complain if something of the order's money is neither with the customer nor on its way."""
    order.refresh_from_db()
    lost = sum(order.disputes.filter(status__in=LOST_DISPUTES).values_list("amount_minor", flat=True))
    counted = sum(row.amount_minor - row.excess_minor for row in order.refunds.filter(status__in=COUNTED_REFUNDS))
    if counted + lost < order.accepted_minor:
        world.complain(f"{claim}, and of {order.accepted_minor} of {order.public_id} {counted + lost} goes back")


def decide_refund(world: World, dice: random.Random) -> None:
    """Somebody decides about a refund that waits for a second person: another one, or who asked for it."""
    waiting = list(Refund.objects.filter(status=RefundStatus.AWAITING_APPROVAL).order_by("id"))
    if not waiting:
        return
    refund, user = dice.choice(waiting), _somebody(dice)
    requester = next(one for one in _everybody() if actor_name(one) == refund.requested_by)
    cause = Cause(actor=actor_name(user), source="console", now=clock.now())
    decisions: dict[str, Callable[[], object]] = {
        "approve": lambda: payments.approve_refund(refund.public_id, approver=user, requester=requester, cause=cause),
        "reject": lambda: payments.reject_refund(refund.public_id, approver=user, cause=cause),
        "withdraw": lambda: payments.withdraw_refund(refund.public_id, cause=cause),
    }
    name = dice.choice(["approve", "approve", "approve", "reject", "withdraw"])
    if try_to(world, "decide_refund", decisions[name]):
        world.note(f"second person: {name}")


def decide_claim(world: World, dice: random.Random) -> None:
    """Somebody answers a customer who asked for money back, within their limits."""
    waiting = list(RefundClaim.objects.filter(status=ClaimStatus.WAITING).order_by("id"))
    if not waiting:
        return
    claim, user, restocks = dice.choice(waiting), _somebody(dice), dice.random() < 0.5
    cause = Cause(actor=actor_name(user), source="console", now=clock.now())
    decisions: dict[str, Callable[[], object]] = {
        "grant": lambda: payments.grant_claim(claim.public_id, staff=user, cause=cause, restocks=restocks),
        "refuse": lambda: payments.refuse_claim(claim.public_id, staff=user, cause=cause, note="No."),
    }
    name = dice.choice(["grant", "grant", "refuse"])
    if try_to(world, "decide_claim", decisions[name]):
        world.note(f"refund request: {name}")


def close_the_day(world: World, dice: random.Random) -> None:
    """The bookkeeper closes the days that are over."""
    channel = world.shop.channel
    yesterday = clock.now().astimezone(ZoneInfo(channel.time_zone)).date() - timedelta(days=1)
    closed_through = books.closed_through(channel.legal_entity)
    day = yesterday if closed_through is None else closed_through + timedelta(days=1)
    cause = Cause(actor="staff:usr_books", source="console", now=clock.now())
    while day <= yesterday:
        try:
            ledger.close_period(legal_entity=channel.legal_entity, kind=Period.Kind.DAY, on=day, cause=cause)
        except DomainError as refusal:
            world.done[f"refused: {refusal.code}"] += 1  # A second bookkeeper was faster.
            return
        world.note("day closed")
        day += timedelta(days=1)


def seal_and_count() -> None:
    """What was written is sealed, and the books are counted up to there."""
    oversight_tasks.seal.run()
    with transaction("ledger.make_checkpoints"):
        ledger.make_checkpoints(cause=system("sweep", now=clock.now()), entries_min=ENTRIES_MIN)


def try_to(world: World, name: str, act: Callable[[], object]) -> bool:
    """This will do something in one transaction. Returns whether it was allowed; a refusal is counted."""
    try:
        with order_transaction(f"simulation.{name}"):
            act()
    except DomainError as refusal:
        world.done[f"refused: {refusal.code}"] += 1
        return False
    return True


def _somebody(dice: random.Random) -> User:
    return dice.choice(_everybody())


def _everybody() -> list[User]:
    return list(User.objects.filter(is_staff=True).order_by("id"))


ACTS: dict[str, tuple[float, Act]] = {
    "refund_by_rule": (6, refund_by_rule),
    "refund_as_staff": (4, refund_as_staff),
    "decide_refund": (3, decide_refund),
    "decide_claim": (3, decide_claim),
    "close_the_day": (1, close_the_day),
}
SWEEPS: dict[str, Callable[[], None]] = {
    "approvals": oversight_tasks.expire_approvals.run,
    "books": seal_and_count,
}
