"""What a simulated shop has beside its goods: two ways to ship, staff, codes with limits, customers with accounts."""

from copy import deepcopy
from decimal import Decimal
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from accounts.models import StaffRole
from accounts.services import create_customer
from catalog.services import Figures, NewArea, NewMethod, NewZone, PriceStep, create_shipping_zone
from catalog.tests.factories import a_coupon
from core import policies
from core.db import transaction
from core.tests.factories import NOW
from oversight.tests.factories import a_colleague
from tests import databases
from tests.shop import Shop

# All scarce, so that their limits are what most of a run is about; ALLFREE leaves nothing to pay.
CODES = ("SPRING10", "ONCE-EACH", "TENNER", "WELCOME", "ALLFREE")
WAYS = ("post", "express")
STAFF = {"ada": StaffRole.SUPPORT, "edsger": StaffRole.SUPPORT, "grace": StaffRole.FINANCE}


def furnish(shop: Shop) -> None:
    """This will set up shipping, staff and codes."""
    methods = [
        NewMethod(code, code.title(), [PriceStep("GBP", price)], days_min=1, days_max=3, position=position)
        for position, (code, price) in enumerate(zip(WAYS, (395, 895), strict=True))
    ]
    with transaction("simulation.furnish"):
        zone = NewZone("home", "Great Britain", areas=[NewArea("GB")], methods=methods)
        create_shipping_zone(channel=shop.channel, zone=zone, now=NOW)
    for name, role in STAFF.items():
        a_colleague(name, role)
    _tighten_limits()
    a_coupon(shop.channel, "SPRING10", uses_max=2)
    a_coupon(shop.channel, "ONCE-EACH", uses_per_customer_max=1, rate=Decimal("0.25"))
    a_coupon(shop.channel, "TENNER", kind="fixed", figures={"GBP": Figures(amount_minor=1000)}, code_uses_max=1)
    a_coupon(shop.channel, "WELCOME", is_first_order_only=True)
    a_coupon(shop.channel, "ALLFREE", rate=1, uses_max=1)


def _tighten_limits() -> None:
    """So that a few refunds of a few orders reach what support may do of one order and in a day."""
    values = deepcopy(policies.current("limits").values)
    values["support"]["refund"] |= {
        "per_act_major": 30, "per_order_major": 40, "per_day_major": 60, "approval_above_major": 10,
    }  # fmt: skip
    with transaction("simulation.limits"):
        policies.change("limits", values=values, reason="simulated", now=NOW)
    policies.forget_cached()


def a_session(email: str) -> str:
    """This will make a customer and sign them in; returns what their app sends as X-Session-Token.

    Passwords and codes are left out: they decide nothing about orders, and hashing them takes longer than a purchase.
    """
    with transaction("simulation.account"):
        user = create_customer(email=email, now=NOW)
    session: Any = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def a_success_heard_of(shop: Shop) -> None:
    """This will have a customer pay and the provider say so; no worker has read it yet."""
    shop.confirm(shop.start(shop.a_cart()).json())
    shop.sandbox.engine.tick()
    for delivery in shop.sandbox.engine.due_deliveries(shop.virtual.now(), limit=10):
        shop.carry(delivery)


def take_for_refused(database: str, *, reference: str) -> None:
    """This will call the only try to pay refused and give its payment that name. No move of ours leads there."""
    with databases.superuser(database) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE payments_paymentattempt SET provider_reference = %s", [reference])
        owner.execute("UPDATE payments_operation SET status = 'declined', settled_at = created_at")


def lose_its_effect(database: str) -> None:
    """This will mark successes as processed that had no effect. No move of ours leads there."""
    with databases.superuser(database) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE webhooks_event SET status = 'processed', processed_at = received_at "
            "WHERE type = 'payment_intent.succeeded'"
        )
