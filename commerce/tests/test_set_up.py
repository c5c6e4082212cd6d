"""Setting up an installation that is not a demo."""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from core.models import ProviderAccount, SalesChannel
from oversight.models import AuditEntry

pytestmark = pytest.mark.usefixtures("database")
SHOP = [
    "lantern", "--name=Lantern", "--legal-entity=Lantern Ltd", "--time-zone=Europe/London", "--currencies=GBP,EUR",
    "--countries=GB,IE", "--mail-from=shop@lantern.example", "--live",
]  # fmt: skip


class TestSetUpShop:
    def test_stores_channel_and_account_once(self) -> None:
        said = io.StringIO()

        call_command("set_up_shop", *SHOP, stdout=said)
        call_command("set_up_shop", *SHOP, stdout=said)

        channel = SalesChannel.objects.get()
        assert (channel.default_currency, channel.is_livemode) == ("GBP", True)
        account = ProviderAccount.objects.get(provider="stripe")
        assert account.webhook_secrets.get().reference == "STRIPE_WEBHOOK_SECRETS"
        assert "/webhooks/stripe/lantern" in said.getvalue()

    def test_refuses_a_currency_nobody_knows(self) -> None:
        with pytest.raises(CommandError):
            call_command("set_up_shop", *SHOP[:4], "--currencies=XXX", *SHOP[5:], stdout=io.StringIO())

        assert not SalesChannel.objects.exists()

    def test_remembers_what_the_catalog_is_translated_into(self) -> None:
        call_command("set_up_shop", *SHOP, "--locales=de,de-AT", stdout=io.StringIO())

        assert SalesChannel.objects.get().locales == ["de", "de-AT"]

    def test_knows_where_its_tax_office_is_only_when_told(self) -> None:
        call_command("set_up_shop", *SHOP, stdout=io.StringIO())
        call_command("set_up_shop", "other", *SHOP[1:], "--home-country=IE", stdout=io.StringIO())

        homes = SalesChannel.objects.values_list("slug", "home_country")
        assert dict(homes) == {"lantern": "", "other": "IE"}

    @pytest.mark.parametrize("country", ["ie", "IRL", "I1", "-"])
    def test_refuses_a_home_that_is_no_country_s_code(self, country: str) -> None:
        with pytest.raises(CommandError, match="capital letters"):
            call_command("set_up_shop", *SHOP, f"--home-country={country}", stdout=io.StringIO())

    @pytest.mark.parametrize("locale", ["german", "de_AT", "xx", "de-XX"])
    def test_refuses_a_language_nobody_can_write_in(self, locale: str) -> None:
        with pytest.raises(CommandError, match="language"):
            call_command("set_up_shop", *SHOP, f"--locales={locale}", stdout=io.StringIO())


class TestCreateStaff:
    def test_stores_the_user_and_an_audit_row(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("commerce.management.commands.create_staff.getpass", lambda _: "a long enough pass phrase")

        call_command("create_staff", "ada@lantern.example", "--superuser", stdout=io.StringIO())

        user = User.objects.get()
        assert (user.is_staff, user.is_superuser) == (True, True)
        assert AuditEntry.objects.get().subject_id == user.public_id

    def test_gives_a_role_that_can_change_and_leaves_a_trail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("commerce.management.commands.create_staff.getpass", lambda _: "a long enough pass phrase")

        call_command("create_staff", "ada@lantern.example", "--role=support", stdout=io.StringIO())
        call_command("change_staff_role", "Ada@lantern.example", "supervisor", stdout=io.StringIO())

        user = User.objects.get()
        assert (user.role, user.is_superuser) == ("supervisor", False)
        changed = AuditEntry.objects.get(action="staff_role_changed")
        assert (changed.subject_id, changed.before, changed.after) == (
            user.public_id,
            {"role": "support"},
            {"role": "supervisor"},
        )

    def test_changes_nobody_s_role_who_is_not_there(self) -> None:
        with pytest.raises(CommandError, match="no member of staff"):
            call_command("change_staff_role", "ada@lantern.example", "none", stdout=io.StringIO())

    def test_refuses_a_short_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("commerce.management.commands.create_staff.getpass", lambda _: "short")

        with pytest.raises(CommandError):
            call_command("create_staff", "ada@lantern.example", stdout=io.StringIO())

        assert not User.objects.exists()
