"""Who asks for which cart or order: tokens from headers, 404 to strangers."""

from rest_framework.request import Request

from accounts.authentication import principal_of
from accounts.models import AccessToken
from accounts.selectors import check_token
from checkout.models import Cart
from checkout.selectors import NoSuchCart, find_cart, may_claim_cart, may_use_cart, order_for
from checkout.services import TooManyLines
from core import clock, policies
from core.api import caller_address
from core.cause import Cause
from core.principal import Principal
from core.throttles import alias_of, note_alias, note_tries, refuse_spent, take_try
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


def refuse_too_many_lines(request: Request) -> None:
    """This will refuse more lines than a cart may have, before any is looked at: a million are refused as cheaply as
    two thousand and one. Raises: TooManyLines.
    """
    sent = request.data.get("lines") if isinstance(request.data, dict) else None
    if isinstance(sent, list) and len(sent) > policies.current("carts")["lines_max"]:
        raise TooManyLines


def take_payment_try(request: Request, **subject: str) -> None:
    """This will count a try to pay for the cart or order, who asks and where from, before anything else is done.

    Raises: TooManyTries.
    """
    if not is_program(request):
        take_try("payments", callers=_payers(request, subject), now=clock.now())


def is_program(request: Request) -> bool:
    """This will tell whether a program of ours asks, which is not counted."""
    return principal_of(request).kind == "service"


def take_cart_try(request: Request) -> None:
    """This will count the opening of a cart by this device, as far as it says its id, and address.

    Raises: TooManyTries.
    """
    device = request.headers.get("X-Device-Id", "")[:64]
    if not is_program(request):
        take_try("carts", callers={"device": device, "address": caller_address(request)}, now=clock.now())


def take_return_try(request: Request) -> None:
    """This will count a browser that comes back. Raises: TooManyTries."""
    take_try("returns", callers={"address": caller_address(request)}, now=clock.now())


def take_link_try(request: Request, *, order_id: str) -> None:
    """This will count the making of a payment link or its trade for a token. Raises: TooManyTries."""
    callers = {"order": order_id, "address": caller_address(request)}
    take_try("payment_links", callers=callers, now=clock.now())


def refuse_declined(request: Request, *, token: str, **subject: str) -> None:
    """This will refuse whoever's cards, or this very card, were declined too often, before the provider is called.

    Raises: TooManyTries.
    """
    if not is_program(request):
        cards = {"token": token, "card": alias_of("card", token)}
        refuse_spent("declines", callers={**_payers(request, subject), **cards}, now=clock.now())


def note_decline(request: Request, *, token: str, card: str, **subject: str) -> None:
    """This will count a decline, for the card too where the provider told which it was (`card`)."""
    if is_program(request):
        return
    note_tries("declines", callers={**_payers(request, subject), "token": token, "card": card}, now=clock.now())
    if token and card:
        note_alias("card", token, of=card)


def _payers(request: Request, subject: dict[str, str]) -> dict[str, str]:
    principal = principal_of(request)
    customer = principal.key if principal.customer_id is not None else ""
    return {**subject, "principal": customer, "address": caller_address(request)}


def cause_of(request: Request) -> Cause:
    """This will return the cause of what a client asks for."""
    return Cause(actor=actor_of(principal_of(request)), source="checkout", now=clock.now())


def actor_of(principal: Principal) -> str:
    """This will name the principal as history rows do."""
    return principal.key
