"""What the customer sees: one total, pure table from state, current attempt, holds and open requests to words.

The client never guesses: the word, the sentence, what can be done next and when to ask again all come from here.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from orders.models.money import OrderState

S = OrderState


class Word(StrEnum):
    """The status a client shows; new ones may come, clients show unknown ones as `processing`."""

    PREPARING_CHECKOUT = "preparing_checkout"
    PROCESSING = "processing"
    WAITING_FOR_CONFIRMATION = "waiting_for_confirmation"
    ACTION_REQUIRED = "action_required"
    PAYMENT_FAILED = "payment_failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNDER_REVIEW = "under_review"
    PAID = "paid"
    PREPARING = "preparing"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUND_PENDING = "refund_pending"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    COMPLETED = "completed"


class Phase(StrEnum):
    """The same for simple clients."""

    CREATED = "created"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_FAILED = "payment_failed"
    PAID = "paid"
    FULFILLMENT = "fulfillment"
    COMPLETED = "completed"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


class NextAction(StrEnum):
    """What the customer can do now."""

    PAY = "pay"
    CONFIRM = "confirm"
    RETRY_PAYMENT = "retry_payment"
    WAIT = "wait"
    CANCEL = "cancel"
    REQUEST_REFUND = "request_refund"
    ORDER_AGAIN = "order_again"


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what is shown. `attempt` is the current attempt's status, "" without one."""

    state: OrderState
    attempt: str = ""
    is_outcome_unknown: bool = False
    has_next_action: bool = False
    has_customer_finished: bool = False
    is_held: bool = False
    is_cancel_requested: bool = False
    is_give_back_open: bool = False
    has_coupon: bool = False
    may_cancel: bool = False
    is_refundable: bool = False
    is_part_paid: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """`poll_after_ms` is None when nothing will change by itself soon."""

    word: Word
    phase: Phase
    sentence: str
    next_actions: tuple[NextAction, ...]
    poll_after_ms: int | None


POLL_SOON_MS = 2000
POLL_LATER_MS = 15_000

SENTENCES = {
    Word.PREPARING_CHECKOUT: "Your order is being prepared for payment. Nothing has been charged.",
    Word.PROCESSING: (
        "The payment provider has not answered yet. You will not be charged twice; we are asking until we know."
    ),
    Word.WAITING_FOR_CONFIRMATION: (
        "You are done. We are waiting for your bank's confirmation and will update this page."
    ),
    Word.ACTION_REQUIRED: "Your bank asks you to confirm this payment.",
    Word.PAYMENT_FAILED: (
        "The payment did not go through and you have not been charged. You can try again; we keep your items."
    ),
    Word.CANCELLING: "We are cancelling this order. If any money was taken it goes back to you by itself.",
    Word.CANCELLED: "This order is cancelled.",
    Word.EXPIRED: "The time to pay is over and the items are back in the shop. You have not been charged.",
    Word.UNDER_REVIEW: "We are checking this order and will write to you. You do not need to do anything.",
    Word.PAID: "Paid. Thank you.",
    Word.PREPARING: "Paid. We are preparing your items.",
    Word.PARTLY_SHIPPED: "Some of your items are on their way.",
    Word.SHIPPED: "Your items are on their way.",
    Word.DELIVERED: "Everything has been delivered.",
    Word.REFUND_PENDING: "Your money is on its way back.",
    Word.PARTLY_REFUNDED: "Part of your money has gone back to you.",
    Word.REFUNDED: "Your money has gone back to you.",
    Word.COMPLETED: "This order is complete.",
}

# The same word as a bank's question, but nothing was asked of any bank yet.
CHOOSE_HOW_TO_PAY = "Choose how to pay. Nothing has been charged, and we keep your items for you."
# Of a payment that was taken in parts, the rest was not.
REST_FAILED = "A part of your order is paid. Pay the rest, or cancel and what you paid goes back to you."
CHOOSE_FOR_REST = "A part of your order is paid. Choose how to pay the rest; we keep your items for you."
# An offer, no promise: the units are kept again only at the price agreed to, and only if they can be had.
PAY_IF_KEPT_AGAIN = f"{SENTENCES[Word.EXPIRED]} If they can still be had at the same price, you can pay now."

_AFTER_PAYMENT = {
    S.PAID: (Word.PAID, Phase.PAID),
    S.FULFILLMENT_PENDING: (Word.PREPARING, Phase.FULFILLMENT),
    S.PARTIALLY_FULFILLED: (Word.PARTLY_SHIPPED, Phase.FULFILLMENT),
    S.FULFILLED: (Word.DELIVERED, Phase.FULFILLMENT),
    S.PARTIALLY_REFUNDED: (Word.PARTLY_REFUNDED, Phase.PARTIALLY_REFUNDED),
    S.REFUNDED: (Word.REFUNDED, Phase.REFUNDED),
    S.CLOSED: (Word.COMPLETED, Phase.COMPLETED),
}


