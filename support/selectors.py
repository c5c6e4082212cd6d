"""Reads for the console."""

from allauth.mfa.models import Authenticator

from core.models import SalesChannel


def second_factors_of(user_id: int) -> dict[int, str]:
    """This will return the types of a user's second factors by their row id: `totp`, `recovery_codes`."""
    return dict(Authenticator.objects.filter(user_id=user_id).values_list("id", "type"))


def shop_time_zone() -> str:
    """This will name the time zone the shop lives in; UTC before there is a shop."""
    zone = SalesChannel.objects.filter(archived_at=None).order_by("id").values_list("time_zone", flat=True).first()
    return zone or "UTC"
