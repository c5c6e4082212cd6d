"""How customers sign in with their app: allauth's rules with our users, our sessions and our mails."""

from datetime import timedelta
from email.utils import formataddr
from smtplib import SMTPException
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.httpkit import is_headless_request
from allauth.headless.adapter import DefaultHeadlessAdapter
from allauth.headless.base.response import RateLimitResponse, UnauthorizedResponse
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.models import User
from accounts.selectors import is_staff_address
from core import clock, policies
from core.channels import default_channel
from core.errors import NotFound
from core.ids import new_public_id

log = structlog.get_logger()

# Stands in a session that the app client made: such a session never opens the console.
MADE_BY_APP = "made_by_app"
EMAIL_LENGTH_MAX = 254  # RFC 5321; allauth would cut a longer one
RESET_CODE = "account/email/password_reset_code"
RESET_REFUSED = "account/email/password_reset_staff"


class CustomerAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Customers sign up and in by the app client alone; `request` is Django's."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "This address and this password do not belong together.",
        "incorrect_code": "This code does not count. It is mistyped, or its time is over.",
        "too_many_login_attempts": "Too many tries. Wait five minutes and try once more; nobody was signed in.",
    }

    def is_open_for_signup(self, request: Any) -> bool:
        """Take sign-ups from the app client alone."""
        return bool(is_headless_request(request))

    def new_user(self, request: Any) -> User:  # noqa: ARG002 - allauth's signature
        """This will make a user of ours, not stored yet."""
        return User(public_id=new_public_id("usr"), created_at=clock.now())

    def save_user(self, request: Any, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002
        """This will store the user; of two sign-ups with one address at the same moment one is asked to wait."""
        try:
            saved: User = super().save_user(request, user, form, commit=commit)
        except IntegrityError as error:
            raise ImmediateHttpResponse(RateLimitResponse(request)) from error
        return saved

    def clean_email(self, email: str) -> str:
        """One person is one row: addresses are compared and stored in lower case, and never cut to fit."""
        if len(email) > EMAIL_LENGTH_MAX:
            raise ValidationError("This address is too long.", code="max_length")
        return email.strip().lower()

    def login(self, request: Any, user: User) -> None:
        """This will sign the session in, and mark what an app made; customers stay signed in there for weeks."""
        super().login(request, user)
        if not is_headless_request(request):
            return
        request.session[MADE_BY_APP] = True
        if not user.is_staff:
            days = policies.current("sessions")["customer_days"]
            request.session.set_expiry(int(timedelta(days=days).total_seconds()))

    def respond_email_verification_sent(self, request: Any, user: User | None) -> Any:  # noqa: ARG002
        """There is no page to be led to; allauth writes the app's answer once it has noted what is pending."""
        return UnauthorizedResponse(request)

    def respond_user_inactive(self, request: Any, user: User) -> Any:  # noqa: ARG002 - allauth's signature
        """A closed account is nobody's."""
        return UnauthorizedResponse(request)

    def get_from_email(self) -> str:
        """The shop writes, under its own address."""
        try:
            shop = default_channel()
        except NotFound:
            return str(super().get_from_email())
        return formataddr((shop.name, shop.mail_from))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """This will send one of our mails. Staff get no code for a new password: no mailbox opens the console.

        A mail that our mail server does not take is lost like one that is lost on its way, and the answer is the same:
        another answer would have to be undone and alike for known and unknown addresses at every step. The customer
        asks for another code or signs in again.
        """
        if template_prefix == RESET_CODE and is_staff_address(email):
            template_prefix, context = RESET_REFUSED, {}
        try:
            super().send_mail(template_prefix, email, {**context, "shop": self._shop_name()})
        except (SMTPException, OSError) as error:
            # Its text may hold the address.
            log.warning("mail_not_sent", template=template_prefix, error=type(error).__name__)

    def format_email_subject(self, subject: str) -> str:
        """Subjects stand for themselves; the sender's name says who writes."""
        return subject

    def _shop_name(self) -> str:
        try:
            return default_channel().name
        except NotFound:
            return "Surety"


class CustomerHeadlessAdapter(DefaultHeadlessAdapter):  # type: ignore[misc]
    """What the app client is told about who signed in."""

    def serialize_user(self, user: User) -> dict[str, Any]:
        """This will show the public id; row ids stay inside."""
        return {
            "id": user.public_id,
            "display": user.name or user.email,
            "email": user.email,
            "has_usable_password": user.has_usable_password(),
        }