def show(situation: Situation) -> Shown:
    """This will return what the customer sees; total over every combination."""
    state = situation.state
    if state in {S.CANCELLED, S.CANCELLED_WITH_REFUND}:
        word, poll = (Word.REFUND_PENDING, POLL_LATER_MS) if situation.is_give_back_open else (Word.CANCELLED, None)
        return _shown(word, Phase.CANCELLED, NextAction.ORDER_AGAIN, poll=poll)
    if situation.is_held and state is not S.CLOSED:
        phase = _AFTER_PAYMENT.get(state, (None, Phase.PAYMENT_PENDING))[1]
        return _shown(Word.UNDER_REVIEW, phase, poll=POLL_LATER_MS)
    if state in _AFTER_PAYMENT:
        return _after_payment(situation)
    if situation.is_cancel_requested:
        return _shown(Word.CANCELLING, Phase.CANCELLED, NextAction.WAIT, poll=POLL_SOON_MS)
    if state is S.EXPIRED:
        return _expired(situation)
    return _before_payment(situation)


def _after_payment(situation: Situation) -> Shown:
    state = situation.state
    if situation.is_cancel_requested and state in {S.PAID, S.PARTIALLY_REFUNDED}:
        return _shown(Word.CANCELLING, Phase.CANCELLED, NextAction.WAIT, poll=POLL_LATER_MS)
    word, phase = _AFTER_PAYMENT[state]
    actions = []
    if situation.may_cancel and state in {S.PAID, S.PARTIALLY_REFUNDED}:
        actions.append(NextAction.CANCEL)
    if situation.is_refundable and state not in {S.REFUNDED, S.CLOSED}:
        actions.append(NextAction.REQUEST_REFUND)
    if situation.is_give_back_open:
        return _shown(Word.REFUND_PENDING, phase, *actions, poll=POLL_LATER_MS)
    return _shown(word, phase, *actions)


def _expired(situation: Situation) -> Shown:
    # A coupon's use went back to its limit with the order; it is redeemed with a new one.
    if situation.has_coupon or situation.is_outcome_unknown or situation.is_give_back_open:
        return _shown(Word.EXPIRED, Phase.PAYMENT_FAILED, NextAction.ORDER_AGAIN)
    shown = _shown(Word.EXPIRED, Phase.PAYMENT_FAILED, NextAction.RETRY_PAYMENT, NextAction.ORDER_AGAIN)
    return replace(shown, sentence=PAY_IF_KEPT_AGAIN)


def _before_payment(situation: Situation) -> Shown:
    pending = Phase.PAYMENT_PENDING
    if situation.is_outcome_unknown:
        return _shown(Word.PROCESSING, pending, NextAction.WAIT, NextAction.CANCEL, poll=POLL_SOON_MS)
    if _has_failed(situation):
        return _failed(situation)
    if situation.state is S.PAYMENT_AUTHORIZED:
        return _shown(Word.UNDER_REVIEW, pending, NextAction.CANCEL, poll=POLL_LATER_MS)
    if situation.attempt == "requires_action" and situation.has_customer_finished:
        return _shown(Word.WAITING_FOR_CONFIRMATION, pending, NextAction.WAIT, poll=POLL_SOON_MS)
    if situation.attempt == "requires_action" and situation.has_next_action:
        return _shown(Word.ACTION_REQUIRED, pending, NextAction.CONFIRM, NextAction.CANCEL, poll=POLL_SOON_MS)
    if situation.attempt == "requires_action":
        shown = _shown(Word.ACTION_REQUIRED, pending, NextAction.PAY, NextAction.CANCEL, poll=POLL_LATER_MS)
        return replace(shown, sentence=CHOOSE_FOR_REST if situation.is_part_paid else CHOOSE_HOW_TO_PAY)
    if situation.attempt:
        return _shown(Word.PROCESSING, pending, NextAction.WAIT, NextAction.CANCEL, poll=POLL_SOON_MS)
    return _shown(Word.PREPARING_CHECKOUT, Phase.CREATED, NextAction.WAIT, poll=POLL_SOON_MS)


def _failed(situation: Situation) -> Shown:
    ways = (NextAction.RETRY_PAYMENT, NextAction.CANCEL)
    if situation.attempt == "failed" and situation.has_customer_finished:
        # Another try with the same payment, of which nobody has heard. It can be replaced: that closes it first.
        word = Word.WAITING_FOR_CONFIRMATION
        return _shown(word, Phase.PAYMENT_PENDING, NextAction.WAIT, *ways, poll=POLL_SOON_MS)
    shown = _shown(Word.PAYMENT_FAILED, Phase.PAYMENT_FAILED, *ways)
    return replace(shown, sentence=REST_FAILED) if situation.is_part_paid else shown


def _has_failed(situation: Situation) -> bool:
    # Who tries again with the same secret has an order that stays payment_failed; what is under way is what counts.
    is_trying = situation.attempt in {"requires_action", "processing"}
    if situation.state is S.CAPTURE_FAILED or (situation.state is S.PAYMENT_FAILED and not is_trying):
        return True
    return situation.attempt in {"failed", "voided", "expired"}


def _shown(word: Word, phase: Phase, *actions: NextAction, poll: int | None = None) -> Shown:
    return Shown(word=word, phase=phase, sentence=SENTENCES[word], next_actions=actions, poll_after_ms=poll)
