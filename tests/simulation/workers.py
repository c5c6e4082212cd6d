"""What the house does: workers with tasks lost, run twice and run late; beat's sweeps; the post; staff."""

import random
from collections.abc import Callable
from contextlib import suppress

from checkout.services import cancel_order
from core import clock
from core.cause import Cause
from core.errors import DomainError
from core.idempotency import KeyedRequest
from orders.models import HoldReason, Order
from orders.models.money import BEFORE_PAYMENT
from orders.selectors import lock_order
from orders.services import open_hold, order_transaction, release_hold
from payments import services as payments
from payments import tasks as payment_tasks
from payments.models import PaymentAttempt
from reconciliation import tasks as sweeps
from sandbox.errors import ConnectionLostError
from tests.simulation import colleagues
from tests.simulation.line import in_dashboard
from tests.simulation.world import DAY, Act, World, now_seconds
from webhooks import services as webhooks
from webhooks import tasks as webhook_tasks
from webhooks.models import Event

TASKS: dict[str, Callable[..., None]] = {
    "webhooks.process": webhook_tasks.process.run,
    "payments.carry_out": payment_tasks.carry_out.run,
    "payments.recover": payment_tasks.recover.run,
}
# A provider that tells us by webhook what its answer, still under way, will say.
BEFORE_ANSWER = {"call:POST:payment_intents:during", "call:POST:payment_intents:after"}
TOO_LATE = ["payment_authorized", "capture_failed", "payment_failed", "expired"]
SWEEPS: dict[str, Callable[[], None]] = {
    "operations": sweeps.sweep_operations.run,
    "expired_orders": sweeps.sweep_expired_orders.run,
    "cancellations": sweeps.sweep_cancellations.run,
    "owed_money": sweeps.sweep_owed_money.run,
    "pending_too_long": sweeps.sweep_pending_too_long.run,
    "authorizations": sweeps.sweep_authorizations.run,
    "refunds": sweeps.sweep_refunds.run,
    "disputes": sweeps.sweep_disputes.run,
    "webhooks": webhook_tasks.sweep.run,
    **colleagues.SWEEPS,
}


def work(world: World, dice: random.Random) -> None:
    """A worker takes a task, any task: brokers promise no order."""
    if world.broker.waiting:
        wake = world.broker.waiting.pop(dice.randrange(len(world.broker.waiting)))
        world.broker.past.append(wake)
        TASKS[wake.name](**dict(wake.ids))


def work_again(world: World, dice: random.Random) -> None:
    """A task that was acknowledged too late runs again, perhaps days later."""
    if world.broker.past:
        wake = dice.choice(world.broker.past)
        world.note("task run again" if wake.sent_at > now_seconds() - 3 * DAY else "task run after days")
        TASKS[wake.name](**dict(wake.ids))


def sweep(world: World, dice: random.Random) -> None:
    """Beat wakes one of the sweeps."""
    SWEEPS[dice.choice(sorted(SWEEPS))]()


def deliver(world: World, dice: random.Random) -> None:
    """The provider posts one due event, in any order; it learns the answer, or the answer is lost and it repeats."""
    engine = world.shop.sandbox.engine
    engine.tick()
    due = engine.due_deliveries(world.shop.virtual.now(), limit=50)
    if not due:
        return
    delivery = dice.choice(due)
    if world.line.is_keeping_answer or any(point in BEFORE_ANSWER for point in world.standing()):
        world.note("webhook before the answer")
    world.deliveries.append((delivery.headers, delivery.body))
    answer = world.shop.post_delivery(delivery.headers, delivery.body)
    if answer.status_code not in {200, 503}:
        world.complain(f"the webhook door answered {answer.status_code}")
    if dice.random() < 0.85:
        engine.record_delivery(delivery.id, answer.status_code)
    else:
        world.note("webhook answer lost")


def deliver_old(world: World, dice: random.Random) -> None:
    """Bytes from before: refused when the signature is stale, a duplicate otherwise."""
    if world.deliveries:
        headers, body = dice.choice(world.deliveries)
        answer = world.shop.post_delivery(headers, body)
        world.note("webhook old")
        if answer.status_code not in {200, 400, 503}:
            world.complain(f"an old delivery was answered with {answer.status_code}")


def deliver_forged(world: World, dice: random.Random) -> None:
    """Somebody else's bytes, or ours with another amount."""
    if world.deliveries:
        headers, body = dice.choice(world.deliveries)
        answer = world.shop.post_delivery(headers, body.replace(b'"livemode"', b'"live_mode"'))
        world.note("webhook forged")
        if answer.status_code not in {400, 503}:
            world.complain(f"a forged delivery was answered with {answer.status_code}")


def take_held_funds(world: World, dice: random.Random) -> None:
    """Somebody looked at the order and lets the money be taken, or a part of it that is not the last; now and then our
    key is refused just then.
    """
    held = list(Order.objects.filter(state__in=["payment_authorized", "capture_failed"]).order_by("id"))
    if not held:
        return
    order = dice.choice(held)
    part_minor = order.due_minor // 3 if dice.random() < 0.3 else None
    is_asked_for = capture(world, order.public_id, part_minor=part_minor)
    if is_asked_for and "key_refused" in world.befalls and dice.random() < 0.4:
        world.line.refuse_key(ending="/capture")


