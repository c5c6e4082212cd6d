"""A broker may deliver a message twice, at the same moment or days later: every task there is, and what it did once."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pytest

from commerce.celery import app
from core import clock
from core.cause import system
from core.db import transaction
from core.models import Heartbeat, IdempotencyKey
from core.money import Money
from ledger.models import Posting
from orders.models import HoldReason, OrderEvent
from orders.refunding import WantedEverything
from orders.selectors import lock_order
from orders.services import open_hold, order_transaction, release_hold
from oversight.models import Action, AuditEntry, Case, CaseType, ReasonCode, Seal
from oversight.services import Act, Report, actor_name, open_case, request_approval
from oversight.tests.factories import SWEEP, a_colleague
from payments.models import Dispute, Operation
from payments.services import RefundWish, ask_provider, request_refund
from tests.concurrency.threads import at_once
from tests.journeys.buyers import cancel, hold_funds, paid
from tests.journeys.facts import (
    charges,
    control,
    fault,
    given_back,
    held,
    lose_webhooks,
    moves,
    operations,
    prune_keys,
    shelf,
    taken,
    wait,
)
from tests.shop import Shop
from webhooks.models import Event

Arguments = dict[str, Any]


pytestmark = pytest.mark.usefixtures("sound")


class Scene(NamedTuple):
    """What there is for a task to do, which prepares its arguments, and what it did when it was done once."""

    prepare: Callable[[Shop], Arguments]
    done: dict[str, Any]


def effects(shop: Shop) -> dict[str, Any]:
    """This will return all that a task can have done, in our rows and at the provider.

    A case counts how often it was reported, and a heartbeat says when it was the last: both are about the messages
    themselves and stay out.
    """
    return {
        "moves": moves(shop),
        "history": list(OrderEvent.objects.order_by("id").values_list("kind", "reason")),
        "operations": list(Operation.objects.order_by("id").values_list("kind", "status", "amount_minor")),
        "books": list(Posting.objects.order_by("id").values_list("event", flat=True)),
        "taken": taken(shop),
        "charges": charges(shop),
        "held": held(shop),
        "given_back": given_back(shop),
        "shelf": shelf(),
        "cases": list(Case.objects.order_by("id").values_list("type", "status")),
        "audit": list(AuditEntry.objects.order_by("id").values_list("action", flat=True)),
        "events": list(Event.objects.order_by("id").values_list("status", flat=True)),
        "seals": list(Seal.objects.order_by("chain", "sequence").values_list("chain", "sequence")),
        "keys": IdempotencyKey.objects.count(),
        "hearts": list(Heartbeat.objects.values_list("queue", flat=True)),
    }


def a_payment_nobody_told_us_of(shop: Shop) -> dict[str, Any]:
    """This will let a customer pay, every webhook being lost."""
    lose_webhooks(shop)
    order: dict[str, Any] = shop.start(shop.a_cart()).json()
    assert shop.confirm(order) == 200
    return order


def learn_of_it(shop: Shop) -> None:
    """This will ask the provider about the payment and leave to a worker what follows from it."""
    ask_provider(shop.attempt(), cause=system("sweep", now=clock.now()))


def an_event_that_was_stored(shop: Shop) -> Arguments:
    """This will let the door store what the provider tells of a payment, of which no worker has heard."""
    assert shop.confirm(shop.start(shop.a_cart()).json()) == 200
    for delivery in shop.sandbox.engine.due_deliveries(clock.now().timestamp(), limit=1000):
        assert shop.post_delivery(delivery.headers, delivery.body).status_code == 200
        shop.sandbox.engine.record_delivery(delivery.id, 200)
    return {"event_id": Event.objects.get(type="payment_intent.succeeded").pk}


def events_no_worker_was_woken_for(shop: Shop) -> Arguments:
    """This will store the same, and let the time pass after which a wake-up counts as lost."""
    an_event_that_was_stored(shop)
    shop.pass_time(seconds=6)
    return {}


def a_give_back_to_be_sent(shop: Shop) -> Arguments:
    """This will cancel an order whose money was taken at that moment."""
    assert cancel(shop, a_payment_nobody_told_us_of(shop)).status_code == 202
    learn_of_it(shop)
    return {"operation_id": Operation.objects.get(kind="give_back", status="created").public_id}


def an_operation_without_an_answer(shop: Shop) -> Arguments:
    """This will let a charge run whose answer is lost, until somebody should look."""
    lose_webhooks(shop)
    fault(shop, "timeout_after", "payment_intents.create", times=3)
    assert shop.start(shop.a_cart(), token="pm_card_visa").status_code == 202
    shop.pass_time(seconds=61)
    return {"operation_id": Operation.objects.get(status="unknown").public_id}


def operations_that_are_due(shop: Shop) -> Arguments:
    """This will leave an operation without an answer to the sweep."""
    an_operation_without_an_answer(shop)
    return {}


def an_order_past_its_time(shop: Shop) -> Arguments:
    """This will let the time end of an order whose card was declined."""
    shop.start(shop.a_cart(), token="pm_card_chargeDeclined")
    shop.pass_time(minutes=16)
    return {}


def a_cancellation_under_way(shop: Shop) -> Arguments:
    """This will cancel an order whose payment the provider would not close then, and has taken since."""
    lose_webhooks(shop)
    order = shop.start(shop.a_cart(), token="pm_card_lateSuccess").json()
    assert cancel(shop, order).status_code == 202
    shop.work()
    assert operations("void") == ["declined"]
    shop.pass_time(minutes=10)
    return {}


def money_whose_way_back_was_barred(shop: Shop) -> Arguments:
    """This will release what kept the money of a cancelled order from going back."""
    order = a_payment_nobody_told_us_of(shop)
    cause = system("sweep", now=clock.now())
    with order_transaction("test"):
        open_hold(lock_order(order["order_id"]), reason=HoldReason.DISPUTE, detail="test", cause=cause)
    assert cancel(shop, order).status_code == 202
    learn_of_it(shop)
    assert operations("give_back") == []
    with order_transaction("test"):
        release_hold(lock_order(order["order_id"]), reason=HoldReason.DISPUTE, cause=cause)
    return {}


def a_payment_the_provider_works_on(shop: Shop) -> Arguments:
    """This will let the provider work on a payment for a month."""
    shop.start(shop.a_cart(), token="pm_card_lateSuccess")
    shop.sandbox.engine.store.execute("UPDATE timers SET due_at = due_at + 86400 * 30")
    shop.sandbox.engine.desk.forget_timers()
    shop.pass_time(minutes=11)
    return {}


def keys_past_their_time(shop: Shop) -> Arguments:
    """This will let the keys of a finished request grow old."""
    shop.start(shop.a_cart(), token="pm_card_visa")
    shop.pass_time(days=31)
    return {}


def a_queue_s_turn(_: Shop) -> Arguments:
    """This will name a queue."""
    return {"queue": "urgent"}


def rows_to_be_sealed(shop: Shop) -> Arguments:
    """This will write history and books."""
    shop.start(shop.a_cart(), token="pm_card_visa")
    return {}


def a_case_past_its_time(shop: Shop) -> Arguments:
    """This will let a case wait for longer than it may."""
    report = Report(
        type=CaseType.PAYMENT_IN_DOUBT, subject_id="op_1", severity=Case.Severity.HIGH, summary="A test's case."
    )
    with transaction("test"):
        open_case(report, now=clock.now())
    shop.pass_time(hours=2)
    return {}


def refunded(shop: Shop, card: str = "pm_card_visa") -> None:
    """This will sell, and give everything back."""
    order = shop.start(shop.a_cart(), token=card).json()
    wish = RefundWish(order["order_id"], WantedEverything(), "customer_request", last_known_refund_id="", restocks=True)
    with transaction("test"):
        request_refund(wish, cause=system("rules", now=clock.now()))
    shop.work()
    shop.deliver()


def held_funds_that_are_released_soon(shop: Shop) -> Arguments:
    """This will hold funds until the day before the bank lets go."""
    hold_funds(shop)
    shop.pass_time(days=6, hours=2)
    return {}


def a_refund_that_takes_long(shop: Shop) -> Arguments:
    """This will let the provider work on a refund for a month."""
    refunded(shop, "pm_card_pendingRefund")
    shop.sandbox.engine.store.execute("UPDATE timers SET due_at = due_at + 86400 * 30")
    shop.sandbox.engine.desk.forget_timers()
    shop.pass_time(days=6)
    return {}


def a_dispute_that_ended_unheard(shop: Shop) -> Arguments:
    """This will let a bank decide against us, and what the provider tells us of it be lost."""
    paid(shop)
    control(shop, "disputes", payment_intent=shop.truth("intent")[0]["id"])
    lose_webhooks(shop)
    control(shop, f"disputes/{Dispute.objects.get().provider_reference}", status="lost")
    shop.pass_time(days=1)
    return {}


def an_order_whose_windows_are_over(shop: Shop) -> Arguments:
    """This will let the time for disputes pass after everything went back."""
    refunded(shop)
    shop.pass_time(days=121)
    return {}


def an_approval_past_its_time(shop: Shop) -> Arguments:
    """This will ask for a second person's word and wait for too long."""
    ada = a_colleague("ada")
    with transaction("test"):
        cause = replace(SWEEP, actor=actor_name(ada), now=clock.now())
        act = Act(Action.REFUND, ada, shop.channel, "ref_1", ReasonCode.DAMAGED, Money(9000, "GBP"))
        request_approval(act, request_digest="0" * 64, cause=cause)
    shop.pass_time(days=4)
    return {}


