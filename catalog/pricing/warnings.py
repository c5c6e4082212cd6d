"""What a customer should know beside the price: advice, never part of what is agreed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, TypeAlias

# At this many units left, or fewer, the shop says so.
LOW_STOCK_UNITS = 5


class Availability(StrEnum):
    """What the shop window says about stock."""

    IN_STOCK = "in_stock"
    LOW_STOCK = "low_stock"
    OUT_OF_STOCK = "out_of_stock"


class NotForSaleReason(StrEnum):
    """Why a variant cannot be bought now."""

    UNPUBLISHED = "unpublished"
    ARCHIVED = "archived"
    UNPRICED = "unpriced"


@dataclass(frozen=True, slots=True)
class PriceChanged:
    """The unit price is not the one the customer saw last. Minor units of the quote's currency."""

    code: ClassVar[str] = "price_changed"
    sku: str
    before_minor: int
    now_minor: int


@dataclass(frozen=True, slots=True)
class SoldOut:
    """There are fewer units than asked for."""

    code: ClassVar[str] = "sold_out"
    sku: str
    requested: int
    available: int


@dataclass(frozen=True, slots=True)
class LowStock:
    """The units asked for are there, and few others are."""

    code: ClassVar[str] = "low_stock"
    sku: str
    available: int


@dataclass(frozen=True, slots=True)
class NotForSale:
    """The line was left out of the quote, because its variant cannot be bought now."""

    code: ClassVar[str] = "not_for_sale"
    sku: str
    reason: NotForSaleReason


@dataclass(frozen=True, slots=True)
class CouponNotApplicable:
    """A coupon in the cart takes nothing off now; `reason` is the code of why, `message` says it to people."""

    code: ClassVar[str] = "coupon_not_applicable"
    coupon_code: str
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class NoShippingMethod:
    """The shop has no way to bring these goods to where the customer is, so they cannot be ordered yet."""

    code: ClassVar[str] = "no_shipping_method"
    country: str


QuoteWarning: TypeAlias = PriceChanged | SoldOut | LowStock | NotForSale | CouponNotApplicable | NoShippingMethod


def availability_of(available: int) -> Availability:
    """This will say what the shop window shows for so many units left."""
    if available <= 0:
        return Availability.OUT_OF_STOCK
    return Availability.LOW_STOCK if available <= LOW_STOCK_UNITS else Availability.IN_STOCK