def capture(world: World, order_id: str, *, part_minor: int | None = None) -> bool:
    """This will ask for the capture of an order's held funds, or of this part, as staff does. Returns whether that was
    possible.
    """
    cause = Cause(actor="staff:usr_sim", source="console", now=clock.now())
    try:
        with order_transaction("simulation.request_capture"):
            asked = payments.request_capture(
                order_id, amount_minor=part_minor, is_final=part_minor is None, cause=cause
            )
            world.done["asked for a part"] += part_minor is not None
            if asked.status == "created" and (asked.attempt.capture_before or cause.now) < cause.now:
                world.complain(f"{asked.public_id} asks for funds whose time is over")
    except DomainError as refusal:
        world.done[f"refused: {refusal.code}"] += 1
        return False
    return True


def put_on_hold(world: World, dice: random.Random) -> None:
    """Somebody wants an order to wait before its money is taken, or has seen enough."""
    held = list(Order.objects.filter(state="payment_authorized").order_by("id"))
    if not held:
        return
    order_id, cause = dice.choice(held).public_id, Cause(actor="staff:usr_sim", source="console", now=clock.now())
    with order_transaction("simulation.hold"):
        order = lock_order(order_id)
        if not release_hold(order, reason=HoldReason.MANUAL, cause=cause):
            open_hold(order, reason=HoldReason.MANUAL, detail="To be looked at.", cause=cause)


def ask_provider(world: World, dice: random.Random) -> None:
    """Staff presses *ask the provider*: the same look as a sweep's."""
    attempts = list(PaymentAttempt.objects.select_related("account__channel", "order").order_by("id"))
    if attempts:
        cause = Cause(actor="staff:usr_sim", source="console", now=clock.now())
        world.note("staff asks")
        payments.ask_provider(dice.choice(attempts), cause=cause)


def replay_event(world: World, dice: random.Random) -> None:
    """Staff lets a stored event be processed once more; one that has ended stays as it is."""
    ids = list(Event.objects.order_by("id").values_list("pk", flat=True))
    if ids:
        world.note("staff replay")
        webhooks.process(dice.choice(ids), now=clock.now())


def cancel_as_staff(world: World, dice: random.Random) -> None:
    """Staff ends an order that is not paid, as a customer does."""
    orders = list(Order.objects.filter(state__in=BEFORE_PAYMENT).order_by("id").values_list("public_id", flat=True))
    if orders:
        cancel_order_as_staff(world, dice.choice(orders), key=f"staff-{dice.getrandbits(30)}")


def cancel_order_as_staff(world: World, order_id: str, *, key: str) -> None:
    """This will end one order as somebody of staff."""
    request = KeyedRequest(principal=f"order:{order_id}", operation="orders.cancel", raw_key=key, fingerprint=key)
    cause = Cause(actor="staff:usr_sim", source="console", now=clock.now())
    world.note("staff cancels")
    try:
        cancel_order(order_id, reason="simulated", request=request, cause=cause)
    except DomainError as refusal:
        world.done[f"refused: {refusal.code}"] += 1


def money_too_late(world: World, dice: random.Random) -> None:
    """An order is cancelled, and before anybody could close its payment the money is taken: by its customer, or by
    somebody at the provider.
    """
    open_to_pay = PaymentAttempt.objects.filter(order__state__in=TOO_LATE, dead_at=None, is_current=True)
    attempts = list(open_to_pay.exclude(provider_reference=None).select_related("order").order_by("id"))
    if not attempts:
        return
    attempt = dice.choice(attempts)
    cancel_order_as_staff(world, attempt.order.public_id, key=f"late-{dice.getrandbits(30)}")
    world.note("money too late")
    if attempt.status == "authorized":
        in_dashboard(world.shop, f"payment_intents/{attempt.provider_reference}/capture")
    elif attempt.client_secret:
        with suppress(ConnectionLostError):
            world.shop.confirm({"client_secret": attempt.client_secret})


def work_in_dashboard(world: World, dice: random.Random) -> None:
    """Somebody takes or lets go held funds, or closes a payment, at the provider and past us."""
    store = world.shop.sandbox.engine.store
    held = [row[0] for row in store.rows("SELECT id FROM intents WHERE status = 'requires_capture' ORDER BY id")]
    if held:
        act = dice.choice(["capture", "cancel"])
        world.note(f"dashboard {act}")
        part = b"amount_to_capture=100" if act == "capture" and dice.random() < 0.2 else b""
        in_dashboard(world.shop, f"payment_intents/{dice.choice(held)}/{act}", form=part)


ACTS: dict[str, tuple[float, Act]] = {
    "work": (24, work),
    "work_again": (3, work_again),
    "sweep": (12, sweep),
    "deliver": (20, deliver),
    "deliver_old": (1, deliver_old),
    "deliver_forged": (1, deliver_forged),
    "take_held_funds": (6, take_held_funds),
    "cancel_as_staff": (1, cancel_as_staff),
    "money_too_late": (2, money_too_late),
    "work_in_dashboard": (7, work_in_dashboard),
    "put_on_hold": (2, put_on_hold),
    "ask_provider": (3, ask_provider),
    "replay_event": (2, replay_event),
}
