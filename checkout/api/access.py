"""Who asks for which cart or order: tokens from headers, 404 to strangers."""

from rest_framework.request import Request

from accounts.authentication import principal_of
from accounts.models import AccessToken
from accounts.selectors import check_token
from checkout.models import Cart
from checkout.selectors import NoSuchCart, find_cart, may_claim_cart, may_use_cart, order_for
from core import clock
from core.api import caller_address
from core.cause import Cause
from core.principal import Principal
from core.throttles import take_try
from orders.models import Order


def cart_of(request: Request, cart_id: str) -> Cart:
    """This will return the cart if who asks may use it. Raises: NoSuchCart."""
    cart = find_cart(cart_id)
    token = request.headers.get("X-Cart-Token", "")
    if not may_use_cart(cart, principal=principal_of(request), token=token, now=clock.now()):
        raise NoSuchCart
    return cart


def claimable_cart_of(request: Request, cart_id: str) -> Cart:
    """This will return the cart if who asks may make it theirs. Raises: NoSuchCart."""
    cart = find_cart(cart_id)
    token = request.headers.get("X-Cart-Token", "")
    if not may_claim_cart(cart, principal=principal_of(request), token=token, now=clock.now()):
        raise NoSuchCart
    return cart


def order_of(request: Request, order_id: str, purpose: AccessToken.Purpose) -> Order:
    """This will return the order if who asks may have it for this purpose. Raises: NoSuchOrder."""
    token = request.headers.get("X-Order-Token", "")
    return order_for(order_id, principal=principal_of(request), token=token, purpose=purpose, now=clock.now())


def is_other_device(request: Request, order: Order) -> bool:
    """This will tell whether who asks came by a payment link."""
    token = request.headers.get("X-Order-Token", "")
    purpose = AccessToken.Purpose.ELSEWHERE
    return bool(token) and check_token(token, subject_id=order.public_id, purpose=purpose, now=clock.now())


def take_payment_try(request: Request, **subject: str) -> None:
    """This will count a try to pay for the cart or order, who asks and where from, before anything else is done.

    Programs of ours are not counted. Raises: TooManyTries.
    """
    principal = principal_of(request)
    if principal.kind == "service":
        return
    customer = principal.key if principal.customer_id is not None else ""
    callers = {**subject, "principal": customer, "address": caller_address(request)}
    take_try("payments", callers=callers, now=clock.now())


def cause_of(request: Request) -> Cause:
    """This will return the cause of what a client asks for."""
    return Cause(actor=actor_of(principal_of(request)), source="checkout", now=clock.now())


def actor_of(principal: Principal) -> str:
    """This will name the principal as history rows do."""
    return principal.key
