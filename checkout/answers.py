"""What a client is told about carts and orders: built from rows and the snapshot, as plain JSON values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.addresses import as_json
from catalog.pricing import Quote, TaxEntry, quote_as_json
from checkout.models import Cart
from checkout.selectors import Offer, addresses_of
from core.money import Money
from core.wire import instant_json, money_json
from orders.display import NextAction, Shown, Situation, show
from orders.models import Order, OrderState
from orders.models.money import BEFORE_PAYMENT
from orders.paths import Path
from orders.selectors import find_order, held_orders
from orders.services import may_be_cancelled
from payments.models import ClaimRule, ClaimStatus, PaymentAttempt, RefundClaim, RefundStatus
from payments.selectors import current_attempts, orders_giving_back, orders_in_doubt, orders_with_living_elder
from payments.services import customer_action

QUOTE_AMOUNTS = ("subtotal", "discount", "tax", "shipping", "fees", "total")
LINE_AMOUNTS = ("unit_price", "subtotal", "discount", "total")
# What became of a refund request, in the words of customers.
CLAIM_MESSAGES = {
    "waiting": "We have your request and will write to you.",
    "refused": "We cannot refund this.",
    "refund_pending": "Your money is on its way back.",
    "refunded": "Your money has gone back to you.",
    "refund_failed": "Your bank did not take the money back. We are looking into it and will write to you.",
}
WINDOW_OVER = "The time to ask for a refund is over."
CUSTOMER_ACTS = {NextAction.PAY, NextAction.CONFIRM, NextAction.RETRY_PAYMENT}


@dataclass(frozen=True, slots=True)
class CheckoutAnswer:
    """The body, and whether the outcome is still open (then the answer is 202 and not final)."""

    body: dict[str, Any]
    is_undecided: bool


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order with all that decides what is shown, read once."""

    order: Order
    attempt: PaymentAttempt | None
    is_undecided: bool
    shown: Shown


def view_order(order: Order) -> OrderView:
    """This will read what the customer sees of an order, in four queries, or five while the last try is dead."""
    return view_orders([order])[0]


def view_orders(orders: Sequence[Order]) -> list[OrderView]:
    """This will read what the customer sees of each order, in five queries at most however many they are."""
    attempts = current_attempts(orders)
    unpaid = [order for order in orders if _paid_at(order) is None]
    in_doubt = orders_in_doubt(unpaid)
    ended = [order for order in unpaid if order.pk in attempts and not _goes_on(attempts[order.pk])]
    being_closed = orders_with_living_elder(ended)
    taken = [order for order in orders if order.captured_minor]
    held, giving_back = held_orders(orders), orders_giving_back(taken)
    views = []
    for order in orders:
        attempt = attempts.get(order.pk)
        situation = Situation(
            state=OrderState(order.state),
            attempt=attempt.status if attempt else "",
            is_outcome_unknown=order.pk in in_doubt or order.pk in being_closed,
            has_next_action=bool(attempt and attempt.next_action),
            has_customer_finished=bool(attempt and attempt.is_behind_customer),
            is_held=order.pk in held,
            is_cancel_requested=order.cancel_requested_at is not None,
            is_give_back_open=order.pk in giving_back,
            has_coupon=bool(attempt and Path.COUPON in attempt.path_flags),
            may_cancel=may_be_cancelled(order),
            is_refundable=order.returned_minor < order.accepted_minor,
            is_part_paid=order.returned_minor < order.accepted_minor < order.due_minor,
        )
        views.append(OrderView(order, attempt, order.pk in in_doubt, show(situation)))
    return views


