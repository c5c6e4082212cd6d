"""The demo shop: made once, through the front door where it is open, and never where there is real money."""

import io
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import ServiceCredential, User
from catalog.models import (
    Category,
    CategoryText,
    Picture,
    PictureText,
    Price,
    Product,
    ProductText,
    Stock,
    Variant,
    VariantText,
)
from checkout.answers import view_order
from commerce import demo
from commerce.demo.people import ADA, JONAS
from commerce.management.commands import seed_demo
from commerce.tests.living_shop import SERVICE_TOKEN, LivingClock, front_door, living_shop, payment_form
from core import clock
from core.channels import account_for
from core.models import ProviderAccount, SalesChannel, WebhookSecret
from orders.models import Contact, Order
from reconciliation.invariants import ALWAYS, find_violations

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

        assert Product.objects.count() == len(demo.ARTICLES) >= 40
        for variant in Variant.objects.select_related("stock"):
            assert {"GBP", "EUR"} <= set(variant.prices.values_list("currency", flat=True))
        # One has sold out, so that the window shows how that looks.
        assert [stock.variant.sku for stock in Stock.objects.filter(received=0)] == ["LL-MIRROR-ROUND"]

    def test_a_few_are_priced_in_yen_and_in_dinars(self) -> None:
        seed()

        assert Price.objects.filter(currency="JPY").count() == Price.objects.filter(currency="KWD").count() == 8

    def test_every_article_stands_on_one_of_seven_shelves(self) -> None:
        seed()

        assert list(Category.objects.order_by("position").values_list("slug", flat=True)) == [
            "light", "kitchen", "home", "garden", "paper", "little-ones", "gifts-and-courses",
        ]  # fmt: skip
        assert min(category.products.count() for category in Category.objects.all()) >= 5
        assert not Product.objects.filter(category=None).exists()

    def test_every_article_has_its_own_picture_and_speaks_german(self) -> None:
        seed()

        assert Picture.objects.values("path").distinct().count() == Product.objects.count()
        assert ProductText.objects.filter(locale="de").exclude(name="").count() == Product.objects.count()
        assert PictureText.objects.filter(locale="de").exclude(alt="").count() == Picture.objects.count()
        assert CategoryText.objects.filter(locale="de").count() == Category.objects.count()
        named = Variant.objects.exclude(name="").count()
        assert VariantText.objects.filter(locale="de").exclude(name="").count() == named

    def test_brings_the_shop_of_an_older_version_up_to_date_and_moves_nothing(self) -> None:
        seed()
        for model in (PictureText, ProductText, VariantText, CategoryText, Picture):
            model.objects.all().delete()
        Price.objects.filter(currency="JPY").exclude(variant__sku="LL-BELL-WIND").delete()
        Price.objects.filter(currency="JPY").update(amount_minor=5300)
        SalesChannel.objects.update(locales=[])
        Product.objects.exclude(slug="lark-mug").update(category=None)
        Product.objects.filter(slug="lark-mug").update(category=Category.objects.get(slug="home"))
        Category.objects.exclude(slug="home").delete()

        seed()

        placed = dict(Product.objects.values_list("slug", "category__slug"))
        assert None not in placed.values()
        assert (placed["harbour-lantern"], placed["gift-card"]) == ("light", "gifts-and-courses")
        assert placed["lark-mug"] == "home"
        assert Price.objects.get(variant__sku="LL-BELL-WIND", currency="JPY").amount_minor == 5300
        assert Price.objects.filter(currency="JPY").count() == 8
        assert Picture.objects.count() == ProductText.objects.count() == len(demo.ARTICLES)

    def test_the_shop_window_shows_it(self) -> None:
        seed()

        assert b"Lantern" in Client().get("/").content

    def test_makes_staff_and_the_replay_s_credential(self) -> None:
        seed()

        staff = {user.email.partition("@")[0]: user.role for user in User.objects.filter(is_staff=True)}
        assert staff == {
            "console": "administrator", "finance": "finance", "supervisor": "supervisor", "support": "support",
        }  # fmt: skip
        assert User.objects.get(is_superuser=True).email == "console@lantern-and-lark.example"
        assert ServiceCredential.objects.get().name == "replay"

    def test_doing_it_again_changes_nothing(self) -> None:
        seed()
        models = [
            SalesChannel, ProviderAccount, WebhookSecret, Category, Product, Variant, Price, Picture, ProductText,
            VariantText, CategoryText, PictureText, User, ServiceCredential,
        ]  # fmt: skip
        before = [list(model._default_manager.order_by("pk").values()) for model in models]

        assert "0 articles made" in seed()

        assert [list(model._default_manager.order_by("pk").values()) for model in models] == before

    def test_leaves_its_orders_out_when_told_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DEMO_ORDERS", "0")

        assert "No demo orders: DEMO_ORDERS is 0." in seed().splitlines()

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


