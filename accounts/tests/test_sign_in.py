"""Customers sign up and in with their app, by allauth's headless `app` client with our settings."""

from threading import Barrier, Thread
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.services import create_customer, create_staff, trust_address
from accounts.tests.signing import DOOR, PASSWORD, App, code_of, flows_of
from core import clock
from core.db import transaction
from core.tests.factories import a_channel

pytestmark = pytest.mark.usefixtures("database")

EMAIL = "ada@example.org"
VERIFY = {"id": "verify_email", "is_pending": True}


@pytest.fixture(autouse=True)
def shop(database: str) -> None:
    """Mails come from a shop."""
    a_channel()


@pytest.fixture
def app(mailoutbox: list[EmailMessage]) -> App:
    """An app whose customer signed up and typed the code."""
    app = App()
    app.sign_up(EMAIL)
    app.verify(code_of(mailoutbox[-1]))
    mailoutbox.clear()
    cache.clear()
    return app


def told(answer: Any) -> tuple[int, Any]:
    """What somebody learns from an answer: all but the token, which is always another."""
    body = answer.json()
    body.get("meta", {}).pop("session_token", None)
    return answer.status_code, body


class TestTheWholeWay:
    @pytest.mark.pains("L6")
    def test_sign_up_verify_log_in_refresh_log_out(self, mailoutbox: list[EmailMessage]) -> None:
        app = App()

        signed_up = app.sign_up("Ada@Example.org")
        assert signed_up.status_code == 401
        assert VERIFY in flows_of(signed_up)
        pending = app.token
        assert app.client.post("/api/v1/carts", headers={"X-Session-Token": pending}).status_code == 401

        verified = app.verify(code_of(mailoutbox[-1]))
        assert verified.status_code == 200
        assert verified.json()["data"]["user"]["email"] == EMAIL
        assert app.token not in {"", pending}

        assert app.call("GET", "auth/session").status_code == 200
        first = app.token
        assert app.call("DELETE", "auth/session").status_code == 401
        assert app.call("GET", "auth/session").status_code == 410

        again = App()
        assert again.log_in(EMAIL).status_code == 200
        assert again.token != first
        refreshed = again.call("GET", "auth/session")
        assert (refreshed.status_code, refreshed.json()["meta"]["is_authenticated"]) == (200, True)
        assert refreshed["Cache-Control"] == "private, no-store"

    def test_stores_a_customer_of_ours(self, app: App) -> None:
        user = User.objects.get()

        assert user.public_id.startswith("usr_")
        assert (user.email, user.is_staff, user.is_superuser, user.is_active) == (EMAIL, False, False, True)
        shown = app.call("GET", "auth/session").json()["data"]["user"]
        assert shown["id"] == user.public_id
        assert EmailAddress.objects.get().verified

    def test_a_session_in_the_app_lasts_for_weeks(self, app: App) -> None:
        session = app.client.session.__class__(session_key=app.token)

        assert session.get_expiry_age() > 59 * 86_400

    def test_a_browser_gets_no_cookie(self, app: App) -> None:
        assert app.client.cookies == {}

    def test_the_mail_says_who_writes(self, mailoutbox: list[EmailMessage]) -> None:
        App().sign_up(EMAIL)

        mail = mailoutbox[0]
        assert (mail.from_email, mail.to) == ("Surety <shop@example.com>", [EMAIL])
        assert code_of(mail) in mail.subject
        assert "testserver" not in mail.subject + str(mail.body)


class TestWrongCodes:
    def test_do_not_count_and_end_the_sign_up_after_three(self, mailoutbox: list[EmailMessage]) -> None:
        app = App()
        app.sign_up(EMAIL)
        right = code_of(mailoutbox[-1])

        answers = [app.verify("AAAA-AAAA") for _ in range(3)]
        late = app.verify(right)

        assert [answer.status_code for answer in answers] == [400, 400, 400]
        assert late.status_code == 409
        assert not EmailAddress.objects.filter(verified=True).exists()

    def test_signing_in_again_sends_another_code(self, mailoutbox: list[EmailMessage]) -> None:
        App().sign_up(EMAIL)
        EmailAddress.objects.update(email=EMAIL)
        again = App()

        limited = again.log_in(EMAIL)

        # The first code was sent a moment ago: another may be asked for in ten seconds.
        assert limited.status_code == 429
        assert int(limited["Retry-After"]) > 0
        assert len(mailoutbox) == 1

    def test_another_session_cannot_use_the_code(self, mailoutbox: list[EmailMessage]) -> None:
        App().sign_up(EMAIL)

        assert App().verify(code_of(mailoutbox[-1])).status_code == 409


