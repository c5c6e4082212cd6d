"""People and programs come and go; tokens are issued and revoked. Only digests of secrets are stored."""

from collections.abc import Collection
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.addresses import PostalAddress, as_json, normalised, require_complete
from accounts.models import AccessToken, CustomerAddress, ServiceCredential, StaffRole, User
from accounts.selectors import addresses_of_customer, lock_customer
from core import crypto, policies
from core.db import constraint_errors, one_or_none, transaction_required
from core.errors import DomainError, Invalid, NotFound
from core.ids import new_public_id, new_token

# What 128 random bits take in URL-safe base64; shorter tokens can be guessed.
TOKEN_LENGTH_MIN = 22


class EmailInvalid(Invalid):
    """Nothing can be delivered to this address."""

    code = "email_invalid"
    title = "This is not an e-mail address."


class EmailTaken(DomainError):
    """One person is one row."""

    code = "email_taken"
    title = "There is an account with this e-mail address."


class PasswordRefused(Invalid):
    """The password is too short or too well known."""

    code = "password_refused"
    title = "Choose another password."


class NotStaff(DomainError):
    """Customers have no role."""

    code = "not_staff"
    title = "Only members of staff have a role."


class NoSuchAddress(NotFound):
    """Absent and foreign look the same."""

    code = "no_such_address"
    title = "There is no such address."


class TooManyAddresses(DomainError):
    """The book is full."""

    code = "too_many_addresses"
    title = "You keep as many addresses as we take. Remove one first."


class TokenTooShort(Invalid):
    """A credential that can be guessed is none."""

    code = "token_too_short"
    title = f"A service token has at least {TOKEN_LENGTH_MIN} random characters."


@transaction_required
def create_customer(*, email: str, now: datetime, password: str = "", name: str = "", locale: str = "") -> User:
    """This will create a customer; without a password they cannot sign in until they set one, and not before their
    address is proven by a code or trusted.

    Needs its caller's transaction. Raises: EmailInvalid, EmailTaken, PasswordRefused.
    """
    user = User(public_id=new_public_id("usr"), email=_normalise(email), name=name, locale=locale, created_at=now)
    _save_with_password(user, password)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    return user


@transaction_required
def trust_address(user: User) -> None:
    """This will count the user's address as theirs without a code: for people we made ourselves.

    Needs its caller's transaction.
    """
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"primary": True, "verified": True})


@transaction_required
def create_staff(
    *,
    email: str,
    password: str,
    now: datetime,
    name: str = "",
    is_superuser: bool = False,
    role: StaffRole | None = None,
) -> User:
    """This will create a member of staff, who sets up a second factor at the first sign-in. Without a role they may
    read alone; a superuser is an administrator.

    Needs its caller's transaction. Raises: EmailInvalid, EmailTaken, PasswordRefused.
    """
    user = User(
        public_id=new_public_id("usr"),
        email=_normalise(email),
        name=name,
        is_staff=True,
        is_superuser=is_superuser,
        staff_role=role or "",
        created_at=now,
    )
    if not password:
        raise PasswordRefused
    return _save_with_password(user, password)


@transaction_required
def change_staff_role(user: User, *, role: StaffRole | None) -> User:
    """This will give a member of staff another role, or none. Needs its caller's transaction. Raises: NotStaff."""
    user.staff_role = role or ""
    with constraint_errors({"accounts_user_role_of_staff": NotStaff}):
        user.save(update_fields=["staff_role"])
    return user


def _normalise(email: str) -> str:
    normalised = email.strip().lower()
    try:
        validate_email(normalised)
    except ValidationError as error:
        raise EmailInvalid from error
    return normalised


def _save_with_password(user: User, password: str) -> User:
    if password:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise PasswordRefused(detail=" ".join(error.messages)) from error
        user.set_password(password)
    else:
        user.set_unusable_password()
    with constraint_errors({"accounts_user_email_key": EmailTaken}):
        user.save(force_insert=True)
    return user


@transaction_required
def change_customer(customer: User, *, name: str | None = None, locale: str | None = None) -> User:
    """This will change how a customer is called and written to; None stays. Needs its caller's transaction."""
    customer.name = customer.name if name is None else name
    customer.locale = customer.locale if locale is None else locale
    customer.save(update_fields=["name", "locale"])
    return customer


