"""What workers, the post and sweeps were doing when the process died; the customer repeats what they sent before."""

from dataclasses import replace

from core import clock
from core.cause import system
from core.db import transaction
from payments.services import request_capture
from reconciliation import tasks as sweeps
from tests.crashes import requests
from tests.crashes.buyers import DECLINED, GOOD, PAID
from tests.crashes.house import deliver, work
from tests.crashes.scenario import Ending, Scenario
from tests.journeys.facts import fault, lose_webhooks, voided_though_it_will_pay
from tests.simulation.world import Request, World
from webhooks import tasks as webhooks

CREATE, RETRIEVE, LIST = "payment_intents.create", "payment_intents.retrieve", "payment_intents.list"
# So often a request, and a sweep, calls before it gives up for now.
TRIES = 3


def held(world: World) -> Request:
    """Funds are held, and somebody let them be taken."""
    request = requests.to_hold(world)
    requests.hold(world, request)
    lose_webhooks(world.shop)
    with transaction("crashes.request_capture"):
        request_capture(world.shop.order().public_id, cause=system("console", now=clock.now()))
    return request


def paid_unheard(world: World) -> Request:
    """The customer paid in the form, and the post has not come yet."""
    request, order = requests.start(world)
    world.shop.confirm(order)
    return request


def declined_unheard(world: World) -> Request:
    """The customer's card was declined in the form, and the post has not come yet."""
    request, order = requests.start(world)
    world.shop.confirm(order, card=DECLINED)
    return request


def declined_unanswered(world: World) -> Request:
    """The same, and the provider will not answer the first question about it."""
    request = declined_unheard(world)
    fault(world.shop, "timeout_before", RETRIEVE)
    return request


def woken_in_vain(world: World) -> Request:
    """The post came, and the broker lost who should read it."""
    request = paid_unheard(world)
    deliver(world)
    world.broker.waiting.clear()
    world.shop.pass_time(seconds=121)
    return request


def in_doubt(world: World, *, calls: int = TRIES, minutes: float = 2) -> Request:
    """The charge ran, its answer was lost so many times, no webhook comes, and time has passed."""
    fault(world.shop, "timeout_after", CREATE, times=calls)
    lose_webhooks(world.shop)
    request, _ = requests.start(world, token=GOOD)
    world.shop.pass_time(minutes=minutes)
    return request


def long_in_doubt(world: World) -> Request:
    """In doubt for longer than the provider knows its key."""
    return in_doubt(world, minutes=25 * 60)


def long_in_doubt_and_silent(world: World) -> Request:
    """The same, and the provider will not answer the first look."""
    request = long_in_doubt(world)
    fault(world.shop, "timeout_before", LIST, times=2)
    return request


def woken_in_vain_to_close(world: World) -> Request:
    """The customer cancelled, and the broker lost who should close the payment."""
    _, order = requests.start(world)
    request = requests.to_cancel(order)
    world.post(request)
    world.broker.waiting.clear()
    world.shop.pass_time(minutes=2)
    return request


def cancelled_in_vain(world: World) -> Request:
    """The customer cancelled while the provider worked on the payment and would not close it. It has been taken since,
    and every webhook was lost.
    """
    lose_webhooks(world.shop)
    _, order = requests.start(world, token="pm_card_lateSuccess")
    request = requests.to_cancel(order)
    world.post(request)
    work(world)
    world.shop.pass_time(minutes=10)
    return request


def paid_twice(world: World) -> Request:
    """A payment we thought closed paid as well, and the broker lost who should give it back."""
    _, order = requests.start(world, token=DECLINED)
    voided_though_it_will_pay(world.shop)
    request = requests.to_pay_again(order, token=GOOD)
    world.post(request)
    # What is given back is ordered after the second payment began, also by the clock.
    world.shop.pass_time(seconds=5)
    world.shop.confirm(order)
    deliver(world)
    # The worker reads what came; whom that wakes is lost.
    for wake in list(world.broker.waiting):
        webhooks.process.run(**dict(wake.ids))
    world.broker.waiting.clear()
    world.shop.pass_time(minutes=2)
    return request