PAID = {"moves": ["draft", "payment_pending", "paid"], "taken": [1999], "charges": 1, "shelf": (9, 0, 1)}
GIVEN_BACK = {
    "moves": ["draft", "payment_pending", "cancelled_with_refund"],
    "operations": [("authorize", "succeeded", 1999), ("void", "failed", 1999), ("give_back", "succeeded", 1999)],
    "given_back": [1999],
    "shelf": (10, 0, 0),
}
SCENES = {
    "webhooks.process": Scene(an_event_that_was_stored, PAID),
    "webhooks.sweep": Scene(events_no_worker_was_woken_for, PAID),
    "payments.carry_out": Scene(a_give_back_to_be_sent, GIVEN_BACK),
    "payments.recover": Scene(an_operation_without_an_answer, PAID),
    "reconciliation.sweep_operations": Scene(operations_that_are_due, PAID),
    "reconciliation.sweep_expired_orders": Scene(
        an_order_past_its_time,
        {
            "moves": ["draft", "payment_pending", "payment_failed", "expired"],
            "operations": [("authorize", "declined", 1999), ("void", "succeeded", 1999)],
            "shelf": (10, 0, 0),
        },
    ),
    "reconciliation.sweep_cancellations": Scene(
        a_cancellation_under_way,
        {
            **GIVEN_BACK,
            "operations": [
                ("authorize", "succeeded", 1999),
                ("void", "declined", 1999),
                ("give_back", "succeeded", 1999),
            ],
        },
    ),
    "reconciliation.sweep_owed_money": Scene(money_whose_way_back_was_barred, GIVEN_BACK),
    "reconciliation.sweep_pending_too_long": Scene(
        a_payment_the_provider_works_on, {"cases": [("payment_pending_too_long", "open")]}
    ),
    "reconciliation.sweep_authorizations": Scene(
        held_funds_that_are_released_soon,
        {"moves": ["draft", "payment_pending", "payment_authorized", "paid"], "taken": [1999]},
    ),
    "reconciliation.sweep_refunds": Scene(a_refund_that_takes_long, {"cases": [("refund_pending_too_long", "open")]}),
    "reconciliation.sweep_disputes": Scene(
        a_dispute_that_ended_unheard,
        {
            "moves": ["draft", "payment_pending", "paid", "refunded"],
            "cases": [("dispute_opened", "resolved"), ("dispute_lost", "open")],
        },
    ),
    "reconciliation.sweep_closing": Scene(
        an_order_whose_windows_are_over,
        {"moves": ["draft", "payment_pending", "paid", "refunded", "closed"], "given_back": [1999]},
    ),
    "oversight.expire_approvals": Scene(
        an_approval_past_its_time, {"audit": ["approval.requested", "approval.expired"]}
    ),
    "ledger.make_checkpoints": Scene(rows_to_be_sealed, PAID),
    "reconciliation.reap_keys": Scene(keys_past_their_time, PAID | {"keys": 0}),
    "reconciliation.heartbeat": Scene(a_queue_s_turn, {"hearts": ["urgent"]}),
    "oversight.seal": Scene(rows_to_be_sealed, PAID | {"seals": [("history", 1), ("ledger", 1)]}),
    "oversight.escalate": Scene(
        a_case_past_its_time, {"cases": [("payment_in_doubt", "escalated")], "audit": ["case.escalated"]}
    ),
}


