"""Print the demo staff's second factor, so that trying the console needs no telephone."""

from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import clock
from support.demo import DemoRefused, require_demo

# Enough to type six digits.
TYPING_SECONDS = 5


class Command(BaseCommand):
    """Reads DEMO_STAFF_TOTP_SECRET, which `./run` makes."""

    help = "Print the code that the demo staff's authenticator shows now."

    def handle(self, *_: Any, **__: Any) -> None:
        """Print a code that lives long enough to be typed."""
        try:
            require_demo()
        except DemoRefused as error:
            raise CommandError(error.detail) from error
        secret = settings.DEMO_STAFF_TOTP_SECRET
        if not secret:
            raise CommandError("DEMO_STAFF_TOTP_SECRET is not set: `./run` makes one and seeds the demo staff with it.")
        seconds_left = _seconds_left()
        if seconds_left < TYPING_SECONDS:
            clock.sleep(seconds_left)
            seconds_left = _seconds_left()
        counter = int(clock.now().timestamp()) // app_settings.TOTP_PERIOD
        code = format_hotp_value(hotp_value(secret, counter))
        self.stdout.write(f"{code}  (counts once, for another {int(seconds_left)} seconds)")


def _seconds_left() -> float:
    return float(app_settings.TOTP_PERIOD - clock.now().timestamp() % app_settings.TOTP_PERIOD)