class TestWhoIsKnownStaysUnknown:
    def test_signing_up_answers_alike(self, app: App, mailoutbox: list[EmailMessage]) -> None:
        known, unknown = App().sign_up(EMAIL), App().sign_up("grace@example.org")

        assert told(known) == told(unknown)
        assert [mail.subject.partition(":")[0] for mail in mailoutbox] == ["You have an account already", "Your code"]
        assert User.objects.count() == 2

    def test_a_code_typed_for_a_known_address_is_just_wrong(self, app: App) -> None:
        known, unknown = App(), App()
        known.sign_up(EMAIL)
        unknown.sign_up("grace@example.org")

        assert told(known.verify("AAAA-AAAA")) == told(unknown.verify("AAAA-AAAA"))

    def test_a_wrong_password_answers_alike(self, app: App) -> None:
        known, unknown = App().log_in(EMAIL, password="not this one"), App().log_in("grace@example.org")

        assert told(known) == told(unknown)
        assert known.status_code == 400

    def test_asking_for_a_new_password_answers_alike(self, app: App, mailoutbox: list[EmailMessage]) -> None:
        known = App().call("POST", "auth/password/request", {"email": EMAIL})
        unknown = App().call("POST", "auth/password/request", {"email": "grace@example.org"})

        assert told(known) == told(unknown)
        assert [mail.to for mail in mailoutbox] == [[EMAIL], ["grace@example.org"]]
        assert "no account" in str(mailoutbox[1].body)

    def test_and_so_does_a_code_for_it(self, app: App) -> None:
        answers = []
        for email in (EMAIL, "grace@example.org"):
            asking = App()
            asking.call("POST", "auth/password/request", {"email": email})
            body = {"key": "AAAA-AAAA", "password": "another long one"}
            answers.append(told(asking.call("POST", "auth/password/reset", body)))

        assert answers[0] == answers[1]


class TestNewPassword:
    def test_comes_with_a_code_and_ends_other_sessions(self, app: App, mailoutbox: list[EmailMessage]) -> None:
        asking = App()
        asking.call("POST", "auth/password/request", {"email": EMAIL})
        body = {"key": code_of(mailoutbox[-1]), "password": "another long enough one"}

        changed = asking.call("POST", "auth/password/reset", body)

        assert changed.status_code == 401
        assert app.call("GET", "auth/session").status_code in {401, 410}
        assert App().log_in(EMAIL).status_code == 400
        assert App().log_in(EMAIL, password="another long enough one").status_code == 200
        assert "replaced" in str(mailoutbox[-1].body)

    def test_must_be_long(self, app: App, mailoutbox: list[EmailMessage]) -> None:
        asking = App()
        asking.call("POST", "auth/password/request", {"email": EMAIL})

        refused = asking.call(
            "POST", "auth/password/reset", {"key": code_of(mailoutbox[-1]), "password": "password1234"}
        )

        assert refused.status_code == 400

    def test_is_not_mailed_to_staff(self, mailoutbox: list[EmailMessage]) -> None:
        with transaction("test"):
            staff = create_staff(email="grace@example.org", password=PASSWORD, now=clock.now())
        app = App()

        app.call("POST", "auth/password/request", {"email": staff.email})

        assert "staff account" in str(mailoutbox[-1].body)
        assert app.call("POST", "auth/password/reset", {"key": "", "password": "x" * 20}).status_code == 400
        staff.refresh_from_db()
        assert staff.check_password(PASSWORD)

    def test_can_be_changed_by_who_knows_the_old_one(self, app: App) -> None:
        body = {"current_password": PASSWORD, "new_password": "another long enough one"}

        assert app.call("POST", "account/password/change", {**body, "current_password": "no"}).status_code == 400
        assert app.call("POST", "account/password/change", body).status_code == 200
        assert App().log_in(EMAIL, password="another long enough one").status_code == 200


class TestReauthentication:
    def test_asks_for_the_password_again(self, app: App) -> None:
        assert app.call("POST", "auth/reauthenticate", {"password": "not this one"}).status_code == 400
        assert app.call("POST", "auth/reauthenticate", {"password": PASSWORD}).status_code == 200


