"""Opening an attempt: the rows that exist before the provider is called."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

import rfc8785

from core import policies
from core.cause import Cause
from core.db import constraint_errors, transaction_required
from core.errors import DomainError
from core.ids import new_public_id
from core.models import ProviderAccount
from orders import services as orders
from orders.models import Order, Reason
from orders.paths import Path, walked
from orders.services.change import Because
from payments.models import Operation, OperationKind, OperationStatus, PaymentAttempt
from payments.providers.base import PaymentRequest
from payments.providers.registry import adapter_for
from payments.services.return_state import with_state, without_state


class PaymentBeingVerified(DomainError):
    """An outcome is unknown or an attempt may still capture: a second one could charge twice."""

    code = "payment_being_verified"
    title = "The last payment is still being verified with the provider. You will not be charged twice."
    retry_after_seconds = 3


class NothingToPay(DomainError):
    """The order takes no payment in its present state."""

    code = "nothing_to_pay"
    title = "This order takes no payment now."


class NotFree(DomainError):
    """A total above zero needs a provider that can take it."""

    code = "not_free"
    title = "This order is not free. Choose a way to pay."


class AmountNotPayable(DomainError):
    """The provider takes no amounts that end like this one; another call would change nothing."""

    code = "amount_not_payable"
    title = "This amount cannot be paid this way."


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """How the customer wants to pay. With `payment_token` the server confirms, without one the client does.

    Note [Soft decline]: an issuer that wants its customer authenticated is asked for no exemption again. Whatever is
    tried after it on this order asks for a challenge, with another card too.
    """

    account: ProviderAccount
    method: str
    payment_token: str = ""
    return_url: str = ""
    capture_method: str = "automatic"
    exemption: str = ""
    path_flags: tuple[str, ...] = ()


@transaction_required
def open_attempt(order: Order, new: NewAttempt, *, cause: Cause) -> Operation:
    """This will insert a current attempt over the due amount and its authorize operation, `sent` with its key.

    The caller holds the order's lock and, for a later attempt, has made sure that earlier ones are dead.
    A due amount of zero is for the account without a provider, every other for one with. Raises: PaymentBeingVerified,
    NothingToPay, NotFree, AmountNotPayable.
    """
    capabilities = adapter_for(new.account).capabilities
    is_free = capabilities.takes_zero
    wants_challenge = Path.SOFT_DECLINE in new.path_flags  # see Note [Soft decline]
    attempt = PaymentAttempt(
        public_id=new_public_id("payatt"),
        order=order,
        account=new.account,
        method=new.method,
        status="created",
        is_current=True,
        amount_minor=order.due_minor - order.accepted_minor,
        currency=order.currency,
        capture_method=new.capture_method,
        confirmed_by="server" if new.payment_token or is_free else "client",
        exemption="" if wants_challenge or is_free else new.exemption,
        path_flags=list(new.path_flags),
        created_at=cause.now,
    )
    if attempt.amount_minor < 0 or (attempt.amount_minor == 0 and not is_free):
        raise NothingToPay(order_id=order.public_id)
    if attempt.amount_minor > 0 and is_free:
        raise NotFree(order_id=order.public_id)
    if not capabilities.takes(attempt.amount_minor, attempt.currency):
        raise AmountNotPayable(order_id=order.public_id, amount_minor=attempt.amount_minor, currency=attempt.currency)
    attempt.return_url = with_state(new.return_url, attempt_id=attempt.public_id, now=cause.now)
    attempt.metadata_hash = metadata_hash(
        order_id=order.public_id,
        attempt_id=attempt.public_id,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
    )
    refusals = {
        "payments_attempt_one_current": PaymentBeingVerified,
        "payments_attempt_none_after_paid": NothingToPay,
    }
    with constraint_errors(refusals):
        attempt.save(force_insert=True)
    request = PaymentRequest(
        order_id=order.public_id,
        attempt_id=attempt.public_id,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        capture_method="manual" if new.capture_method == "manual" else "automatic",
        description=f"Order {order.number}",
        payment_token=new.payment_token,
        return_url=attempt.return_url,
        exemption=attempt.exemption,
        wants_challenge=wants_challenge,
        wants_several_captures=new.capture_method == "manual",
    )
    return insert_operation(
        attempt, kind=OperationKind.AUTHORIZE, amount_minor=attempt.amount_minor, request=asdict(request), cause=cause
    )


@transaction_required
def insert_operation(
    attempt: PaymentAttempt,
    *,
    kind: OperationKind,
    amount_minor: int,
    request: dict[str, object],
    cause: Cause,
    public_id: str = "",
) -> Operation:
    """This will insert an operation with its stable key, before anything is sent.

    An authorize is `sent` (its caller calls at once); everything else is `created` and carried out by a worker.
    """
    unique = uuid.uuid4()
    order = attempt.order
    lifetime = adapter_for(attempt.account).capabilities.key_lifetime_seconds
    is_immediate = kind == OperationKind.AUTHORIZE
    wait = policies.current("payment")["first_check_seconds"] if is_immediate else 0
    operation = Operation(
        public_id=public_id or new_public_id("op"),
        order=order,
        attempt=attempt,
        kind=kind,
        status=OperationStatus.SENT if is_immediate else OperationStatus.CREATED,
        amount_minor=amount_minor,
        currency=attempt.currency,
        provider_key=f"v1:{attempt.account.channel.slug[:20]}:{unique}",
        provider_key_expires_at=cause.now + timedelta(seconds=lifetime) if lifetime else None,
        request=request,
        request_digest=hashlib.sha256(rfc8785.dumps(request)).hexdigest(),  # type: ignore[arg-type]
        next_check_at=cause.now + timedelta(seconds=wait),
        trace_id=cause.trace_id,
        created_at=cause.now,
        sent_at=cause.now if is_immediate else None,
        sends_count=1 if is_immediate else 0,
    )
    operation.save(force_insert=True)
    return operation


def metadata_hash(*, order_id: str, attempt_id: str, amount_minor: int, currency: str) -> str:
    """This will return SHA-256 of what was agreed, to compare with what a provider reports."""
    return hashlib.sha256(f"{order_id}|{attempt_id}|{amount_minor}|{currency}".encode()).hexdigest()


@transaction_required
def go_on(order: Order, attempt: PaymentAttempt, *, return_url: str, paths: Sequence[Path], cause: Cause) -> None:
    """This will note that the customer goes on with the living `attempt`, perhaps on a device that returns elsewhere.

    Where the server confirmed, the provider knows the way back already and keeps it.
    """
    changed = []
    flags = walked(attempt.path_flags, *paths)
    if flags != attempt.path_flags:
        attempt.path_flags = flags
        changed.append("path_flags")
    if return_url and attempt.confirmed_by == "client" and without_state(attempt.return_url) != return_url:
        attempt.return_url = with_state(return_url, attempt_id=attempt.public_id, now=cause.now)
        changed.append("return_url")
    if not changed:
        return
    attempt.save(update_fields=changed)
    if "return_url" in changed:
        # The page's address carries it: clients that keep an ETag must learn that it changed.
        facts = {"status": attempt.status, "changed": changed}
        orders.record_fact(order, Because(Reason.ATTEMPT_CHANGED, cause, attempt.public_id, facts))


@transaction_required
def retire_attempt(order: Order, attempt: PaymentAttempt, *, cause: Cause) -> None:
    """This will make room for a new attempt: `attempt`, by which nothing more can come, is no longer current; it may
    still learn late truth.
    """
    attempt.is_current = False
    attempt.save(update_fields=["is_current"])
    orders.record_fact(
        order,
        Because(
            reason=Reason.ATTEMPT_CHANGED,
            cause=cause,
            attempt_public_id=attempt.public_id,
            facts={"is_current": False, "status": attempt.status},
        ),
    )