def reachable_states() -> set[str]:
    """This will return the states an order can come to today: the table's, less the ways that nothing takes yet."""
    later, ways = (
        {tuple(line.split(",")[:2]) for line in (settings.BASE_DIR / path).read_text().splitlines()[1:]}
        for path in ("tests/simulation/later_transitions.csv", "orders/order_transitions.csv")
    )
    return {target for _, target in ways - later}


class TestDemoOrders:
    def test_stand_in_every_state_that_can_be_reached_and_are_made_once(self, living: LivingClock) -> None:
        shop = living.shop
        SalesChannel.objects.filter(pk=shop.channel.pk).update(slug=demo.SHOP.slug, countries=demo.COUNTRIES)

        seed()
        for _ in range(4):
            shop.pass_time(seconds=70)
            shop.deliver()
            shop.sweep()
        states = dict(Contact.objects.values_list("email", "order__state"))
        seed()

        assert {email.partition("@")[0]: state for email, state in states.items()} == {
            "paid": "paid",
            "paid-in-euros": "paid",
            "paid-in-yen": "paid",
            "paid-in-dinars": "paid",
            "paid-by-ada": "paid",
            "paid-by-jonas": "paid",
            "paid-at-the-second-try": "paid",
            "paid-by-a-slow-bank": "paid",
            "paid-with-a-coupon": "paid",
            "paid-with-the-last-coupon": "paid",
            "paid-by-friendship": "paid",
            "declined": "payment_failed",
            "left-at-the-bank": "payment_pending",
            "held-for-a-review": "payment_authorized",
            "under-review": "payment_authorized",
            "paid-after-a-review": "paid",
            "capture-failed": "capture_failed",
            "out-of-time": "expired",
            "left-unpaid": "payment_pending",
            "left-unpaid-by-ada": "payment_pending",
            "cancelled": "cancelled",
            "cancelled-too-late": "cancelled_with_refund",
            "given-back": "refunded",
            "partly-given-back": "partially_refunded",
        }
        assert dict(Contact.objects.values_list("email", "order__state")) == states
        assert set(states.values()) == reachable_states()
        held = Order.objects.get(contact__email__startswith="under-review@")
        assert view_order(held).shown.word == "under_review"
        assert list(find_violations(ALWAYS, now=clock.now())) == []

    def test_who_never_pays_is_expired_by_and_by(self, living: LivingClock) -> None:
        shop = living.shop
        SalesChannel.objects.filter(pk=shop.channel.pk).update(slug=demo.SHOP.slug, countries=demo.COUNTRIES)
        seed()

        for _ in range(8):
            shop.pass_time(minutes=16)
            shop.deliver()
            shop.sweep()

        assert Order.objects.get(contact__email__startswith="left-unpaid@").state == "expired"

    def test_customers_have_their_own_in_their_language(self, living: LivingClock) -> None:
        shop = living.shop
        SalesChannel.objects.filter(pk=shop.channel.pk).update(slug=demo.SHOP.slug, countries=demo.COUNTRIES)

        seed()

        order = Order.objects.get(customer__email=JONAS.email)
        assert (order.locale, order.lines.first().name) == ("de", "Gutschein – 25 £")  # type: ignore[union-attr]
        assert Order.objects.filter(customer__email=ADA.email).count() == 2
