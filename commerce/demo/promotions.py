"""The demo's promotions and their codes, one of each kind that customers meet."""

from datetime import UTC, datetime
from decimal import Decimal

from catalog.models import Coupon, Promotion
from catalog.services import Figures, NewCoupon, NewPromotion, create_promotion
from core.db import transaction_required
from core.models import SalesChannel

SINCE, LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
# Giving money on money would be an odd present.
NOT_FOR = ("gift-card",)
PERCENT, FIXED, FREE_SHIPPING = Promotion.Kind.PERCENT, Promotion.Kind.FIXED, Promotion.Kind.FREE_SHIPPING

WINTER = "WINTER15"
FRIENDS = "FRIENDS100"
LAST = "LASTONE"
PROMOTIONS: dict[str, NewPromotion] = {
    "WELCOME10": NewPromotion(
        "Welcome: 10 % off your first order", PERCENT, SINCE, rate=Decimal("0.1"), is_first_order_only=True,
        excluded_products=NOT_FOR,
    ),
    WINTER: NewPromotion(
        "Winter: 15 % off", PERCENT, SINCE, rate=Decimal("0.15"), uses_per_customer_max=3, excluded_products=NOT_FOR
    ),
    "LARK5": NewPromotion(
        "Five pounds off from forty", FIXED, SINCE, is_combinable=True, uses_per_customer_max=1,
        figures={"GBP": Figures(500, 4000), "EUR": Figures(600, 4600)},
    ),
    "FREEPOST": NewPromotion(
        "Free delivery from twenty pounds", FREE_SHIPPING, SINCE, is_combinable=True,
        figures={"GBP": Figures(minimum_minor=2000), "EUR": Figures(minimum_minor=2300)},
    ),
    FRIENDS: NewPromotion(
        "For friends of the house", PERCENT, SINCE, rate=Decimal(1), uses_max=100, uses_per_period_max=10,
        period=Promotion.Period.MONTH, products=("printable-mobile-pattern",),
    ),
    # One that has ended, and one whose only use the demo's own order takes.
    "SUMMER20": NewPromotion("Summer: 20 % off", PERCENT, SINCE, valid_until=LONG_AGO, rate=Decimal("0.2")),
    LAST: NewPromotion("The last of its kind: a quarter off", PERCENT, SINCE, rate=Decimal("0.25"), uses_max=1),
}  # fmt: skip


@transaction_required
def ensure_promotions(channel: SalesChannel, *, now: datetime) -> None:
    """This will make the promotions whose codes are not there yet; one that somebody changed stays.

    Needs its caller's transaction.
    """
    standing = set(Coupon.objects.filter(channel=channel).values_list("code", flat=True))
    for code, promotion in PROMOTIONS.items():
        if code not in standing:
            create_promotion(promotion, channel=channel, coupons=[NewCoupon(code)], now=now)
