"""What an app signed in never opens the console, and no app signs staff in without their second factor."""

import pytest
import time_machine
from django.conf import settings
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import User
from accounts.services import trust_address
from accounts.tests.signing import App, code_of, flows_of
from core.db import transaction
from support.tests.factories import CODE, LOGIN, PASSWORD, code_now, type_password

pytestmark = pytest.mark.usefixtures("database", "traveller")


def proven(user: User) -> User:
    """This will count the user's address as theirs."""
    with transaction("test"):
        trust_address(user)
    return user


def browser_with(token: str) -> Client:
    """A browser that sends an app's session token as its cookie."""
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = token
    return browser


class TestSecondFactorInTheApp:
    def test_a_password_alone_signs_no_staff_in(self, staff: User) -> None:
        app = App()

        answer = app.log_in(proven(staff).email, password=PASSWORD)

        assert answer.status_code == 401
        assert {flow["id"] for flow in flows_of(answer) if flow.get("is_pending")} == {"mfa_authenticate"}
        assert app.client.post("/api/v1/carts", headers={"X-Session-Token": app.token}).status_code == 401

    def test_a_wrong_code_does_not_count(self, staff: User) -> None:
        app = App()
        app.log_in(proven(staff).email, password=PASSWORD)

        assert app.call("POST", "auth/2fa/authenticate", {"code": "000000"}).status_code == 400
        assert app.call("GET", "auth/session").status_code == 401

    def test_the_code_signs_them_in_as_customers(self, staff: User) -> None:
        app = App()
        app.log_in(proven(staff).email, password=PASSWORD)

        answer = app.call("POST", "auth/2fa/authenticate", {"code": code_now()})

        assert answer.status_code == 200

    def test_staff_whose_address_was_never_proven_prove_it_first(
        self, staff: User, mailoutbox: list[EmailMessage]
    ) -> None:
        app = App()

        asked = app.log_in(staff.email, password=PASSWORD)
        verified = app.verify(code_of(mailoutbox[-1]))

        assert {flow["id"] for flow in flows_of(asked) if flow.get("is_pending")} == {"verify_email"}
        assert {flow["id"] for flow in flows_of(verified) if flow.get("is_pending")} == {"mfa_authenticate"}

    def test_sessions_of_staff_last_no_longer_than_a_working_day(self, newcomer: User) -> None:
        app = App()
        app.log_in(proven(newcomer).email, password=PASSWORD)

        session = app.client.session.__class__(session_key=app.token)

        assert session.get_expiry_age() <= 8 * 60 * 60


class TestItsKeyAsACookie:
    def test_opens_nothing_even_with_the_factor(self, staff: User) -> None:
        app = App()
        app.log_in(proven(staff).email, password=PASSWORD)
        app.call("POST", "auth/2fa/authenticate", {"code": code_now()})
        browser = browser_with(app.token)

        answers = [browser.get(path) for path in ("/console/", "/console/orders/order/", LOGIN, CODE)]

        assert {answer.status_code for answer in answers} == {404}

    def test_opens_nothing_to_staff_without_a_factor(self, newcomer: User) -> None:
        app = App()
        app.log_in(proven(newcomer).email, password=PASSWORD)

        assert browser_with(app.token).get("/console/account/second-factor/app/").status_code == 404

    def test_opens_nothing_to_customers(self, customer: User) -> None:
        app = App()
        app.log_in(proven(customer).email, password=PASSWORD)

        assert browser_with(app.token).get("/console/").status_code == 404

    def test_half_way_in_it_still_needs_the_code(self, staff: User) -> None:
        app = App()
        app.log_in(proven(staff).email, password=PASSWORD)
        browser = browser_with(app.token)

        assert browser.get("/console/").headers["Location"].startswith(LOGIN)
        browser.post(CODE, {"code": "000000"})
        assert browser.get("/console/").headers["Location"].startswith(LOGIN)


class TestTheConsoleItself:
    def test_asks_staff_for_no_code_by_mail(self, staff: User, mailoutbox: list[EmailMessage]) -> None:
        type_password(staff)

        assert mailoutbox == []

    def test_its_sessions_are_no_app_s(self, console: Client, traveller: time_machine.Traveller) -> None:
        assert console.get("/console/").status_code == 200
