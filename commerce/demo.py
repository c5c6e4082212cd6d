"""Lantern & Lark, the demo shop: its channel, its account at the sandbox, its articles, and a few orders to look at.

Everything is made once: doing it again changes nothing. None of it exists where there is real money.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.selectors import find_categories, find_variants
from catalog.services import (
    NewCategory,
    NewProduct,
    NewVariant,
    create_categories,
    create_products,
    place_in_categories,
)
from commerce.retail.door import Answer, FrontDoor, PaymentForm
from commerce.retail.reading import COUNTRY_CODES, UNKNOWN_COUNTRY
from core.channels import NewShop
from core.db import transaction_required
from core.models import SalesChannel
from orders.models import Contact

HOME_COUNTRY = "GB"
COUNTRIES = [HOME_COUNTRY, *sorted(set(COUNTRY_CODES.values()) - {HOME_COUNTRY, UNKNOWN_COUNTRY}), UNKNOWN_COUNTRY]
SHOP = NewShop(
    slug="lantern-and-lark",
    name="Lantern & Lark",
    legal_entity="Lantern & Lark Ltd",
    time_zone="Europe/London",
    locale="en-GB",
    currencies=("GBP", "EUR", "JPY", "KWD"),
    countries=tuple(COUNTRIES),
    mail_from="hello@lantern-and-lark.example",
    is_livemode=False,
    # The sandbox delivers its webhooks to /webhooks/stripe/demo.
    account_slug="demo",
    return_hosts=("127.0.0.1", "localhost"),
    return_schemes=("lanternandlark",),
)
STAFF_EMAIL = "console@lantern-and-lark.example"
REPLAY_SERVICE = "replay"
REPLAY_SCOPES = ["checkout"]
# A guest's key is bound to the device it came from.
DEMO_DEVICE = "demo-device-of-lantern-and-lark"


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """An order made through the front door. With a `token` the shop pays at once; `card` is what the customer confirms
    with otherwise, nothing when the customer does not.
    """

    name: str
    lines: dict[str, int]
    currency: str = "GBP"
    country: str = HOME_COUNTRY
    token: str = ""
    card: str = ""
    is_cancelled: bool = False

    @property
    def email(self) -> str:
        """This will return the customer's address, by which a later start knows that the order is there."""
        return f"{self.name}@customers.lantern-and-lark.example"


CATEGORIES = [
    NewCategory(slug="light", name="Light and scent", position=10),
    NewCategory(slug="kitchen", name="Kitchen and table", position=20),
    NewCategory(slug="home", name="Home", position=30),
    NewCategory(slug="gifts-and-courses", name="Gifts and courses", position=40),
]


def _goods(
    sku: str, name: str, description: str, *, category: str, units: int, weight_grams: int, **prices: int
) -> NewProduct:
    variant = NewVariant(sku=sku, prices=prices, units=units, weight_grams=weight_grams)
    return NewProduct(slug=_slug(name), name=name, description=description, variants=[variant], category=category)


def _slug(name: str) -> str:
    return "-".join("".join(character if character.isalnum() else " " for character in name.lower()).split())


def _by_wire(slug: str, name: str, description: str, *variants: NewVariant) -> NewProduct:
    return NewProduct(slug=slug, name=name, description=description, variants=variants, category="gifts-and-courses")


def _code(sku: str, name: str, *, units: int, **prices: int) -> NewVariant:
    return NewVariant(sku=sku, name=name, prices=prices, units=units, is_physical=False)


PRODUCTS = [
    _goods(
        "LL-LANTERN-BRASS", "Harbour lantern", "Brushed brass and wavy glass, for a tea light or an evening outside.",
        category="light", units=40, weight_grams=900, GBP=3450, EUR=3995,
    ),
    _goods(
        "LL-LARK-MUG", "Lark mug", "Stoneware, thrown by hand, with a lark that shows when the tea is gone.",
        category="kitchen", units=120, weight_grams=420, GBP=1400, EUR=1650,
    ),
    _goods(
        "LL-BLANKET-MOSS", "Moss blanket", "Lambswool in three greens, woven on a narrow loom and fringed.",
        category="home", units=25, weight_grams=1300, GBP=8900, EUR=10400,
    ),
    _goods(
        "LL-CANDLE-FIG", "Fig and cedar candle", "Rapeseed wax in a jar to keep. Burns for forty hours.",
        category="light", units=200, weight_grams=380, GBP=1850, EUR=2150,
    ),
    _goods(
        "LL-TOWELS-LINEN", "Linen tea towels, pair", "Washed linen, one plain and one striped; better every year.",
        category="kitchen", units=90, weight_grams=240, GBP=1650, EUR=1900,
    ),
    _goods(
        "LL-HOOK-OAK", "Oak coat hook", "A branch fork, sanded and oiled. No two are alike.",
        category="home", units=3, weight_grams=180, GBP=1200, EUR=1400,
    ),
    _goods(
        "LL-BELL-WIND", "Porcelain wind bell", "A clear note in a light wind. Made in Arita; priced in yen as well.",
        category="home", units=30, weight_grams=150, GBP=2600, EUR=3000, JPY=5200,
    ),
    _goods(
        "LL-INCENSE-OUD", "Oud incense box", "Twelve slow sticks in a cedar box; priced in Kuwaiti dinars as well.",
        category="light", units=35, weight_grams=120, GBP=2950, EUR=3400, KWD=11750,
    ),
    _goods(
        "LL-BOARD-ASH", "Ash bread board", "Cut from one plank, with a groove for the crumbs.",
        category="kitchen", units=60, weight_grams=1100, GBP=3200, EUR=3700,
    ),
    _by_wire(
        "gift-card", "Gift card", "A code by e-mail, good for anything in the shop and for five years.",
        _code("LL-GIFT-25", "£25", units=100_000, GBP=2500, EUR=2900),
        _code("LL-GIFT-50", "£50", units=100_000, GBP=5000, EUR=5800),
    ),
    _by_wire(
        "printable-mobile-pattern", "Paper lark mobile, printable pattern",
        "Four pages to print, cut and fold, with a film that shows how.",
        _code("LL-PATTERN-MOBILE", "", units=100_000, GBP=600, EUR=700),
    ),
    _by_wire(
        "wreath-making-course", "Wreath-making course", "An evening in the workshop: willow, moss, the garden.",
        _code("LL-COURSE-WREATH", "One seat", units=12, GBP=4800, EUR=5600),
    ),
]  # fmt: skip

