"""Long waits and second tries: a slow refund, a slow bank, a silent provider, a second person who does not come, held
funds to the last day, and a payment that is tried again after a bank took it back. What a house does about each is done
by hardly anybody else, so whoever does it here may also be doomed.
"""

import random
from contextlib import suppress
from functools import partial

from accounts.models import User
from core import clock, policies
from core.cause import Cause, system
from orders.models import Order, OrderState
from orders.refunding import Wanted, WantedAmount, WantedEverything
from oversight.services import actor_name
from payments import services as payments
from payments.models import AttemptStatus, PaymentAttempt, Refund, RefundStatus
from payments.services import Destination, RefundWish
from payments.services.operations import TRIES_MAX
from sandbox.errors import ConnectionLostError
from tests.simulation import workers
from tests.simulation.carts import fill_cart
from tests.simulation.colleagues import REFUNDABLE, try_to
from tests.simulation.customers import cancel_of, pay_again_with, start_held, start_with
from tests.simulation.happenings import control, doom_at
from tests.simulation.scenes import LATE_SECONDS, TRIES_TO_ORDER, go_on, one_waiting, waiting_after, work_off
from tests.simulation.world import DAY, Act, Customer, World

PAY_BACK = {"refund_pending": 5, "refund_pending_fails": 5, "refund_reversed": 2}
# Above the policies' times after which people are told.
REFUND_DAYS, BANK_MINUTES = 5, 11
CARDS_FOR_REST = ("", "", "pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined")
MINUTES_OF_REPLAYS = (1, 2, 3, 5)


def refund_is_slow(world: World, dice: random.Random) -> None:
    """Something is given back and takes its bank a week, or fails after that, or comes back."""
    orders = list(Order.objects.filter(state__in=REFUNDABLE).order_by("id"))
    if not orders:
        return
    order = dice.choice(orders)
    kind = dice.choices(list(PAY_BACK), weights=list(PAY_BACK.values()))[0]
    if dice.random() < 0.5:
        # All of it is what can come back as all of it, or as what was left after another refund.
        kind = "refund_reversed"
        if dice.random() < 0.75 and _ask_for(world, order, WantedAmount(100)):
            work_off(world, dice, times=6)
    if not _ask_for(world, order, WantedEverything() if kind == "refund_reversed" else WantedAmount(100)):
        return
    _fault(world, kind, "refunds.create", seconds=dice.choice([40.0, 7 * DAY]))
    work_off(world, dice, times=6)
    world.pass_time(seconds=41)
    for _ in range(3):
        workers.deliver(world, dice)
    work_off(world, dice, times=3)
    world.pass_time(days=REFUND_DAYS, minutes=5)
    _doom(world, dice, "tx:reconciliation.slow_refund")
    workers.SWEEPS["refunds"]()


def bank_is_slow(world: World, dice: random.Random) -> None:
    """A bank works on a payment for longer than anybody expects, and people are told."""
    customer = one_waiting(world, dice)
    if customer is None:
        return
    _fault(world, "late_success", "payment_intents.create", seconds=dice.choice([900.0, 5400.0]))
    pay_again_with(world, customer, token="pm_card_visa", is_replacing=True)
    world.pass_time(minutes=BANK_MINUTES)
    _doom(world, dice, "tx:reconciliation.pending_too_long")
    workers.SWEEPS["pending_too_long"]()


def held_to_the_end(world: World, dice: random.Random) -> None:
    """Nobody takes held funds until the bank is about to let go."""
    if not _holders(world, dice):
        return
    world.pass_time(days=dice.choice([5, 6]), minutes=5)
    _doom(world, dice, "tx:reconciliation.authorization")
    workers.SWEEPS["authorizations"]()
    work_off(world, dice, times=4)


