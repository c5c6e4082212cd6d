"""What customers were doing when the process died, and what they will repeat."""

from functools import partial

from reconciliation import tasks as sweeps
from tests.crashes import requests
from tests.crashes.house import deliver, work
from tests.crashes.scenario import Ending, Scenario, post
from tests.journeys.facts import lose_webhooks
from tests.simulation.world import Request, World

PAID = Ending("paid", "paid", taken=(1999,), shelf=(9, 0, 1))
DECLINED, CHALLENGED, GOOD = "pm_card_chargeDeclined", "pm_card_threeDSecure2Required", "pm_card_visa"


def retry(world: World) -> Request:
    """A card was declined, and another is tried."""
    _, order = requests.start(world, token=DECLINED)
    return requests.to_pay_again(order, token=GOOD)


def replace_card(world: World) -> Request:
    """The bank asks a question, and another card is taken instead."""
    _, order = requests.start(world, token=CHALLENGED)
    return requests.to_pay_again(order, token=GOOD, replace=True)


def resume(world: World) -> Request:
    """Somebody left the payment form and comes back to it."""
    _, order = requests.start(world)
    return requests.to_pay_again(order)


def resume_expired(world: World) -> Request:
    """The time to pay was over, the units went back, and the customer pays after all."""
    _, order = requests.start(world, token=DECLINED)
    for _ in range(2):
        world.shop.pass_time(minutes=20)
        sweeps.sweep_expired_orders.run()
        work(world)
        deliver(world)
        work(world)
    assert world.shop.order().state == "expired"
    return requests.to_pay_again(order, token=GOOD)


def come_back(world: World) -> Request:
    """The customer has paid on the provider's page and is sent back to the shop, which hears of it in no other way."""
    _, order = requests.start(world, return_url="https://shop.example/back")
    world.shop.confirm(order)
    lose_webhooks(world.shop)
    return Request("checkout/return", {"state": world.shop.attempt().return_url.rpartition("state=")[2]}, {})


def cancel(world: World) -> Request:
    """The payment form is open, and the customer changes their mind."""
    _, order = requests.start(world)
    return requests.to_cancel(order)


def cancel_held(world: World) -> Request:
    """Funds are held, and the customer changes their mind."""
    answer = requests.hold(world, requests.to_hold(world))
    return requests.to_cancel(requests.order_in(answer))


def cancel_paid(world: World) -> Request:
    """The customer has paid, we have not heard of it, and they cancel."""
    _, order = requests.start(world)
    world.shop.confirm(order)
    return requests.to_cancel(order)


def post_and_work(world: World, request: Request) -> None:
    """The request, and the worker that it wakes."""
    post(world, request)
    work(world)


SCENARIOS = [
    Scenario("start", partial(requests.to_start, token=GOOD), PAID),
    Scenario("start declined", partial(requests.to_start, token=DECLINED), Ending("payment_failed", "expired")),
    Scenario("start and leave", requests.to_start, Ending("action_required", "expired")),
    Scenario("return", come_back, PAID),
    Scenario("retry after a decline", retry, PAID),
    Scenario("replace the card", replace_card, PAID),
    Scenario("resume", resume, Ending("action_required", "expired")),
    Scenario("resume after expiry", resume_expired, PAID),
    Scenario("cancel", cancel, Ending("cancelled", "cancelled"), act=post_and_work),
    Scenario("void", cancel_held, Ending("cancelled", "cancelled"), act=post_and_work),
    Scenario(
        "give-back",
        cancel_paid,
        Ending("cancelled", "cancelled_with_refund", taken=(1999,), given_back=(1999,)),
        act=post_and_work,
    ),
]
