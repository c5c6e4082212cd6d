"""What the shop did about money after the sale when the process died: refunds, and holds that end."""

from dataclasses import replace

from core import clock
from core.cause import system
from core.db import transaction
from orders.refunding import WantedEverything
from payments.services import RefundWish, request_refund
from reconciliation import tasks as sweeps
from tests.crashes import requests
from tests.crashes.backroom import carry_out
from tests.crashes.buyers import GOOD, PAID
from tests.crashes.house import deliver, work
from tests.crashes.scenario import Scenario
from tests.journeys.facts import lose_webhooks
from tests.simulation.world import Request, World


def refund_asked_for(world: World) -> Request:
    """An order was paid, and a rule of the shop gives everything back."""
    request, _ = requests.start(world, token=GOOD)
    deliver(world)
    work(world)
    lose_webhooks(world.shop)
    wish = RefundWish(
        world.shop.order().public_id, WantedEverything(), "customer_request", last_known_refund_id="", restocks=True
    )
    with transaction("crashes.request_refund"):
        request_refund(wish, cause=system("rules", now=clock.now()))
    return request


def held_to_the_end(world: World) -> Request:
    """Funds are held, nobody took them, and the bank lets go tomorrow."""
    request = requests.to_hold(world)
    requests.hold(world, request)
    deliver(world)
    work(world)
    lose_webhooks(world.shop)
    world.shop.pass_time(days=6, hours=2)
    return request


def sweep_authorizations(world: World, request: Request) -> None:
    """Beat takes what would be released, and a worker carries it out."""
    sweeps.sweep_authorizations.run()
    work(world)


REFUNDED = replace(PAID, state="refunded", given_back=(1999,), shelf=(10, 0, 0))
SCENARIOS = [
    Scenario("refund", refund_asked_for, REFUNDED, act=carry_out),
    Scenario(
        "sweep authorizations",
        held_to_the_end,
        replace(PAID, answer="under_review"),
        act=sweep_authorizations,
        ask=requests.hold,
    ),
]
