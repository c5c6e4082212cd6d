"""The demo's staff: there for the demo, never beside real money."""

import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import StaffRole, User
from core import clock
from core.db import transaction
from core.models import SalesChannel
from support.demo import DemoRefused
from support.services import ensure_demo_staff
from support.tests.factories import CODE, LOGIN, PASSWORD, SECRET, code_now, come_in

pytestmark = pytest.mark.usefixtures("database")

EMAIL = "console@lantern-and-lark.example"


def ensure(
    *,
    email: str = EMAIL,
    role: StaffRole = StaffRole.ADMINISTRATOR,
    password: str = PASSWORD,
    totp_secret: str = SECRET,
) -> User:
    """The demo's staff, as the seed makes it."""
    with transaction("test"):
        return ensure_demo_staff(email=email, role=role, password=password, totp_secret=totp_secret, now=clock.now())


class TestEnsureDemoStaff:
    def test_makes_staff_who_come_in_with_password_and_code(self, traveller: time_machine.Traveller) -> None:
        user = ensure()

        assert come_in(user).get("/console/").status_code == 200

    def test_doing_it_again_changes_nothing_and_keeps_sessions(self, traveller: time_machine.Traveller) -> None:
        client = come_in(ensure())
        factor_id = Authenticator.objects.get().pk

        ensure()

        assert (User.objects.count(), Authenticator.objects.get().pk) == (1, factor_id)
        assert client.get("/console/").status_code == 200

    def test_takes_a_new_password_and_secret(self, traveller: time_machine.Traveller) -> None:
        ensure(password="the old password", totp_secret="OLDSECRETOLDSECRETOLDSECRETOLDSE")

        user = ensure()

        assert come_in(user).get("/console/").status_code == 200

    def test_only_its_administrator_is_a_superuser(self, traveller: time_machine.Traveller) -> None:
        boss, helper = ensure(), ensure(email="support@lantern-and-lark.example", role=StaffRole.SUPPORT)

        assert [(user.role, user.is_superuser) for user in (boss, helper)] == [
            ("administrator", True),
            ("support", False),
        ]
        assert come_in(helper).get("/console/").status_code == 200

    def test_refuses_in_production(self, settings: Settings) -> None:
        settings.IS_PRODUCTION = True

        with pytest.raises(DemoRefused):
            ensure()

        assert not User.objects.exists()

    def test_refuses_beside_a_live_channel(self) -> None:
        SalesChannel.objects.create(
            slug="live", name="Live", legal_entity="Live Ltd", time_zone="Europe/London", default_locale="en-GB",
            default_currency="GBP", currencies=["GBP"], countries=["GB"], tax_entry="gross", order_series="L",
            invoice_series="L", mail_from="a@example.org", terms_version="1", is_livemode=True, created_at=clock.now(),
        )  # fmt: skip

        with pytest.raises(DemoRefused):
            ensure()


class FixedClock:
    """A clock that moves by sleeping alone."""

    def __init__(self, second: float) -> None:
        self.instant = datetime(2026, 11, 21, 9, 0, tzinfo=UTC) + timedelta(seconds=second)

    def now(self) -> datetime:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


class TestDemoCode:
    def test_prints_the_code_that_comes_in(self, settings: Settings, traveller: time_machine.Traveller) -> None:
        settings.DEMO_STAFF_TOTP_SECRET = SECRET
        traveller.move_to(datetime(2026, 11, 21, 9, 0, 3, tzinfo=UTC))
        user = ensure()
        out = io.StringIO()

        call_command("demo_code", stdout=out)

        client = Client()
        client.post(LOGIN, {"login": user.email, "password": PASSWORD})
        client.post(CODE, {"code": out.getvalue()[:6]})
        assert client.get("/console/").status_code == 200
        assert "another 27 seconds" in out.getvalue()

    def test_waits_for_a_code_that_can_still_be_typed(self, settings: Settings) -> None:
        settings.DEMO_STAFF_TOTP_SECRET = SECRET
        out = io.StringIO()

        with clock.use(FixedClock(27)):
            call_command("demo_code", stdout=out)
            expected = code_now()

        assert out.getvalue().startswith(f"{expected}  (counts once, for another 30 seconds)")

    def test_refuses_in_production(self, settings: Settings) -> None:
        settings.DEMO_STAFF_TOTP_SECRET = SECRET
        settings.IS_PRODUCTION = True

        with pytest.raises(CommandError, match="no demo staff"):
            call_command("demo_code")

    def test_says_who_makes_the_secret(self, settings: Settings) -> None:
        settings.DEMO_STAFF_TOTP_SECRET = ""

        with pytest.raises(CommandError, match=r"\./run"):
            call_command("demo_code")
