"""How staff sign in to the console: allauth's rules, made stricter."""

import base64
import time
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.core.internal.httpkit import is_headless_request
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from accounts.adapter import CustomerAccountAdapter
from accounts.models import User
from core import crypto
from support.selectors import second_factors_of

SECRETS_PURPOSE = "second-factor"


EMAIL_VERIFICATION_STAGE = "allauth.account.stages.EmailVerificationStage"


class StaffAccountAdapter(CustomerAccountAdapter):
    """The rules of both doors: the app client's, and the console's pages, where only existing staff sign in."""

    error_messages = CustomerAccountAdapter.error_messages | {
        "email_password_mismatch": "This address and this password do not belong together. Nobody was signed in.",
        "incorrect_password": "This is not your password. Nothing was changed.",
        "too_many_login_attempts": "Too many tries. Wait five minutes and try once more; nobody was signed in.",
    }

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Treat a customer's right password on the console's page like a wrong one, so that it tells nothing."""
        user: User | None = super().authenticate(request, **credentials)
        if user is None or is_headless_request(request):
            return user
        return user if user.is_active and user.is_staff else None

    def get_login_stages(self) -> list[str]:
        """Whoever made a member of staff vouches for their address; on the console only the second factor is asked."""
        stages: list[str] = super().get_login_stages()
        if is_headless_request(context.request):
            return stages
        return [stage for stage in stages if stage != EMAIL_VERIFICATION_STAGE]

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:
        """Setting up the first second factor needs no second password when one was typed a moment ago."""
        request = context.request
        if request.user.is_authenticated and not second_factors_of(request.user.pk):
            typed = [
                record["at"]
                for record in get_authentication_records(request, request.user)
                if record.get("method") == "password"
            ]
            if typed and time.time() - typed[-1] < account_settings.REAUTHENTICATION_TIMEOUT:
                return False
        return bool(super().is_reauthentication_required(app=app))


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the authenticator app's secret and the recovery codes' seed encrypted with our data key."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code does not count. It is mistyped, used already, or its half minute is over.",
    }

    def encrypt(self, text: str) -> str:
        """This will seal a secret for its column."""
        sealed = crypto.seal(text.encode(), purpose=SECRETS_PURPOSE, client_secret="")
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """This will open what `encrypt` sealed."""
        sealed = base64.b64decode(encrypted_text)
        return crypto.unseal(sealed, purpose=SECRETS_PURPOSE, client_secret="").decode()