@pytest.fixture(autouse=True, scope="module")
def _every_task_is_known() -> None:
    app.loader.import_default_modules()
    app.autodiscover_tasks(force=True)


@pytest.mark.pains("J1")
class TestEveryTask:
    def test_is_tried(self) -> None:
        assert set(SCENES) == {name for name in app.tasks if not name.startswith("celery.")}

    @pytest.mark.parametrize("name", SCENES)
    def test_twice_at_once_and_again_after_three_days_acts_once(self, shop: Shop, name: str) -> None:
        message = partial(app.tasks[name], **SCENES[name].prepare(shop))

        at_once([message, message])
        shop.work()
        once = effects(shop)
        shop.pass_time(days=3)
        message()
        shop.work()

        assert {what: once[what] for what in SCENES[name].done} == SCENES[name].done
        assert effects(shop) == once

    def test_that_comes_back_when_its_key_is_dead_sends_nothing_anew(self, shop: Shop) -> None:
        fault(shop, "timeout_after", "refunds.create", times=3)
        message = partial(app.tasks["payments.carry_out"], **a_give_back_to_be_sent(shop))
        message()
        assert operations("give_back") == ["unknown"]

        shop.pass_time(days=3)
        prune_keys(shop)
        at_once([message, message])
        wait(shop, rounds=3, seconds=601)

        assert (given_back(shop), operations("give_back")) == ([1999], ["succeeded"])
