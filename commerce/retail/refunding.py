"""Units go back as customers and staff of the shop do it: asked for at the front door, decided by rules or by a person,
and above one person's limit by two.

Note [Once]: the cancelled invoice's number and the order's are the key of the request, so a second start meets the same
requests and decides only what still waits.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from accounts.models import StaffRole, User
from accounts.selectors import find_staff
from accounts.services import create_staff
from commerce.retail.door import FrontDoor, RefusedAtDoorError
from commerce.retail.replaying import headers_of
from commerce.retail.returns import Return
from core import clock
from core.cause import Cause
from core.db import transaction
from core.errors import DomainError
from oversight.services import actor_name
from payments.models import ClaimStatus, Refund, RefundStatus
from payments.selectors import find_claim
from payments.services import approve_refund, grant_claim

CLERK, SECOND = "replay-clerk@retail.example", "replay-second@retail.example"


@dataclass(frozen=True, slots=True)
class Returned:
    """How a return went; `problem` is empty when all went well."""

    of: Return
    claim_id: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Staff:
    """Who decides about requests, and who agrees to what is above the first one's limit."""

    clerk: User
    second: User


def open_staff() -> Staff:
    """This will return the two people, made where they are not. Nobody can sign in as them. Needs a transaction."""
    return Staff(*(_person(email) for email in (CLERK, SECOND)))


def _person(email: str) -> User:
    known = find_staff(email)
    if known is not None:
        return known
    password = secrets.token_urlsafe(32)
    return create_staff(email=email, password=password, now=clock.now(), role=StaffRole.ADMINISTRATOR)


def give_back(
    returns: Iterable[Return], *, order_ids: Mapping[str, str], door: FrontDoor, service_token: str, staff: Staff
) -> Iterator[Returned]:
    """This will ask for every return of an order that was placed, one after the other, have it decided and yield how it
    went; workers carry it out.
    """
    for one in returns:
        order_id = order_ids.get(one.order_key, "")
        if not order_id:
            yield Returned(one, problem="its order was not placed")
            continue
        try:
            claim_id = _ask(one, order_id, door=door, service_token=service_token)
            _decide(claim_id, staff)
        except (RefusedAtDoorError, DomainError) as error:
            yield Returned(one, problem=str(error))
        else:
            yield Returned(one, claim_id)


def _ask(one: Return, order_id: str, *, door: FrontDoor, service_token: str) -> str:
    answer = door.call(
        "POST",
        f"orders/{order_id}/refund-requests",
        headers=headers_of(one.customer, key=f"{one.invoice_no}-{one.order_key}", service_token=service_token),
        body={
            "lines": [{"sku": sku, "quantity": units} for sku, units in one.units.items()],
            "reason": "customer_request",
            "note": f"Invoice {one.invoice_no}",
        },
        accept=(201,),
    )
    return str(answer.body["refund_request_id"])


def _decide(claim_id: str, staff: Staff) -> None:
    """A stored answer tells how things stood then, so the row is looked at."""
    claim = find_claim(claim_id)
    if claim.status == ClaimStatus.WAITING:
        with transaction("retail.grant_claim"):
            grant_claim(claim_id, staff=staff.clerk, cause=_by(staff.clerk), restocks=True)
    for refund in Refund.objects.filter(claim__public_id=claim_id, status=RefundStatus.AWAITING_APPROVAL):
        with transaction("retail.approve_refund"):
            approve_refund(refund.public_id, approver=staff.second, requester=staff.clerk, cause=_by(staff.second))


def _by(user: User) -> Cause:
    return Cause(actor=actor_name(user), source="console", now=clock.now())