def summaries_json(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """This will return the history's view of orders that carry `lines_count` and `first_line` (orders.order_page)."""
    return [
        {
            "order_id": view.order.public_id,
            "number": view.order.number,
            "status": view.shown.word,
            "phase": view.shown.phase,
            "message": view.shown.sentence,
            "next_actions": list(view.shown.next_actions),
            "created_at": instant_json(view.order.created_at),
            "paid_at": instant_json(_paid_at(view.order)),
            "total": _money(view.order.total_minor, view.order),
            "lines_count": vars(view.order)["lines_count"],
            "first_line": vars(view.order)["first_line"],
        }
        for view in view_orders(orders)
    ]


def own_orders_json(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """This will return what leads buyers to their own unpaid orders."""
    return [
        {
            "order_id": view.order.public_id,
            "number": view.order.number,
            "status": view.shown.word,
            "message": view.shown.sentence,
            "next_actions": list(view.shown.next_actions),
            "expires_at": instant_json(view.order.expires_at),
        }
        for view in view_orders(orders)
    ]


def order_json(view: OrderView) -> dict[str, Any]:
    """This will return the whole truth for the customer, from the snapshot and the money columns."""
    order, shown = view.order, view.shown
    snapshot = order.snapshot
    return {
        "order_id": order.public_id,
        "number": order.number,
        "status": shown.word,
        "phase": shown.phase,
        "message": shown.sentence,
        "next_actions": list(shown.next_actions),
        "poll_after_ms": shown.poll_after_ms,
        "version": order.version,
        "created_at": instant_json(order.created_at),
        "paid_at": instant_json(_paid_at(order)),
        "expires_at": instant_json(order.expires_at),
        **{name: _money(snapshot[f"{name}_minor"], order) for name in QUOTE_AMOUNTS},
        "due": _money(order.due_minor, order),
        "paid": _money(order.accepted_minor, order),
        "returned": _money(order.returned_minor, order),
        "lines": [
            {
                "sku": line["sku"],
                "name": line["product_name"],
                "variant": line["variant_name"],
                "quantity": line["quantity"],
                **{name: _money(line[f"{name}_minor"], order) for name in LINE_AMOUNTS},
            }
            for line in snapshot["lines"]
        ],
        **terms_json(snapshot, currency=order.currency, locale=order.locale or "en_GB"),
        "payment": _payment_json(view, view.attempt) if view.attempt else None,
        "live_url": None,
    }


def checkout_answer(order_id: str, *, order_token: str = "") -> CheckoutAnswer:
    """This will return the answer of checkout/start and payment-attempts: what a client needs to go on paying."""
    view = view_order(find_order(order_id))
    attempt = view.attempt
    body: dict[str, Any] = {
        "order_id": order_id,
        **({"order_token": order_token} if order_token else {}),
        "payment_attempt_id": attempt.public_id if attempt else None,
        "client_secret": _live_secret(attempt),
        "status": view.shown.word,
        "next_action": _next_action(view),
        "decline": decline_json(attempt),
        "poll_after_ms": view.shown.poll_after_ms,
        "order": order_json(view),
    }
    return CheckoutAnswer(body=body, is_undecided=view.is_undecided)


def decline_json(attempt: PaymentAttempt | None) -> dict[str, Any] | None:
    """This will return why the attempt failed, in words for the customer, or None."""
    if attempt is None or attempt.status != "failed":
        return None
    return {
        "code": attempt.failure_code or "payment_failed",
        "message": attempt.failure_message or "The payment did not go through. You have not been charged.",
        "may_retry": attempt.may_retry,
    }


def cart_json(cart: Cart, quote: Quote, *, locale: str, own_orders: Sequence[Order] = ()) -> dict[str, Any]:
    """This will return the cart with its addresses, read in one query, and its present quote, whose amounts are written
    as people of `locale` write them; `own_orders` are the buyer's that keep what is sold out.
    """
    addresses = {purpose: as_json(address) for purpose, address in addresses_of(cart).items()}
    return {
        "cart_id": cart.public_id,
        "currency": cart.currency,
        "country": cart.country,
        "order_id": cart.order_public_id or None,
        "changed_at": instant_json(cart.changed_at),
        "addresses": {purpose: addresses.get(purpose) for purpose in ("shipping", "billing")},
        "quote": quote_json(quote, locale=locale),
        "your_orders": own_orders_json(own_orders) if own_orders else [],
    }


def quote_json(quote: Quote, *, locale: str) -> dict[str, Any]:
    """This will return the quote with every amount as money; rates stay decimal strings."""

    def money(amount_minor: int) -> dict[str, Any]:
        return money_json(Money(amount_minor, quote.currency), locale=locale)

    plain = quote_as_json(quote)
    shown: dict[str, Any] = {name: money(plain.pop(f"{name}_minor")) for name in QUOTE_AMOUNTS}
    lines = []
    for line in plain.pop("lines"):
        amounts = {name: money(line.pop(f"{name}_minor")) for name in LINE_AMOUNTS}
        tax = line.pop("tax")
        basis, amount = tax.pop("basis_minor"), tax.pop("amount_minor")
        tax |= {"basis": money(basis), "amount": money(amount)}
        for kept_for_the_snapshot in ("discount_net_minor", "entered_unit_price_minor"):
            del line[kept_for_the_snapshot]
        lines.append({**line, **amounts, "tax": tax})
    terms = terms_json(plain, currency=quote.currency, locale=locale)
    plain.pop("tax_relief_minor", None)
    warnings = [_warning_json(warning, currency=quote.currency, locale=locale) for warning in plain.pop("warnings")]
    return {
        **plain,
        **shown,
        "lines": lines,
        "warnings": warnings,
        **terms,
    }


def _warning_json(warning: dict[str, Any], *, currency: str, locale: str) -> dict[str, Any]:
    """A warning with its amounts as money: `before` and `now` of a changed price."""
    amounts = {name: amount for name, amount in warning.items() if name.endswith("_minor")}
    said = {name: fact for name, fact in warning.items() if name not in amounts}
    return said | {
        name.removesuffix("_minor"): money_json(Money(amount, currency), locale=locale)
        for name, amount in amounts.items()
    }


def shipping_methods_json(offer: Offer, *, locale: str) -> dict[str, Any]:
    """This will return the ways to send a cart; the one its quote counts with is selected."""
    charge = offer.request.shipping
    return {
        "methods": [
            {
                "code": option.code,
                "name": option.name,
                "description": option.description,
                "price": money_json(Money(option.price_minor, offer.request.currency), locale=locale),
                "days_min": option.days_min,
                "days_max": option.days_max,
                "is_selected": charge is not None and charge.code == option.code,
            }
            for option in offer.shipping_options
        ]
    }


def terms_json(terms: dict[str, Any], *, currency: str, locale: str = "en_GB") -> dict[str, Any]:
    """This will return how a quote or an order is carried, charged, discounted and taxed, from the terms or a snapshot.

    Snapshots of version 1 know none of it; tax relief stands in a snapshot only where there is one.
    """

    def money(amount_minor: int) -> dict[str, Any]:
        return money_json(Money(amount_minor, currency), locale=locale)

    shipping = terms.get("shipping_method")
    return {
        "is_tax_included": terms.get("tax_entry", TaxEntry.GROSS) == TaxEntry.GROSS,
        "requires_shipping": terms.get("requires_shipping", False),
        "shipping_method": shipping
        and {"code": shipping["code"], "name": shipping["name"], "price": money(shipping["price_minor"])},
        "fee_lines": [
            {"code": fee["code"], "name": fee["name"], "amount": money(fee["amount_minor"])}
            for fee in terms.get("fee_lines", [])
        ],
        "discounts": [
            {
                "promotion_id": each["promotion_id"],
                "code": each["coupon_code"],
                "name": each["name"],
                "kind": each["kind"],
                "amount": money(each["amount_minor"]),
            }
            for each in terms.get("discounts", [])
        ],
        "tax_lines": [
            {
                **{name: tax[name] for name in ("code", "region", "rate", "treatment")},
                "basis": money(tax["basis_minor"]),
                "amount": money(tax["amount_minor"]),
            }
            for tax in terms.get("tax_lines", [])
        ],
        "tax_relief": money(terms.get("tax_relief_minor", 0)),
    }


def claim_json(claim: RefundClaim, order: Order) -> dict[str, Any]:
    """This will return one refund request with the refunds that were read along with it."""
    refunds = list(claim.refunds.all())
    word = _claim_word(claim, {refund.status for refund in refunds})
    message = CLAIM_MESSAGES[word]
    if word == "refused":
        message = claim.decision_note or (WINDOW_OVER if claim.rule == ClaimRule.WINDOW_OVER else message)
    skus = {position: line["sku"] for position, line in enumerate(order.snapshot["lines"], start=1)}
    return {
        "refund_request_id": claim.public_id,
        "order_id": order.public_id,
        "status": word,
        "message": message,
        "amount": _money(claim.amount_minor, order),
        "lines": [{"sku": skus[int(position)], "quantity": units} for position, units in claim.units.items()],
        "reason": claim.reason_code,
        "requested_at": instant_json(claim.requested_at),
        "decided_at": instant_json(claim.decided_at),
        "refunds": [
            {
                "refund_id": refund.public_id,
                "status": refund.status,
                "amount": _money(refund.amount_minor, order),
                "settled_at": instant_json(refund.settled_at),
            }
            for refund in refunds
        ],
    }


def _claim_word(claim: RefundClaim, statuses: set[str]) -> str:
    """A request that was granted goes on as its refunds do; a second person may still refuse what one granted."""
    if claim.status != ClaimStatus.GRANTED:
        return str(claim.status)
    if RefundStatus.AWAITING_APPROVAL in statuses:
        return "waiting"
    if statuses & {RefundStatus.FAILED, RefundStatus.REVERSED}:
        return "refund_failed"
    if statuses <= {RefundStatus.REJECTED, RefundStatus.CANCELLED}:
        return "refused"
    return "refunded" if statuses == {RefundStatus.SUCCEEDED} else "refund_pending"


def return_json(order_id: str) -> dict[str, Any]:
    """This will return what a browser may know that carries nothing but a signed state: nothing personal."""
    view = view_order(find_order(order_id))
    return {
        "number": view.order.number,
        "status": view.shown.word,
        "message": view.shown.sentence,
        "poll_after_ms": view.shown.poll_after_ms,
        "is_paid": _paid_at(view.order) is not None,
    }


def _goes_on(attempt: PaymentAttempt) -> bool:
    return attempt.is_current and attempt.can_capture


def _paid_at(order: Order) -> datetime | None:
    """When it was paid; None while it waits for its money, be it again: the bank took back what it had."""
    return None if OrderState(order.state) in BEFORE_PAYMENT else order.paid_at


def _payment_json(view: OrderView, attempt: PaymentAttempt) -> dict[str, Any]:
    order = view.order
    return {
        "payment_attempt_id": attempt.public_id,
        "provider": attempt.account.provider,
        "method": attempt.method,
        "status": attempt.status,
        "amount": _money(attempt.amount_minor, order),
        "next_action": _next_action(view),
        "decline": decline_json(attempt),
    }


def _next_action(view: OrderView) -> dict[str, Any] | None:
    """Where the customer goes on, only while there is something for them to do."""
    if view.attempt is None or not CUSTOMER_ACTS & set(view.shown.next_actions):
        return None
    return customer_action(view.attempt, expires_at=view.order.expires_at)


def _live_secret(attempt: PaymentAttempt | None) -> str | None:
    """The client secret, only while the customer can do something with it."""
    if attempt is None or attempt.status not in {"created", "requires_action", "processing", "failed"}:
        return None
    return attempt.client_secret or None


def _money(amount_minor: int, order: Order) -> dict[str, Any]:
    return money_json(Money(amount_minor, order.currency), locale=order.locale or "en_GB")
