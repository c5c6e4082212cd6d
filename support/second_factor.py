"""How far somebody has come on the way into the console.

Note [Second factor]: a session counts when allauth recorded in it the use of a second factor that still belongs to this
user, and the user still has an authenticator app. A factor taken away, replaced or never asked for leaves the session
outside, whatever made it: a password, a cookie from before, another door of the site. A session that the app client
made stays outside even with the factor: its key lies where apps keep things, not in a cookie no script can read.
"""

from enum import Enum

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from accounts.adapter import MADE_BY_APP
from accounts.models import User
from support.selectors import second_factors_of


class Standing(Enum):
    """Where a request stands before the console."""

    ANONYMOUS = "anonymous"
    STRANGER = "stranger"
    WITHOUT_FACTOR = "without_factor"
    UNPROVEN = "unproven"
    ADMITTED = "admitted"


def standing_of(request: HttpRequest) -> Standing:
    """This will look at the session and the user's second factors: two queries at most."""
    user = request.user
    if not isinstance(user, User):
        return Standing.ANONYMOUS
    if not (user.is_active and user.is_staff) or request.session.get(MADE_BY_APP):
        return Standing.STRANGER
    factors = second_factors_of(user.pk)
    if Authenticator.Type.TOTP not in factors.values():
        return Standing.WITHOUT_FACTOR
    records = get_authentication_records(request, user)
    is_proven = any(record.get("method") == "mfa" and record.get("id") in factors for record in records)
    return Standing.ADMITTED if is_proven else Standing.UNPROVEN
