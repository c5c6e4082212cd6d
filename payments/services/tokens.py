"""Payment tokens: what stands for a card that we never see.

Note [Tokens]: what is surely no token of the provider's is refused before anything is made. How old a token is only
the provider knows, and only when it is used: a look before the payment would be one more call that proves nothing about
the next. So the payment itself is the question, and a token the provider does not know (any more) says for sure that
nothing ran.
"""

from core.errors import DomainError, Kind
from core.models import ProviderAccount
from payments.models import AttemptStatus, Operation
from payments.providers.registry import adapter_for
from payments.services.operations import LOST_CARD_DETAILS, REFUSED_MESSAGES


class PaymentTokenInvalid(DomainError):
    """The text cannot be a token of the provider that would be asked."""

    code = "payment_token_invalid"
    title = "This does not stand for a card. Nothing was done; please enter the card again."
    kind = Kind.UNPROCESSABLE


class PaymentTokenExpired(DomainError):
    """The provider does not know the token, or not any more. Nothing ran. Facts: `cart_id`, or `order_id`."""

    code = LOST_CARD_DETAILS
    title = REFUSED_MESSAGES[LOST_CARD_DETAILS]
    kind = Kind.UNPROCESSABLE


def check_token(token: str, *, account: ProviderAccount) -> None:
    """This will look at the token's shape; without a token the customer confirms. Raises: PaymentTokenInvalid."""
    if token and not adapter_for(account).is_token(token):
        raise PaymentTokenInvalid


def has_lost_token(operation_id: str) -> bool:
    """This will tell whether this is the current try of its order and failed for nothing but its token."""
    return Operation.objects.filter(
        public_id=operation_id,
        attempt__is_current=True,
        attempt__status=AttemptStatus.FAILED,
        attempt__failure_code=LOST_CARD_DETAILS,
    ).exists()
