"""A mail server that is away: nobody is refused for it, nobody learns who has an account, and codes come later."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.core.mail import EmailMessage
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.tests.signing import PASSWORD, App, code_of, flows_of
from accounts.tests.test_sign_in import EMAIL, VERIFY, told
from core.tests.factories import a_channel


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
    cache.clear()
    return app


@contextmanager
def no_mail_server(settings: Settings) -> Iterator[None]:
    """This will let every mail meet a port where nobody listens, as Django's own sender finds it."""
    kept = settings.EMAIL_BACKEND
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = taken.getsockname()[1]
        yield
    settings.EMAIL_BACKEND = kept
    cache.clear()  # what was asked for meanwhile is no reason to wait any longer


class TestWithoutAMailServer:
    def test_signing_up_answers_as_ever_and_another_code_can_be_asked_for(
        self, settings: Settings, mailoutbox: list[EmailMessage]
    ) -> None:
        app, other = App(), App()

        with no_mail_server(settings):
            signed_up = app.sign_up(EMAIL)
        assert told(signed_up) == told(other.sign_up("grace@example.org"))
        assert (User.objects.count(), EmailAddress.objects.filter(verified=True).count()) == (2, 0)
        mailoutbox.clear()
        assert app.call("POST", "auth/email/verify/resend").status_code == 200

        assert app.verify(code_of(mailoutbox[-1])).status_code == 200

    def test_signing_in_later_sends_the_code_that_was_lost(
        self, settings: Settings, mailoutbox: list[EmailMessage]
    ) -> None:
        with no_mail_server(settings):
            App().sign_up(EMAIL)
        again = App()

        assert VERIFY in flows_of(again.log_in(EMAIL))
        assert again.verify(code_of(mailoutbox[-1])).status_code == 200

    def test_known_and_unknown_addresses_get_the_same_answers(self, app: App, settings: Settings) -> None:
        answers = []
        with no_mail_server(settings):
            for email in (EMAIL, "grace@example.org"):
                resending, asking = App(), App()
                said = [resending.sign_up(email), asking.call("POST", "auth/password/request", {"email": email})]
                cache.clear()
                said.append(resending.call("POST", "auth/email/verify/resend"))
                answers.append([told(answer) for answer in said])

        assert answers[0] == answers[1]
        assert [status for status, _ in answers[0]] == [401, 401, 200]

    def test_a_new_password_counts_though_nobody_can_be_told(self, app: App, settings: Settings) -> None:
        body = {"current_password": PASSWORD, "new_password": "another long enough one"}

        with no_mail_server(settings):
            changed = app.call("POST", "account/password/change", body)

        assert changed.status_code == 200
        assert App().log_in(EMAIL, password="another long enough one").status_code == 200

    def test_what_failed_is_logged_without_the_address(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        with no_mail_server(settings):
            App().sign_up(EMAIL)

        [line] = [str(record.msg) for record in caplog.records if "mail_not_sent" in str(record.msg)]
        assert "ConnectionRefusedError" in line
        assert EMAIL not in line
