"""Lantern & Lark, the demo shop: its channel, its articles with their pictures, and a few orders to look at.

Everything is made once: doing it again changes nothing. None of it exists where there is real money.
"""

from commerce.demo.articles import ARTICLES
from commerce.demo.people import CUSTOMERS, ensure_customers
from commerce.demo.placing import ORDERS, place_orders
from commerce.demo.promotions import PROMOTIONS, ensure_promotions
from commerce.demo.shop import (
    COUNTRIES,
    REPLAY_SCOPES,
    REPLAY_SERVICE,
    SHOP,
    STAFF,
    widen_countries,
)
from commerce.demo.stocking import ensure_articles
from commerce.demo.trade import ensure_trade

__all__ = [
    "ARTICLES",
    "COUNTRIES",
    "CUSTOMERS",
    "ORDERS",
    "PROMOTIONS",
    "REPLAY_SCOPES",
    "REPLAY_SERVICE",
    "SHOP",
    "STAFF",
    "ensure_articles",
    "ensure_customers",
    "ensure_promotions",
    "ensure_trade",
    "place_orders",
    "widen_countries",
]
