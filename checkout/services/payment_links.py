"""A link to pay one order on another device.

Note [Payment links]: a link is read by histories, mail programs and whoever looks over a shoulder, so what it carries
opens nothing. It trades itself for a token to see and pay this one order, which ends when the link ends. The trade may
be repeated, because an answer may be lost, and then gives the same token. In an address it stands behind the `#`, which
browsers send to nobody.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import AccessToken
from accounts.selectors import token_expiry
from accounts.services import issue_token, remember_token
from core import crypto, policies
from core.cause import Cause
from core.db import transaction
from core.errors import DomainError, NotFound
from orders.models import Order, OrderState
from orders.models.money import BEFORE_PAYMENT

Purpose = AccessToken.Purpose


class NothingToPayByLink(DomainError):
    """The order is paid, cancelled or past it."""

    code = "nothing_to_pay"
    title = "This order takes no payment now."


class NoSuchLink(NotFound):
    """Unknown, expired, revoked or for another order: all look the same."""

    code = "no_such_link"
    title = "This link is not, or no longer, valid. Open the order where you placed it and ask for a new one."


@dataclass(frozen=True, slots=True)
class TimedToken:
    """A secret and when it ends."""

    token: str
    expires_at: datetime


def link_address(order: Order, link: TimedToken, *, shop_url: str) -> str:
    """This will return the address of the shop's page under which a link leads to its order."""
    return f"{shop_url}/orders/{order.public_id}#link={link.token}"


def takes_payment(order: Order) -> bool:
    """This will tell whether the order can still be paid, by whoever has a link to it."""
    return OrderState(order.state) in BEFORE_PAYMENT and order.cancel_requested_at is None


def issue_payment_link(order: Order, *, cause: Cause) -> TimedToken:
    """This will make a link token for one order. Opens its own transaction. Raises: NothingToPayByLink."""
    if not takes_payment(order):
        raise NothingToPayByLink(order_id=order.public_id)
    lifetime = timedelta(seconds=policies.current("pay_step")["payment_link_seconds"])
    with transaction("checkout.payment_link"):
        token = issue_token(subject_id=order.public_id, purposes=[Purpose.LINK], lifetime=lifetime, now=cause.now)
    return TimedToken(token, cause.now + lifetime)


def trade_payment_link(order_id: str, *, link_token: str, cause: Cause) -> TimedToken:
    """This will trade a link for the order token that sees and pays this order until the link ends.

    Opens its own transaction. Raises: NoSuchLink.
    """
    expires_at = token_expiry(link_token, subject_id=order_id, purpose=Purpose.LINK, now=cause.now)
    if expires_at is None:
        raise NoSuchLink
    token = crypto.derived_token(purpose=f"payment-link:{order_id}", client_secret=link_token)
    with transaction("checkout.payment_link.trade"):
        remember_token(
            token,
            subject_id=order_id,
            purposes=[Purpose.VIEW, Purpose.PAY, Purpose.ELSEWHERE],
            lifetime=expires_at - cause.now,
            now=cause.now,
        )
    return TimedToken(token, expires_at)