ORDERS = [
    DemoOrder("paid", {"LL-LANTERN-BRASS": 1, "LL-CANDLE-FIG": 2}, card="pm_card_visa"),
    DemoOrder("paid-in-euros", {"LL-LARK-MUG": 4}, currency="EUR", country="IE", card="pm_card_visa"),
    DemoOrder("paid-in-yen", {"LL-BELL-WIND": 1}, currency="JPY", country="JP", card="pm_card_visa"),
    DemoOrder("paid-in-dinars", {"LL-INCENSE-OUD": 1}, currency="KWD", country="KW", card="pm_card_visa"),
    DemoOrder("declined", {"LL-BLANKET-MOSS": 1}, token="pm_card_chargeDeclined"),  # noqa: S106 - a test card
    DemoOrder("left-at-the-bank", {"LL-BOARD-ASH": 1}, token="pm_card_threeDSecure2Required"),  # noqa: S106
    DemoOrder("cancelled", {"LL-TOWELS-LINEN": 2}, is_cancelled=True),
]


@transaction_required
def widen_countries(channel: SalesChannel) -> None:
    """This will let the channel sell to every country that a file may name. Needs its caller's transaction."""
    missing = [code for code in COUNTRIES if code not in channel.countries]
    if missing:
        channel.countries = [*channel.countries, *missing]
        channel.save(update_fields=["countries"])


@transaction_required
def ensure_products(channel: SalesChannel, *, now: datetime) -> int:
    """This will make the shop's categories and articles that are not there yet and return how many articles it made.

    A shop that was seeded before there were categories gets its articles put into them. Needs its caller's transaction.
    """
    standing = find_categories(channel_id=channel.pk, slugs=[each.slug for each in CATEGORIES])
    create_categories(channel=channel, categories=[each for each in CATEGORIES if each.slug not in standing])
    known = find_variants(channel_id=channel.pk, skus=[variant.sku for each in PRODUCTS for variant in each.variants])
    missing = [each for each in PRODUCTS if each.variants[0].sku not in known]
    if missing:
        create_products(channel=channel, products=missing, now=now)
    place_in_categories(channel=channel, categories={each.slug: each.category for each in PRODUCTS})
    return len(missing)


def place_orders(*, door: FrontDoor, form: PaymentForm) -> Iterator[str]:
    """This will make the demo's orders through the front door, unless they are there, and name each with what became
    of it.

    Raises: RefusedAtDoorError.
    """
    for order in ORDERS:
        if not Contact.objects.filter(email=order.email).exists():
            yield f"{order.name}: {_place(order, door=door, form=form)}"


def _place(order: DemoOrder, *, door: FrontDoor, form: PaymentForm) -> str:
    guest = {"X-Device-Id": DEMO_DEVICE, "Idempotency-Key": f"demo-{order.name}"}
    choices = {"currency": order.currency, "country": order.country}
    cart = door.call("POST", "carts", headers=guest, body=choices, accept=(201,)).body
    guest["X-Cart-Token"] = cart["cart_token"]
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in order.lines.items()]
    door.call("PUT", f"carts/{cart['cart_id']}/lines", headers=guest, body={"lines": lines}, accept=(200,))
    started = _start(order, cart["cart_id"], door=door, guest=guest)
    if order.card:
        form.confirm(started.body["client_secret"], card=order.card)
        return "confirmed"
    if order.is_cancelled:
        guest["X-Order-Token"] = started.body["order_token"]
        path = f"orders/{started.body['order_id']}/cancel"
        cancelled = door.call("POST", path, headers=guest, body={"reason": "Demo"}, accept=(200, 202))
        return str(cancelled.body["status"])
    return str(started.body["status"])


def _start(order: DemoOrder, cart_id: str, *, door: FrontDoor, guest: dict[str, str]) -> Answer:
    payment = {"method": "stripe"} | ({"token": order.token} if order.token else {})
    body: dict[str, Any] = {"cart_id": cart_id, "contact": {"email": order.email}, "payment": payment}
    return door.call("POST", "checkout/start", headers=guest, body=body, accept=(200, 201))