def processing_for_long(world: World) -> Request:
    """The provider worked on it for minutes, and every webhook was lost."""
    lose_webhooks(world.shop)
    request, _ = requests.start(world, token="pm_card_lateSuccess")
    world.shop.pass_time(minutes=11)
    return request


def past_the_cap(world: World) -> Request:
    """In doubt for longer than any units are kept."""
    return in_doubt(world, minutes=61)


def left_open(world: World) -> Request:
    """The customer opened the payment form and went away."""
    request, _ = requests.start(world)
    return request


def long_paid(world: World) -> Request:
    """Paid a month ago: the customer's key is past its time."""
    request, _ = requests.start(world, token=GOOD)
    deliver(world)
    work(world)
    world.shop.pass_time(days=31)
    return request


def carry_out(world: World, request: Request) -> None:
    """A worker takes what waits."""
    work(world)


def read_post(world: World, request: Request) -> None:
    """The post comes, and a worker reads it."""
    deliver(world)
    work(world)


def sweep_webhooks(world: World, request: Request) -> None:
    """Beat finds what nobody reads."""
    webhooks.sweep.run()
    work(world)


def sweep_operations(world: World, request: Request) -> None:
    """Beat finds operations in doubt."""
    sweeps.sweep_operations.run()


def sweep_cancellations(world: World, request: Request) -> None:
    """Beat carries cancellations on, then operations."""
    sweeps.sweep_cancellations.run()
    sweeps.sweep_operations.run()


def sweep_owed_money(world: World, request: Request) -> None:
    """Beat looks for money nobody is owed, then carries out what is ordered."""
    sweeps.sweep_owed_money.run()
    sweeps.sweep_operations.run()


def sweep_pending(world: World, request: Request) -> None:
    """Beat asks about payments the provider works on for too long."""
    sweeps.sweep_pending_too_long.run()


def expire(world: World, request: Request) -> None:
    """The time is over: extended once, then closed at the provider, then expired."""
    for _ in range(2):
        world.shop.pass_time(minutes=16)
        sweeps.sweep_expired_orders.run()
        work(world)


def sweep_expired(world: World, request: Request) -> None:
    """Beat ends what is over."""
    sweeps.sweep_expired_orders.run()


def sweep_keys(world: World, request: Request) -> None:
    """Beat removes keys past their time."""
    sweeps.reap_keys.run()


LEFT = Ending("action_required", "expired")
GIVEN_BACK = Ending("cancelled", "cancelled_with_refund", taken=(1999,), given_back=(1999,))
TWICE = replace(PAID, taken=(1999, 1999), given_back=(1999,), cases=("excess_captured",))
SCENARIOS = [
    Scenario("capture", held, replace(PAID, answer="under_review"), act=carry_out, ask=requests.hold),
    Scenario("webhook", paid_unheard, replace(PAID, answer="action_required"), act=read_post),
    Scenario("webhook that asks", declined_unheard, LEFT, act=read_post),
    Scenario("webhook unanswered", declined_unanswered, LEFT, act=read_post),
    Scenario("sweep webhooks", woken_in_vain, replace(PAID, answer="action_required"), act=sweep_webhooks),
    Scenario("sweep operations: repeat", in_doubt, PAID, act=sweep_operations),
    Scenario("sweep operations: glance", lambda world: in_doubt(world, calls=2 * TRIES), PAID, act=sweep_operations),
    Scenario("sweep operations: look", long_in_doubt, PAID, act=sweep_operations),
    Scenario("sweep operations: silence", long_in_doubt_and_silent, PAID, act=sweep_operations),
    Scenario("sweep operations: close", woken_in_vain_to_close, Ending("cancelled", "cancelled"), act=sweep_operations),
    Scenario("sweep cancellations", cancelled_in_vain, GIVEN_BACK, act=sweep_cancellations),
    Scenario("sweep owed money", paid_twice, TWICE, act=sweep_owed_money),
    Scenario("sweep pending", processing_for_long, replace(PAID, answer="processing"), act=sweep_pending),
    Scenario("expiry", left_open, LEFT, act=expire),
    Scenario("expiry past the cap", past_the_cap, PAID, act=sweep_expired),
    # A guest's token for the cart has ended with the key.
    Scenario("sweep keys", long_paid, replace(PAID, answer="no_such_cart"), act=sweep_keys),
]
