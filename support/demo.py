"""What exists for the demo alone."""

from django.conf import settings

from core.errors import DomainError
from core.models import SalesChannel


class DemoRefused(DomainError):
    """A known password must not open a console behind which there is real money."""

    code = "demo_refused"
    title = "This is a shop for real money: there is no demo staff here."


def require_demo() -> None:
    """This will refuse in production and wherever a live sales channel exists. Raises: DemoRefused."""
    if settings.IS_PRODUCTION or SalesChannel.objects.filter(is_livemode=True).exists():
        raise DemoRefused
