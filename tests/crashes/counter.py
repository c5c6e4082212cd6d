"""What the shop did about money after the sale when the process died: refunds, and holds that end."""

from dataclasses import replace

from core import clock
from core.cause import system
from core.db import transaction
from orders.refunding import WantedEverything
from payments.models import Dispute
from payments.services import RefundWish, request_refund
from reconciliation import tasks as sweeps
from tests.crashes import requests
from tests.crashes.backroom import carry_out
from tests.crashes.buyers import GOOD, PAID
from tests.crashes.house import deliver, work
from tests.crashes.scenario import Scenario
from tests.journeys.facts import control, lose_webhooks
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


def paid_and_cancelled(world: World) -> Request:
    """An order was paid, and its customer changes their mind before anything is sent."""
    return requests.to_cancel(_paid(world))


def paid_and_asked_back(world: World) -> Request:
    """An order was paid, and its customer asks for everything back, which a rule grants."""
    return requests.to_refund(_paid(world))


def with_rest(world: World) -> Request:
    """A bank took a part, the customer cancelled, and before the rest was with them it gave its part back to us."""
    _, order = requests.start(world, token=GOOD)
    deliver(world)
    work(world)
    control(world.shop, "disputes", payment_intent=world.shop.truth("intent")[0]["id"], amount=500)
    reference = Dispute.objects.get().provider_reference
    control(world.shop, f"disputes/{reference}", status="lost")
    request = requests.to_cancel(order)
    world.post(request)
    control(world.shop, f"disputes/{reference}", status="won")
    work(world)
    deliver(world)
    work(world)
    lose_webhooks(world.shop)
    return request


def lost_unheard(world: World) -> Request:
    """A bank disputed a payment and decided against us, and nobody told us of the decision."""
    request, _ = requests.start(world, token=GOOD)
    deliver(world)
    work(world)
    control(world.shop, "disputes", payment_intent=world.shop.truth("intent")[0]["id"])
    lose_webhooks(world.shop)
    control(world.shop, f"disputes/{Dispute.objects.get().provider_reference}", status="lost")
    world.shop.pass_time(days=1)
    return request


def sweep_disputes(world: World, request: Request) -> None:
    """Beat asks about disputes of which nothing is heard."""
    sweeps.sweep_disputes.run()


def sweep_cancellations(world: World, request: Request) -> None:
    """Beat looks what cancelled orders are owed, and a worker carries it out."""
    sweeps.sweep_cancellations.run()
    work(world)


def _paid(world: World) -> requests.Order:
    _, order = requests.start(world, token=GOOD)
    deliver(world)
    work(world)
    lose_webhooks(world.shop)
    return order


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
        "cancel paid",
        paid_and_cancelled,
        replace(REFUNDED, answer="cancelled", state="cancelled_with_refund"),
    ),
    Scenario(
        "sweep cancelled sale",
        with_rest,
        replace(
            REFUNDED, answer="cancelled", state="cancelled_with_refund", given_back=(1499, 500), cases=("dispute_lost",)
        ),
        act=sweep_cancellations,
    ),
    Scenario(
        "sweep disputes",
        lost_unheard,
        replace(PAID, state="refunded", cases=("dispute_lost",)),
        act=sweep_disputes,
    ),
    Scenario("refund request", paid_and_asked_back, replace(REFUNDED, answer="refund_pending")),
    Scenario(
        "sweep authorizations",
        held_to_the_end,
        replace(PAID, answer="under_review"),
        act=sweep_authorizations,
        ask=requests.hold,
    ),
]
