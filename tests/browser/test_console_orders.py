"""The file of an order, read on a telephone and at a desk."""

import re

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from accounts.models import User
from accounts.services import create_staff
from core import clock
from core.db import transaction
from orders.models import Hold, HoldReason, Order
from support.tests.factories import PASSWORD
from tests.browser.conftest import LOOKS, Window, keep, look
from tests.browser.test_console import fresh_code, type_password
from webhooks import services as inbox
from webhooks.models import Event
from webhooks.tests.factories import KEY_REFERENCE, an_event, an_open_payment, event_body, make_account, paid_intent

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]


@pytest.fixture
def order(database: str, monkeypatch: pytest.MonkeyPatch) -> Order:
    """A paid order that somebody holds."""
    monkeypatch.setenv(KEY_REFERENCE, "sk_test_nothing")
    now = clock.now()
    account = make_account()
    attempt = an_open_payment(account)
    event = an_event(account, event_body(about=paid_intent(attempt)), now=now)
    inbox.process(event.pk, now=now)
    Hold.objects.create(
        order=attempt.order, reason=HoldReason.MANUAL, detail="The customer telephoned.", opened_by="staff:usr_1",
        opened_at=now,
    )  # fmt: skip
    return attempt.order


@pytest.fixture
def staff(database: str) -> User:
    """A member of staff."""
    with transaction("test"):
        return create_staff(email="grace@lantern-and-lark.example", password=PASSWORD, now=clock.now())


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_an_order_is_found_and_read(order: Order, staff: User, window: Window, width: int, scheme: str) -> None:
    secret = generate_totp_secret()
    TOTP.activate(staff, secret)
    page = window(width=width, scheme=scheme)
    page.goto("/console/orders/order/")
    type_password(page, staff)
    page.get_by_label("Code").fill(fresh_code(secret))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/console/orders/order/$"))

    page.locator("#searchbar").fill(order.number)
    page.get_by_role("button", name="Search").click()
    look(page, "console-orders", width=width, scheme=scheme)
    page.get_by_role("link", name=order.number, exact=True).click()

    page.get_by_text("is paid: £19.99 was taken").wait_for()
    page.get_by_text("Provider payment succeeded").wait_for()
    look(page, "console-order", width=width, scheme=scheme)
    keep(page, f"console-order-first-{width}-{scheme}", full_page=False)
    page.goto(f"/console/webhooks/event/{Event.objects.get().pk}/change/")
    look(page, "console-webhook", width=width, scheme=scheme)
    for name, path in {
        "console-attempts": "/console/payments/paymentattempt/",
        "console-operations": "/console/payments/operation/",
        "console-webhooks": "/console/webhooks/event/",
        "console-ledger": "/console/ledger/posting/",
        "console-stock": "/console/catalog/stock/",
    }.items():
        page.goto(path)
        look(page, name, width=width, scheme=scheme)
