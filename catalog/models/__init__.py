"""What we sell, for how much, how many: categories, products, variants, prices per currency, stock, reservations."""

from catalog.models.products import IN_WINDOW, Category, Price, Product, Variant
from catalog.models.stock import Reservation, ReservationLine, Stock

__all__ = [
    "IN_WINDOW",
    "Category",
    "Price",
    "Product",
    "Reservation",
    "ReservationLine",
    "Stock",
    "Variant",
]
