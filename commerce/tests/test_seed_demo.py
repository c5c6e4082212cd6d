"""The demo shop: made once, through the front door where it is open, and never where there is real money."""

import io
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import ServiceCredential, User
from catalog.models import Category, Product, Variant
from commerce import demo
from commerce.management.commands import seed_demo
from commerce.tests.living_shop import SERVICE_TOKEN, LivingClock, front_door, living_shop, payment_form
from core.channels import account_for
from core.models import ProviderAccount, SalesChannel, WebhookSecret
from orders.models import Order

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """What `./run` gives; nobody answers at the sandbox's address."""
    monkeypatch.setenv("DEMO_STAFF_PASSWORD", "lantern-and-lark-9")
    monkeypatch.setenv("DEMO_STAFF_TOTP_SECRET", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    monkeypatch.setenv("REPLAY_SERVICE_TOKEN", SERVICE_TOKEN)
    monkeypatch.setenv("STRIPE_PUBLISHABLE_KEY", "pk_test_sandbox")
    settings.SURETY_URL = settings.SANDBOX_URL = "http://127.0.0.1:1"


@pytest.fixture
def living(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivingClock]:
    """A running shop, which the demo's channel takes over."""
    with living_shop() as opened:
        monkeypatch.setattr(seed_demo, "open_front_door", front_door)
        monkeypatch.setattr(seed_demo, "open_payment_form", lambda: payment_form(opened.shop))
        yield opened


def seed() -> str:
    """This will run the command and answer what it said."""
    output = io.StringIO()
    call_command("seed_demo", stdout=output)
    return output.getvalue()


class TestSeedDemo:
    def test_makes_a_shop_that_can_be_paid_in_four_currencies(self) -> None:
        seed()

        channel = SalesChannel.objects.get()
        assert (channel.slug, channel.default_currency, channel.is_livemode) == ("lantern-and-lark", "GBP", False)
        assert channel.currencies == ["GBP", "EUR", "JPY", "KWD"]
        assert {"GB", "IE", "JE", "DE", "FR", "ZA", "US", "ZZ"} <= set(channel.countries)
        account = account_for(channel, provider="stripe")
        assert (account.slug, account.api_key_ref) == ("demo", "STRIPE_SECRET_KEY")
        assert WebhookSecret.objects.get().reference == "STRIPE_WEBHOOK_SECRETS"

    def test_every_article_has_prices_and_units(self) -> None:
        seed()

        assert Product.objects.count() == 12
        for variant in Variant.objects.select_related("stock"):
            assert {"GBP", "EUR"} <= set(variant.prices.values_list("currency", flat=True))
            assert variant.stock.available > 0

    def test_every_article_stands_in_one_of_four_categories(self) -> None:
        seed()

        assert list(Category.objects.order_by("position").values_list("slug", flat=True)) == [
            "light", "kitchen", "home", "gifts-and-courses",
        ]  # fmt: skip
        assert {category.products.count() for category in Category.objects.all()} == {3}

    def test_puts_the_articles_of_an_older_shop_into_categories_and_moves_none(self) -> None:
        seed()
        Product.objects.exclude(slug="lark-mug").update(category=None)
        Product.objects.filter(slug="lark-mug").update(category=Category.objects.get(slug="home"))
        Category.objects.exclude(slug="home").delete()

        seed()

        placed = dict(Product.objects.values_list("slug", "category__slug"))
        assert None not in placed.values()
        assert (placed["harbour-lantern"], placed["gift-card"]) == ("light", "gifts-and-courses")
        assert placed["lark-mug"] == "home"

    def test_the_shop_window_shows_it(self) -> None:
        seed()

        assert b"Lantern" in Client().get("/").content

    def test_makes_staff_and_the_replay_s_credential(self) -> None:
        seed()

        assert User.objects.get().email == "console@lantern-and-lark.example"
        assert ServiceCredential.objects.get().name == "replay"

    def test_doing_it_again_changes_nothing(self) -> None:
        seed()
        models = [SalesChannel, ProviderAccount, WebhookSecret, Category, Product, Variant, User, ServiceCredential]
        before = [list(model._default_manager.values()) for model in models]

        assert "0 products made" in seed()

        assert [list(model._default_manager.values()) for model in models] == before

    def test_says_so_when_the_shop_is_not_running(self) -> None:
        said = seed()

        assert [line for line in said.splitlines() if line.startswith("No demo orders: nobody answers")]
        assert Order.objects.count() == 0

    @pytest.mark.parametrize("name", ["DEMO_STAFF_PASSWORD", "REPLAY_SERVICE_TOKEN"])
    def test_does_without_a_secret_that_is_not_set(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.delenv(name)

        assert f"{name} is not set" in seed()

    def test_refuses_in_production(self, settings: Settings) -> None:
        settings.IS_PRODUCTION = True

        with pytest.raises(CommandError, match="real money"):
            seed()

        assert SalesChannel.objects.count() == 0


class TestDemoOrders:
    def test_stand_in_several_states_and_are_made_once(self, living: LivingClock) -> None:
        shop = living.shop
        SalesChannel.objects.filter(pk=shop.channel.pk).update(slug=demo.SHOP.slug, countries=demo.COUNTRIES)

        seed()
        shop.deliver()
        shop.sweep()
        states = sorted(Order.objects.values_list("state", flat=True))
        seed()

        assert states == ["cancelled", *["paid"] * 4, "payment_failed", "payment_pending"]
        assert sorted(Order.objects.values_list("state", flat=True)) == states