def rest_lapses(world: World, dice: random.Random) -> None:
    """Somebody takes a part of held funds, and the bank lets go of the rest before anybody takes it. Now and then its
    customer pays the rest with another card.
    """
    holders = _holders(world, dice)
    if not holders:
        return
    customer = dice.choice(holders)
    order = Order.objects.get(public_id=customer.order_id)
    if not workers.capture(world, order.public_id, part_minor=order.due_minor // 3):
        return
    go_on(world, dice, seconds=1)
    go_on(world, dice, seconds=8 * DAY)
    if dice.random() < 0.5:
        return
    pay_again_with(world, customer, token=dice.choice(CARDS_FOR_REST), is_replacing=False)
    go_on(world, dice, seconds=1)
    workers.capture(world, order.public_id)
    go_on(world, dice, seconds=1)


def provider_is_silent(world: World, dice: random.Random) -> None:
    """What became of a try to pay nobody can tell, and for a while not even a look is answered."""
    customer = one_waiting(world, dice)
    if customer is None:
        return
    world.line.keep_next(late_seconds=LATE_SECONDS)
    pay_again_with(world, customer, token="pm_card_visa", is_replacing=True)
    for minutes in MINUTES_OF_REPLAYS:
        world.pass_time(minutes=minutes)
        workers.SWEEPS["operations"]()
    world.pass_time(minutes=11)
    _fault(world, "error_500_before", "*", times=4)
    _doom(world, dice, "tx:payments.recover.silent")
    workers.SWEEPS["operations"]()


def answers_are_lost(world: World, dice: random.Random) -> None:
    """A try to pay is carried out and no answer to it arrives, nor any to its repeats; the look right after the last
    of them finds it.
    """
    customer = one_waiting(world, dice)
    if customer is None:
        return
    _fault(world, "timeout_after", "payment_intents.create", times=2 * TRIES_MAX)
    pay_again_with(world, customer, token="pm_card_visa", is_replacing=True)
    world.pass_time(minutes=2)
    _doom(world, dice, "tx:payments.recover.glance")
    workers.SWEEPS["operations"]()


def nobody_agrees(world: World, dice: random.Random) -> None:
    """A refund waits for a second person, and nobody comes before the request is too old."""
    orders = list(Order.objects.filter(state__in=REFUNDABLE).order_by("id"))
    if not orders:
        return
    order = dice.choice(orders)
    for user in User.objects.filter(is_staff=True).order_by("id"):
        cause = Cause(actor=actor_name(user), source="console", now=clock.now())
        _ask_for(world, order, WantedAmount(1500), cause=cause, staff=user, destination="offline")
    if not Refund.objects.filter(status=RefundStatus.AWAITING_APPROVAL).exists():
        return
    world.pass_time(seconds=policies.current("approvals")["expires_seconds"] + 60)
    workers.SWEEPS["approvals"]()
    _doom(world, dice, "tx:reconciliation.unapproved_refund")
    workers.SWEEPS["refunds"]()


def tried_again(world: World, dice: random.Random) -> None:
    """A part was given back in the dashboard, the bank takes the rest back, and the customer tries the same payment
    again; somebody asks how it stands.
    """
    taken = PaymentAttempt.objects.filter(status=AttemptStatus.CAPTURED).exclude(client_secret="")
    attempts = list(taken.select_related("account__channel", "order").order_by("id"))
    if not attempts:
        return
    attempt = dice.choice(attempts)
    intent = {"payment_intent": attempt.provider_reference}
    if not control(world, "refunds", intent | {"amount": 40}):
        return
    world.note("dashboard refund")
    if not control(world, "reversals", intent):
        return
    world.note("capture reversed")
    world.pass_time(seconds=dice.choice([0.5, 61.0]))
    with suppress(ConnectionLostError):
        card = dice.choice(["pm_card_visa", "pm_card_chargeDeclined"])
        world.shop.confirm({"client_secret": attempt.client_secret}, card=card)
    _doom(world, dice, "call:GET:charges")
    payments.ask_provider(attempt, cause=Cause(actor="staff:usr_sim", source="console", now=clock.now()))


def paid_once_more(world: World, dice: random.Random) -> None:
    """A bank takes a payment back and its customer begins to pay again; of held funds a part is taken. Then they
    cancel, or somebody pays with the first secret once more, or both.
    """
    customer = _one_who_paid(world, dice)
    if customer is None:
        return
    attempt = PaymentAttempt.objects.get(order__public_id=customer.order_id, is_current=True)
    if not control(world, "reversals", {"payment_intent": attempt.provider_reference}):
        return
    world.note("capture reversed")
    go_on(world, dice, seconds=1)
    is_held = attempt.capture_method == "manual"
    card = "pm_card_visa" if is_held else dice.choice(CARDS_FOR_REST)
    pay_again_with(world, customer, token=card, is_replacing=False)
    if is_held and workers.capture(world, customer.order_id, part_minor=attempt.amount_minor // 3):
        go_on(world, dice, seconds=1)
    if dice.random() < 0.7:
        cancel_of(world, customer)
    if dice.random() < 0.7:
        with suppress(ConnectionLostError):
            world.shop.confirm({"client_secret": attempt.client_secret})
    go_on(world, dice, seconds=1)


def _one_who_paid(world: World, dice: random.Random) -> Customer | None:
    """One of the customers whose order is paid and nothing more; where there is none somebody pays first."""
    for _ in range(TRIES_TO_ORDER):
        orders = Order.objects.filter(state=OrderState.PAID, cancel_requested_at=None, due_minor__gt=0)
        paid = set(orders.filter(attempts__is_current=True).values_list("public_id", flat=True))
        if customers := [one for one in world.customers if one.order_id in paid and not one.in_flight]:
            return dice.choice(customers)
        fill_cart(world, dice)
        if carts := [one for one in world.customers if one.cart and not one.order_id and not one.in_flight]:
            customer = dice.choice(carts)
            start_with(world, customer, dice, is_held=dice.random() < 0.5, card="pm_card_visa")
            workers.capture(world, customer.order_id)
            go_on(world, dice, seconds=1)
    return None


def _holders(world: World, dice: random.Random) -> list[Customer]:
    """Customers whose funds are held; where there is none somebody orders so first."""
    return waiting_after(partial(start_held, world, dice), world, dice, OrderState.PAYMENT_AUTHORIZED)


def _ask_for(
    world: World,
    order: Order,
    wanted: Wanted,
    *,
    cause: Cause | None = None,
    staff: User | None = None,
    destination: Destination = "provider",
) -> bool:
    seen = list(Refund.objects.filter(order=order).order_by("id").values_list("public_id", flat=True))
    wish = RefundWish(order.public_id, wanted, "customer_request", seen[-1] if seen else "", destination=destination)
    cause = cause or system("rules", now=clock.now())
    return try_to(world, "request_refund", lambda: payments.request_refund(wish, cause=cause, staff=staff))


def _fault(world: World, kind: str, operation: str, *, times: int = 1, seconds: float = 0.0) -> None:
    if "provider_fault" in world.befalls:
        rule = {"kind": kind, "operation": operation, "times": times, "seconds": seconds}
        world.shop.sandbox.engine.faults.add(rule)


def _doom(world: World, dice: random.Random, place: str) -> None:
    if "doom" in world.befalls and dice.random() < 0.8:
        doom_at(world, dice, place)


ACTS: dict[str, tuple[float, Act]] = {
    "refund_is_slow": (2.5, refund_is_slow),
    "bank_is_slow": (0.6, bank_is_slow),
    "held_to_the_end": (2, held_to_the_end),
    "rest_lapses": (0.8, rest_lapses),
    "provider_is_silent": (0.4, provider_is_silent),
    "answers_are_lost": (0.4, answers_are_lost),
    "tried_again": (0.8, tried_again),
    "paid_once_more": (0.3, paid_once_more),
    "nobody_agrees": (1.5, nobody_agrees),
}
