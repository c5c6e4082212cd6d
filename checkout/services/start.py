"""checkout/start: a cart becomes an order with its snapshot, its units, its payment attempt; then the provider is
asked.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from accounts.models import AccessToken
from accounts.services import remember_token
from catalog import pricing
from catalog import services as stock
from catalog.pricing import terms_as_json
from catalog.pricing.coupons import Buyer, CouponQuote
from checkout.answers import quote_json
from checkout.models import Cart, CheckoutContext
from checkout.selectors import (
    Destination,
    buyer_of,
    coupons_in,
    destination_of,
    lock_cart,
    offer_for,
    price_offer,
    quantities_of,
)
from checkout.services.addresses import take_contact
from checkout.services.carts import CartCheckedOut
from checkout.services.coupons import redeem_coupons, refuse_lacking_coupons
from checkout.services.exemptions import check_exemption
from checkout.services.keyed import FinalAnswer, Opened, run
from checkout.services.own_orders import name_own_orders
from checkout.services.return_urls import check_return_url
from core import crypto, idempotency, policies
from core.cause import Cause
from core.channels import account_to_pay
from core.db import constraint_errors
from core.errors import DomainError, Invalid
from core.idempotency import Claim, KeyedRequest
from core.models import IdempotencyKey
from core.principal import Principal
from orders import services as orders
from orders.models import Order
from orders.paths import Path, walked
from orders.selectors import live_order_of_cart
from orders.services import ContactDetails
from orders.services.create import contact_digest
from orders.snapshot import SnapshotContext, build_snapshot
from payments import services as payments
from payments.services import NewAttempt


class CartEmpty(Invalid):
    """There is nothing to buy in the cart."""

    code = "cart_empty"
    title = "The cart is empty."


class NotForSale(DomainError):
    """Some lines cannot be bought any more."""

    code = "not_for_sale"
    title = "Some articles are no longer sold. Nothing was ordered."


class NoShippingMethod(DomainError):
    """Something in the cart has to be carried, and the shop does not send it there."""

    code = "no_shipping_method"
    title = "These goods cannot be sent to this address. Nothing was ordered."


class QuoteChanged(DomainError):
    """What the customer saw is not what it costs now. The new quote comes along; nothing was created."""

    code = "quote_changed"
    title = "The price has changed since you saw it. Nothing was ordered; please look at the new total."


class TotalNotPayable(DomainError):
    """The total is below zero: no provider could take it and nobody could mean it."""

    code = "total_not_payable"
    title = "This total cannot be paid."


class CheckoutRaced(DomainError):
    """Another request made an order of this cart at the same moment."""

    code = "request_in_progress"
    title = "This cart is being checked out by another request. Ask again in a moment."
    retry_after_seconds = 1


@dataclass(frozen=True, slots=True)
class StartCommand:
    """A validated request. Nothing in it decides prices, totals or states. `order_token` is that of an earlier order
    of a guest, see Note [One's own units].
    """

    cart_id: str
    principal: Principal
    contact: ContactDetails
    locale: str
    method: str
    quote_hash: str = ""
    payment_token: str = ""
    return_url: str = ""
    exemption: str = ""
    order_token: str = ""
    capture_method: str = "automatic"
    context: dict[str, Any] = field(default_factory=dict)


def start_checkout(command: StartCommand, *, request: KeyedRequest, cause: Cause) -> FinalAnswer:
    """This will make the cart an order and try to pay it; a repeat with the same key gets the same answer.

    Opens its own transactions. Raises: CartEmpty, NotForSale, NoShippingMethod, QuoteChanged, TotalNotPayable,
    CouponLimitReached, CouponNotForYou, CouponsLacking, InsufficientStock, ReturnUrlNotAllowed, PaymentTokenInvalid,
    ExemptionNotYours, NoSuchCart and the errors of core.idempotency; then nothing was created. A token the provider has
    no more is answered with a problem that is final for this key; the cart is open again.
    """
    check_exemption(command.exemption, principal=command.principal)
    try:
        return run(
            lambda: _open(command, request=request, cause=cause), name="checkout.start", request=request, cause=cause
        )
    except stock.InsufficientStock as shortage:
        name_own_orders(shortage, principal=command.principal, token=command.order_token, now=cause.now)
        raise


def _open(command: StartCommand, *, request: KeyedRequest, cause: Cause) -> Opened | FinalAnswer:
    claim = idempotency.claim(request, now=cause.now)
    if claim.answer is not None:
        return FinalAnswer(status=claim.answer.status, body=claim.answer.body, is_replay=True)
    if claim.recovery_point == IdempotencyKey.RecoveryPoint.COMMITTED:
        return _continue(claim, request=request)
    cart = lock_cart(command.cart_id)
    if cart.order_public_id:
        return _same_order(cart, claim, request=request, cause=cause)
    check_return_url(command.return_url, channel=cart.channel)
    command = replace(command, contact=take_contact(cart, command.contact, now=cause.now))
    quantities = quantities_of(cart)
    destination = destination_of(cart)
    priced, buyer = _agreed_quote(cart, quantities, destination, command, now=cause.now)
    account = account_to_pay(cart.channel, method=command.method, due_minor=priced.quote.total_minor)
    payments.check_token(command.payment_token, account=account)
    order = _create_order(cart, priced, destination, command, cause=cause)
    operation = payments.open_attempt(
        order,
        NewAttempt(
            account=account,
            method=account.provider,
            payment_token=command.payment_token if order.due_minor else "",
            return_url=command.return_url,
            capture_method=command.capture_method,
            exemption=command.exemption,
            path_flags=_paths(order, command),
        ),
        cause=cause,
    )
    _lock_up(cart, order, command, cause=cause)
    idempotency.commit_point(claim, subject_id=operation.public_id)
    token = _order_token(order, request=request, cause=cause) if order.customer_id is None else ""
    redeem_coupons(order, priced, buyer=buyer, now=cause.now)
    # Last, because everybody who buys the same article waits for its row until this transaction ends.
    stock.reserve(owner_id=order.public_id, channel_id=cart.channel_id, quantities=quantities, now=cause.now)
    return Opened(claim, order.public_id, operation, success_status=201, order_token=token, cart_id=cart.public_id)


def _paths(order: Order, command: StartCommand) -> tuple[str, ...]:
    """How this checkout begins; what happens on its way is added later."""
    ways = {
        Path.GUEST: order.customer_id is None,
        Path.COUPON: any(discount.get("coupon_code") for discount in order.snapshot.get("discounts", [])),
        Path.MANUAL_REVIEW: command.capture_method == "manual",
    }
    return tuple(walked([Path.STRAIGHT], *(path for path, is_walked in ways.items() if is_walked)))


def _continue(claim: Claim, *, request: KeyedRequest) -> Opened:
    """An earlier execution committed and died, or its answer was not final: go on with what it made."""
    operation = payments.take_over(claim.subject_id)
    order = operation.order
    token = "" if order.customer_id else _token_of(order, request=request)
    return Opened(claim, order.public_id, operation, success_status=201, order_token=token, cart_id=order.cart_id)


def _same_order(cart: Cart, claim: Claim, *, request: KeyedRequest, cause: Cause) -> Opened | FinalAnswer:
    """Another key for a cart that is checked out: the same order back. Its own request finishes the payment."""
    order = live_order_of_cart(channel_id=cart.channel_id, cart_id=cart.public_id)
    if order is None:
        raise CartCheckedOut(order_id=cart.order_public_id)
    operation = order.operations.filter(kind="authorize").order_by("-id").first()
    idempotency.commit_point(claim, subject_id=operation.public_id if operation else "")
    token = "" if order.customer_id else _order_token(order, request=request, cause=cause)
    return Opened(claim, order.public_id, None, success_status=200, order_token=token)


def _agreed_quote(
    cart: Cart, quantities: dict[int, int], destination: Destination, command: StartCommand, *, now: datetime
) -> tuple[CouponQuote, Buyer]:
    if not quantities:
        raise CartEmpty(cart_id=cart.public_id)
    coupons = coupons_in(cart)
    buyer = buyer_of(
        cart,
        coupons,
        customer_id=command.principal.customer_id,
        contact_digest=contact_digest(command.contact.email.strip().lower()),
    )
    # The order speaks the customer's language for ever, whatever the cart was read in.
    offer = offer_for(cart, quantities=quantities, now=now, destination=destination, locale=command.locale)
    agreed = price_offer(cart, offer.request, quantities=quantities, coupons=coupons, buyer=buyer, now=now)
    priced = agreed.quote
    missing = [warning.sku for warning in priced.warnings if isinstance(warning, pricing.NotForSale)]
    if missing:
        raise NotForSale(skus=missing)
    unreachable = [warning.country for warning in priced.warnings if isinstance(warning, pricing.NoShippingMethod)]
    if unreachable:
        raise NoShippingMethod(country=unreachable[0])
    refuse_lacking_coupons(priced, seen_hash=command.quote_hash, locale=command.locale)
    if command.quote_hash and command.quote_hash != priced.quote_hash:
        raise QuoteChanged(quote=quote_json(priced, locale=command.locale))
    if priced.total_minor < 0:
        raise TotalNotPayable(total_minor=priced.total_minor)
    return agreed, buyer


def _create_order(
    cart: Cart, priced: CouponQuote, destination: Destination, command: StartCommand, *, cause: Cause
) -> Order:
    reservation = policies.current("reservation")
    has_address = bool(destination.region or destination.postcode)
    postcode = destination.postcode or str(command.contact.address.get("postcode", ""))
    snapshot = build_snapshot(
        {**terms_as_json(priced.quote), "quote_hash": priced.quote.quote_hash},
        SnapshotContext(
            country=cart.country,
            country_label=cart.country_label,
            region=destination.region,
            address_basis="shipping_address" if has_address else "cart_country",
            postcode_prefix=postcode[:3],
            locale=command.locale,
            terms_version=cart.channel.terms_version,
            contact_digest=contact_digest(command.contact.email.strip().lower()),
            buyer_tax_id=destination.tax_id or None,
            promotions=tuple(terms.rules() for terms in priced.applied),
        ),
    )
    new = orders.NewOrder(
        channel=cart.channel,
        cart_id=cart.public_id,
        customer_id=cart.customer_id or command.principal.customer_id,
        bucket_id=cart.bucket_id,
        locale=command.locale,
        snapshot=snapshot,
        contact=command.contact,
        expires_at=cause.now + timedelta(seconds=reservation["hold_seconds"]),
        policy_versions={"reservation": reservation.version},
        is_livemode=cart.channel.is_livemode,
    )
    with constraint_errors({"orders_order_one_per_cart": CheckoutRaced}):
        return orders.create_order(new, cause=cause)


def _lock_up(cart: Cart, order: Order, command: StartCommand, *, cause: Cause) -> None:
    cart.order_public_id = order.public_id
    cart.checked_out_at = cause.now
    cart.save(update_fields=["order_public_id", "checked_out_at"])
    CheckoutContext.objects.create(
        order_public_id=order.public_id,
        device=command.context.get("device", {}),
        attribution=command.context.get("attribution", {}),
        consents=command.context.get("consents", {}),
        client_version=command.context.get("client_version", ""),
        recorded_at=cause.now,
    )


def _token_of(order: Order, *, request: KeyedRequest) -> str:
    # Note [Order tokens]: made from the client's key and ours, so that a repeat after a crash gets the same token
    # although we keep only its hash.
    return crypto.derived_token(purpose=f"order-token:{order.public_id}", client_secret=request.raw_key)


def _order_token(order: Order, *, request: KeyedRequest, cause: Cause) -> str:
    token = _token_of(order, request=request)
    remember_token(
        token,
        subject_id=order.public_id,
        purposes=[AccessToken.Purpose.VIEW, AccessToken.Purpose.PAY],
        lifetime=timedelta(days=policies.current("tokens")["order_days"]),
        now=cause.now,
    )
    return token