@transaction_required
def add_address(customer_id: int, *, address: PostalAddress, is_default: bool, now: datetime) -> CustomerAddress:
    """This will put an address into the customer's book, the first one as default; one that is there is that one.

    Needs its caller's transaction. Raises: AddressInvalid, PhoneInvalid, TooManyAddresses.
    """
    written = require_complete(normalised(address))
    lock_customer(customer_id)
    book = addresses_of_customer(customer_id)
    row = next((kept for kept in book if kept.as_address() == written), None)
    if row is None:
        if len(book) >= policies.current("addresses")["per_customer_max"]:
            raise TooManyAddresses
        row = CustomerAddress(
            public_id=new_public_id("adr"), customer_id=customer_id, created_at=now, changed_at=now, **as_json(written)
        )
        row.save(force_insert=True)
    return _make_default(row) if is_default or not book else row


@transaction_required
def change_address(
    customer_id: int, *, address_id: str, address: PostalAddress, is_default: bool, now: datetime
) -> CustomerAddress:
    """This will write an address of the customer's book anew. Needs its caller's transaction.

    Raises: NoSuchAddress, AddressInvalid, PhoneInvalid.
    """
    written = require_complete(normalised(address))
    lock_customer(customer_id)
    row = _address(customer_id, address_id)
    for name, text in as_json(written).items():
        setattr(row, name, text)
    row.changed_at = now
    row.save()
    return _make_default(row) if is_default else row


@transaction_required
def remove_address(customer_id: int, *, address_id: str) -> None:
    """This will take an address out of the customer's book; of those left the one written last becomes the default.

    Needs its caller's transaction. Raises: NoSuchAddress.
    """
    lock_customer(customer_id)
    row = _address(customer_id, address_id)
    row.delete()
    left = addresses_of_customer(customer_id)
    if row.is_default and left:
        _make_default(left[0])


def _address(customer_id: int, address_id: str) -> CustomerAddress:
    row = one_or_none(CustomerAddress.objects.filter(customer_id=customer_id, public_id=address_id))
    if row is None:
        raise NoSuchAddress
    return row


def _make_default(row: CustomerAddress) -> CustomerAddress:
    others = CustomerAddress.objects.filter(customer_id=row.customer_id, is_default=True).exclude(pk=row.pk)
    others.update(is_default=False)
    row.is_default = True
    row.save(update_fields=["is_default"])
    return row


@transaction_required
def issue_token(
    *, subject_id: str, purposes: Collection[AccessToken.Purpose], lifetime: timedelta, now: datetime
) -> str:
    """This will return a new token for one cart or order and these purposes.

    It is shown this once: we keep its SHA-256. Needs its caller's transaction.
    """
    raw = new_token()
    remember_token(raw, subject_id=subject_id, purposes=purposes, lifetime=lifetime, now=now)
    return raw


@transaction_required
def remember_token(
    raw: str, *, subject_id: str, purposes: Collection[AccessToken.Purpose], lifetime: timedelta, now: datetime
) -> None:
    """This will make `raw`, a secret of at least 128 bits, open one cart or order.

    Remembering it again changes nothing. Needs its caller's transaction.
    """
    token = AccessToken(
        token_sha256=crypto.digest(raw),
        subject_id=subject_id,
        purposes=sorted(purposes),
        created_at=now,
        expires_at=now + lifetime,
    )
    AccessToken.objects.bulk_create([token], ignore_conflicts=True)


@transaction_required
def revoke_tokens(subject_id: str, *, now: datetime) -> int:
    """This will end every living token of a cart or order and return how many there were.

    Needs its caller's transaction.
    """
    return AccessToken.objects.filter(subject_id=subject_id, revoked_at=None).update(revoked_at=now)


@transaction_required
def create_service_credential(*, name: str, token: str, scopes: Collection[str], now: datetime) -> ServiceCredential:
    """This will make `token` the one token of the service `name`, with these scopes. Doing it again changes nothing.

    A revoked credential stays revoked. Needs its caller's transaction. Raises: TokenTooShort.
    """
    if len(token) < TOKEN_LENGTH_MIN:
        raise TokenTooShort
    credential = ServiceCredential(name=name, token_sha256=crypto.digest(token), scopes=sorted(scopes), created_at=now)
    ServiceCredential.objects.bulk_create(
        [credential], update_conflicts=True, unique_fields=["name"], update_fields=["token_sha256", "scopes"]
    )
    return ServiceCredential.objects.get(name=name)