class TestLimits:
    def test_passwords_cannot_be_tried_for_ever(self, app: App) -> None:
        answers = [App().log_in(EMAIL, password=f"guess number {number}") for number in range(6)]

        assert [answer.status_code for answer in answers] == [400] * 5 + [429]
        assert answers[-1]["Retry-After"] == "300"
        assert App().log_in(EMAIL).status_code == 429

    def test_nobody_signs_up_by_the_hundred(self) -> None:
        answers = [App().sign_up(f"user{number}@example.org") for number in range(21)]

        assert {answer.status_code for answer in answers[:20]} == {401}
        assert (answers[20].status_code, answers[20]["Retry-After"]) == (429, "60")
        assert User.objects.count() == 20

    def test_no_mailbox_is_flooded(self, app: App, mailoutbox: list[EmailMessage]) -> None:
        answers = [App().call("POST", "auth/password/request", {"email": EMAIL}) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert len(mailoutbox) == 5


class TestBadInput:
    @pytest.mark.parametrize("path", ["auth/signup", "auth/login", "auth/password/request"])
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"\xff\xfe",
            b"[]",
            b"7",
            b"null",
            b'{"email": 7, "password": []}',
            b'{"email": "ada\\u0000@example.org", "password": "x"}',
            b'{"email": "ada@example.org", "password": "\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800"}',
            b'{"email": "' + b"x" * 300 + b'@example.org", "password": "a long enough one"}',
            b'{"email": "a@b.example", "email": "c@d.example"}',
        ],
        ids=range(10),
    )
    def test_is_refused(self, path: str, body: bytes) -> None:
        answer = Client().post(f"{DOOR}/{path}", body, content_type="application/json")

        assert answer.status_code == 400, answer.content
        assert not User.objects.exists()

    def test_two_megabytes_are_too_large(self) -> None:
        answer = Client().post(f"{DOOR}/auth/login", b'"' + b"x" * 2_097_152 + b'"', content_type="application/json")

        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    @pytest.mark.parametrize("token", ["wrong", "0" * 32, "ü", "'; --"])
    def test_a_token_nobody_gave_out_is_gone(self, token: str) -> None:
        answer = Client().get(f"{DOOR}/auth/session", headers={"X-Session-Token": token})

        assert answer.status_code == 410

    @pytest.mark.parametrize(
        "path", ["account/authenticators", "account/authenticators/totp", "account/email", "auth/code/request"]
    )
    def test_nothing_else_of_allauth_is_mounted(self, path: str) -> None:
        assert Client().get(f"{DOOR}/{path}").status_code == 404
        assert Client().get(f"/_allauth/browser/v1/{path}").status_code == 404

    @pytest.mark.parametrize("body", [{"is_staff": True}, {"is_superuser": True, "public_id": "usr_1"}])
    def test_nobody_makes_themselves_staff(self, body: dict[str, Any]) -> None:
        App().call("POST", "auth/signup", {"email": EMAIL, "password": PASSWORD, **body})

        user = User.objects.get()
        assert (user.is_staff, user.is_superuser) == (False, False)
        assert user.public_id != "usr_1"


class TestRaces:
    def test_two_sign_ups_with_one_address_make_one_account(self) -> None:
        start, answers = Barrier(4), []

        def sign_up() -> None:
            start.wait()
            answers.append(App().sign_up(EMAIL).status_code)
            connection.close()

        threads = [Thread(target=sign_up) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert set(answers) <= {401, 429}
        assert User.objects.count() == 1


class TestWithoutAPassword:
    def test_a_customer_made_by_the_shop_asks_for_one(self, mailoutbox: list[EmailMessage]) -> None:
        with transaction("test"):
            create_customer(email=EMAIL, now=clock.now())
        app = App()

        app.call("POST", "auth/password/request", {"email": EMAIL})
        body = {"key": code_of(mailoutbox[-1]), "password": PASSWORD}
        app.call("POST", "auth/password/reset", body)

        # The code that came back proved the address too.
        assert App().log_in(EMAIL).status_code == 200

    def test_or_signs_in_at_once_when_the_shop_trusts_the_address(self) -> None:
        with transaction("test"):
            trust_address(create_customer(email=EMAIL, password=PASSWORD, now=clock.now()))

        assert App().log_in(EMAIL).status_code == 200
