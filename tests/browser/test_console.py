"""Staff come into the console with password and code, on a telephone as on a desk."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from playwright.sync_api import Page

from accounts.models import User
from accounts.services import create_staff
from core import clock
from core.db import transaction
from core.ids import new_public_id
from oversight.models import AuditEntry, Case
from support.tests.factories import LOGIN, PASSWORD, PERIOD_SECONDS, code_now
from tests.browser.conftest import LOOKS, Window, look

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]

TYPING_SECONDS = 5
CASES = [
    (Case.Severity.HIGH, "The provider took £48.00 for an order that asked for £24.00. £24.00 is owed back.", 2400),
    (Case.Severity.NORMAL, "Stripe has not said for 12 minutes whether the payment went through.", 1999),
    (Case.Severity.LOW, "A webhook about a payment we do not know has waited for two hours.", None),
]


@pytest.fixture
def newcomer(database: str) -> User:
    """A member of staff without a second factor, and something to look at."""
    now = clock.now()
    with transaction("test"):
        user = create_staff(email="grace@lantern-and-lark.example", password=PASSWORD, now=now)
    for minutes, (severity, summary, amount_minor) in enumerate(CASES):
        Case.objects.create(
            public_id=new_public_id("case"), type="amount_mismatch", subject_id=new_public_id("ord"),
            severity=severity, status=Case.Status.OPEN, summary=summary, amount_minor=amount_minor,
            currency="GBP" if amount_minor else "", opened_at=now, due_at=now + timedelta(minutes=minutes * 90),
        )  # fmt: skip
        AuditEntry.objects.create(
            recorded_at=now, actor=f"staff:{user.public_id}", action="case.assigned", subject_id=new_public_id("case"),
            reason="I look into it.",
        )  # fmt: skip
    return user


def fresh_code(secret: str) -> str:
    """A code that lives long enough to be typed."""
    seconds_left = PERIOD_SECONDS - clock.now().timestamp() % PERIOD_SECONDS
    if seconds_left < TYPING_SECONDS:
        clock.sleep(seconds_left)
    return code_now(secret)


def type_password(page: Page, user: User) -> None:
    """Fill in the first page of signing in."""
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
class TestConsole:
    def test_opens_with_password_and_code(self, newcomer: User, window: Window, width: int, scheme: str) -> None:
        secret = generate_totp_secret()
        TOTP.activate(newcomer, secret)
        page = window(width=width, scheme=scheme)

        page.goto("/console/oversight/case/")
        assert LOGIN in page.url
        look(page, "console-sign-in", width=width, scheme=scheme)
        type_password(page, newcomer)
        look(page, "console-code", width=width, scheme=scheme)
        page.get_by_label("Code").fill(fresh_code(secret))
        page.get_by_role("button", name="Sign in").click()

        page.wait_for_url(re.compile("/console/oversight/case/$"))
        page.get_by_text("£24.00", exact=True).wait_for()
        look(page, "console-cases", width=width, scheme=scheme)
        page.locator("#result_list tbody th a").first.click()
        look(page, "console-case", width=width, scheme=scheme)
        page.goto("/console/")
        look(page, "console", width=width, scheme=scheme)
        for name, path in {
            "console-audit": "/console/oversight/auditentry/",
            "console-users": "/console/accounts/user/",
            "console-password": "/console/password_change/",
            "console-second-factor": "/console/account/second-factor/",
        }.items():
            page.goto(path)
            look(page, name, width=width, scheme=scheme)

    def test_is_set_up_by_a_newcomer(self, newcomer: User, window: Window, width: int, scheme: str) -> None:
        page = window(width=width, scheme=scheme)
        page.goto("/console/")
        type_password(page, newcomer)

        look(page, "console-setup", width=width, scheme=scheme)
        page.get_by_label("Code from the app").fill("000000")
        page.get_by_role("button", name="Switch it on").click()
        page.get_by_role("alert").wait_for()
        page.get_by_label("Code from the app").fill(fresh_code(page.locator(".secret").inner_text()))
        page.get_by_role("button", name="Switch it on").click()

        page.wait_for_url(re.compile("/codes/$"))
        look(page, "console-recovery-codes", width=width, scheme=scheme)
        page.get_by_role("link", name="I have kept them").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Console"


class TestSignIn:
    def test_a_wrong_password_is_said_in_words(self, newcomer: User, window: Window) -> None:
        page = window(width=360, scheme="light")
        page.goto(LOGIN)
        page.get_by_label("E-mail address").fill(newcomer.email)
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Continue").click()

        assert page.get_by_role("alert").inner_text() != ""
        look(page, "console-wrong-password", width=360, scheme="light")

    def test_signing_out_leaves_nothing_open(self, newcomer: User, window: Window) -> None:
        secret = generate_totp_secret()
        TOTP.activate(newcomer, secret)
        page = window(width=1280, scheme="light")
        page.goto("/console/")
        type_password(page, newcomer)
        page.get_by_label("Code").fill(fresh_code(secret))
        page.get_by_role("button", name="Sign in").click()

        page.get_by_role("button", name="Sign out").click()
        page.goto("/console/")

        assert LOGIN in page.url
