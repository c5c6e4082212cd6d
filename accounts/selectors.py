"""Whether a token opens something: one query of one shape, whatever is wrong, so that refusals do not differ."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import AccessToken, CustomerAddress, ServiceCredential, User
from core import crypto
from core.db import one_or_none
from core.errors import NotFound
from core.written import written


class NoSuchStaff(NotFound):
    """Nobody who works here signs in with this address."""

    code = "no_such_staff"
    title = "There is no member of staff with this e-mail address."


def check_token(raw: str, *, subject_id: str, purpose: AccessToken.Purpose, now: datetime) -> bool:
    """This will tell whether `raw` opens this cart or order for this purpose now."""
    return bool(_living_tokens(crypto.digest(raw), subject_id, purpose, now))


@written
def _living_tokens(token_sha256: str, subject_id: str, purpose: str, now: datetime) -> QuerySet[AccessToken, int]:
    rows = AccessToken.objects.filter(token_sha256=token_sha256, subject_id=subject_id, purposes__contains=[purpose])
    return rows.filter(expires_at__gt=now, revoked_at=None).values_list("pk", flat=True)[:1]


def token_expiry(raw: str, *, subject_id: str, purpose: AccessToken.Purpose, now: datetime) -> datetime | None:
    """This will return when a living token for this purpose ends, or None when `raw` is none."""
    rows = AccessToken.objects.filter(
        token_sha256=crypto.digest(raw), subject_id=subject_id, purposes__contains=[purpose], revoked_at=None
    )
    return one_or_none(rows.filter(expires_at__gt=now).values_list("expires_at", flat=True))


def subject_of(raw: str, *, purpose: AccessToken.Purpose, now: datetime) -> str:
    """This will return the public id of the cart or order that `raw` opens for this purpose now, or ""."""
    rows = AccessToken.objects.filter(
        token_sha256=crypto.digest(raw), purposes__contains=[purpose], expires_at__gt=now, revoked_at=None
    )
    return one_or_none(rows.values_list("subject_id", flat=True)) or ""


def find_service(raw: str, *, now: datetime) -> ServiceCredential | None:
    """This will return the living credential whose token is `raw`, or nothing."""
    rows = ServiceCredential.objects.filter(token_sha256=crypto.digest(raw), revoked_at=None)
    return one_or_none(rows.filter(Q(expires_at=None) | Q(expires_at__gt=now)))


def lock_customer(customer_id: int) -> User:
    """This will return the customer, locked until the transaction ends, before their carts; who only refers to them
    (an order being made) does not wait.
    """
    return User.objects.select_for_update(no_key=True).get(pk=customer_id)


def find_staff(email: str) -> User | None:
    """This will return the member of staff who signs in with this address, if there is one."""
    return one_or_none(User.objects.filter(email=email.strip().lower(), is_staff=True))


def lock_staff(email: str) -> User:
    """This will return the member of staff who signs in with this address, locked until the transaction ends.

    Raises: NoSuchStaff.
    """
    rows = User.objects.select_for_update(no_key=True)
    staff = one_or_none(rows.filter(email=email.strip().lower(), is_staff=True))
    if staff is None:
        raise NoSuchStaff
    return staff


def find_customer_emails(emails: Iterable[str]) -> set[str]:
    """This will return which of these addresses somebody signs in with, in one query."""
    return set(User.objects.filter(email__in=list(emails)).values_list("email", flat=True))


def addresses_of_customer(customer_id: int) -> list[CustomerAddress]:
    """This will return the customer's addresses, the default first, then those written last."""
    return list(CustomerAddress.objects.filter(customer_id=customer_id).order_by("-is_default", "-changed_at", "-pk"))


def is_staff_address(email: str) -> bool:
    """This will tell whether the address belongs to a member of staff."""
    return User.objects.filter(email=email.strip().lower(), is_staff=True).exists()
