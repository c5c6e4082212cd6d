"""What we sell, for how much, how many: categories, products, variants, their texts and pictures, prices per currency,
stock, reservations, taxes, shipping and fees, promotions and the coupons that ask for them.
"""

from catalog.models.pictures import Picture
from catalog.models.products import IN_WINDOW, Category, Price, Product, Variant
from catalog.models.promotions import (
    USE_MOVES,
    Coupon,
    CouponUse,
    FirstOrder,
    Promotion,
    PromotionArticle,
    PromotionCount,
    PromotionFigure,
)
from catalog.models.shipping import Fee, ShippingArea, ShippingMethod, ShippingPrice, ShippingZone
from catalog.models.stock import Reservation, ReservationLine, Stock
from catalog.models.tax import ExchangeRate, TaxRate
from catalog.models.texts import CategoryText, PictureText, ProductText, VariantText

__all__ = [
    "IN_WINDOW",
    "USE_MOVES",
    "Category",
    "CategoryText",
    "Coupon",
    "CouponUse",
    "ExchangeRate",
    "Fee",
    "FirstOrder",
    "Picture",
    "PictureText",
    "Price",
    "Product",
    "ProductText",
    "Promotion",
    "PromotionArticle",
    "PromotionCount",
    "PromotionFigure",
    "Reservation",
    "ReservationLine",
    "ShippingArea",
    "ShippingMethod",
    "ShippingPrice",
    "ShippingZone",
    "Stock",
    "TaxRate",
    "Variant",
    "VariantText",
]
