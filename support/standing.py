"""How an order stands, in a sentence for staff: what happened, where the money is, what is open. Pure."""

from core.money import Money
from orders.models import OrderState
from payments.models import OPEN_STATUSES
from support.selectors import OrderFile

S = OrderState
STANDINGS = {
    S.DRAFT: "was placed, and no provider has acknowledged a payment of {due} yet",
    S.PAYMENT_PENDING: "waits for its payment of {due}",
    S.PAYMENT_AUTHORIZED: "has {authorized} held for it, to be taken after review",
    S.PAID: "is paid: {accepted} was taken",
    S.PAYMENT_FAILED: "is not paid: the payment of {due} failed, and the customer may try again",
    S.EXPIRED: "is not paid: the time to pay {due} is over",
    S.CAPTURE_FAILED: "is not paid: taking the held {due} failed",
    S.CANCELLED: "is cancelled",
    S.CANCELLED_WITH_REFUND: "is cancelled, and what was taken went back",
    S.FULFILLMENT_PENDING: "is paid ({accepted}) and waits to be sent",
    S.PARTIALLY_FULFILLED: "is paid ({accepted}) and partly sent",
    S.FULFILLED: "is paid ({accepted}) and all of it was sent",
    S.PARTIALLY_REFUNDED: "is paid ({accepted}), and part of the money went back",
    S.REFUNDED: "was paid ({accepted}), and all of the money went back",
    S.CLOSED: "is closed: nothing is open and nothing more will happen",
}


def standing_of(file: OrderFile) -> str:
    """This will say how the order stands: its state first, then what the money columns and open rows add."""
    order = file.order
    amounts = {
        "due": _money(file, order.due_minor),
        "authorized": _money(file, order.authorized_minor),
        "accepted": _money(file, order.accepted_minor),
    }
    sentences = [f"Order {order.number} {STANDINGS[OrderState(order.state)].format(**amounts)}."]
    sentences += _about_money(file)
    if file.open_holds:
        reasons = ", ".join(reason.replace("_", " ") for reason in file.open_holds)
        sentences.append(f"It is held ({reasons}) and does not move on until that is released.")
    if order.cancel_requested_at is not None and order.state not in {S.CANCELLED, S.CANCELLED_WITH_REFUND, S.CLOSED}:
        sentences.append("Its cancellation was asked for.")
    return " ".join([*sentences, *_about_open_rows(file)])


def _about_money(file: OrderFile) -> list[str]:
    order, sentences = file.order, []
    excess_owed = order.excess_minor - order.excess_returned_minor
    if excess_owed > 0:
        sentences.append(f"{_money(file, excess_owed)} more was taken than is due and is owed back.")
    if order.excess_returned_minor:
        sentences.append(f"{_money(file, order.excess_returned_minor)} beyond what is due has gone back.")
    if order.returned_minor:
        sentences.append(f"{_money(file, order.returned_minor)} of what was due has gone back.")
    if order.is_capture_reversed:
        sentences.append("The provider took money back that it had reported as taken.")
    return sentences


def _about_open_rows(file: OrderFile) -> list[str]:
    sentences = []
    unknown = [operation for operation in file.operations if operation.status == "unknown"]
    going_back = [
        each for each in file.operations if each.kind in {"give_back", "refund"} and each.status in OPEN_STATUSES
    ]
    open_cases = [case for case in file.cases if case.status != "resolved"]
    if unknown:
        sentences.append("The provider has not said what became of an operation; we are asking until we know.")
    if going_back:
        total = _money(file, sum(operation.amount_minor for operation in going_back))
        sentences.append(f"{total} is on its way back.")
    if open_cases:
        sentences.append(f"{len(open_cases)} open case{'s' if len(open_cases) > 1 else ''} about it need a person.")
    return sentences


def _money(file: OrderFile, amount_minor: int) -> str:
    return Money(amount_minor, file.order.currency).display()
