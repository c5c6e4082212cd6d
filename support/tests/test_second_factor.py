"""A password alone never reaches the console, by whichever address, method or session."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from accounts.models import User
from support import urls as account_urls
from support.admin import site
from support.tests.factories import CODE, LOGIN, PASSWORD, SECRET, SETUP, code_now, come_in, type_password

pytestmark = pytest.mark.usefixtures("database", "traveller")

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE")
ODD_ADDRESSES = ["/console", "/console/nothing-here/", "/console/account/", "/console/account/signup/", "/console//"]
ARGUMENTS = {
    "object_id": "1", "content_type_id": "1", "app_label": "oversight", "url": "anything", "path": "anything",
}  # fmt: skip


def console_addresses() -> list[str]:
    """Every address of the admin site and of the account pages, with arguments filled in."""
    addresses = {
        reverse(f"console:{pattern.name}", kwargs={key: ARGUMENTS[key] for key in pattern.pattern.converters})
        for pattern in named_patterns(site.get_urls())
        if pattern.name != "app_list"
    }
    addresses |= {reverse(str(pattern.name)) for pattern in account_urls.urlpatterns}
    assert len(addresses) > 25
    return sorted(addresses | {"/console/oversight/"} | set(ODD_ADDRESSES))


def named_patterns(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    """The leaves of a URL tree that have names."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from named_patterns(pattern.url_patterns)
        elif pattern.name:
            yield pattern


def session_of(user: User) -> Client:
    """A session that Django's own log-in made, with nothing that says how: remembered, forged or from another door."""
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def assert_only(client: Client, *, pages: set[str], led_to: str) -> None:
    """Whatever this client asks for in whatever way, it sees `pages` at most and is led to `led_to` from all else.

    Signing out is open to everybody and left out, because it would end the client's session on the way.
    """
    for address in set(console_addresses()) - {reverse("account_logout")}:
        for method in METHODS:
            answer = client.generic(method, address)
            if address not in pages:
                assert answer.status_code == 302, (method, address)
                assert answer.headers["Location"].startswith(f"{led_to}?next="), (method, address)
            assert b'id="user-tools"' not in answer.content, (method, address)


class TestNobody:
    def test_is_led_to_the_login_from_every_address(self) -> None:
        assert_only(Client(), pages={LOGIN, CODE}, led_to=LOGIN)

    def test_keeps_the_page_that_was_asked_for(self) -> None:
        answer = Client().get("/console/oversight/case/?status=open")

        assert answer.headers["Location"] == f"{LOGIN}?next=%2Fconsole%2Foversight%2Fcase%2F%3Fstatus%3Dopen"

    def test_an_act_is_not_repeated_after_signing_in(self) -> None:
        answer = Client().post("/console/oversight/case/")

        assert answer.headers["Location"] == f"{LOGIN}?next=%2Fconsole%2F"

    @pytest.mark.parametrize("address", ["/admin/", "/admin/login/", "/accounts/login/", "/console/login"])
    def test_there_is_no_other_door(self, address: str) -> None:
        answer = Client().post(address, {"username": "x", "password": "y"})

        assert answer.status_code in {302, 404}
        assert "sessionid" not in answer.cookies

    @pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_email", "account_inactive"])
    def test_the_rest_of_allauth_is_not_mounted(self, name: str) -> None:
        with pytest.raises(LookupError, match="no reverse"):
            find_address(name)


def find_address(name: str) -> str:
    """The address of a name, or LookupError."""
    try:
        return reverse(name)
    except Exception as error:
        raise LookupError("no reverse") from error


class TestPasswordAlone:
    def test_is_asked_for_a_code_and_is_nobody_until_then(self, staff: User) -> None:
        client = Client()

        answer = client.post(LOGIN, {"login": staff.email, "password": PASSWORD})

        assert answer.headers["Location"] == CODE
        assert_only(client, pages={LOGIN, CODE}, led_to=LOGIN)

    def test_the_admins_own_login_does_not_exist(self, staff: User) -> None:
        client = Client()

        answer = client.post("/console/login/", {"username": staff.email, "password": PASSWORD, "next": "/console/"})

        assert answer.headers["Location"].startswith(LOGIN)
        assert "_auth_user_id" not in client.session

    @pytest.mark.parametrize("path", ["/console/", "/console/jsi18n/", "/console/autocomplete/"])
    def test_a_session_without_a_record_of_the_factor_is_asked_for_it(self, staff: User, path: str) -> None:
        client = session_of(staff)

        answer = client.get(path)

        assert answer.headers["Location"].startswith("/console/account/confirm/code/?next=")

    def test_such_a_session_reaches_nothing_by_any_method(self, staff: User) -> None:
        confirm = reverse("mfa_reauthenticate")

        assert_only(session_of(staff), pages={confirm}, led_to=confirm)

    def test_such_a_session_cannot_take_the_factor_away_with_the_password(self, staff: User) -> None:
        client = session_of(staff)

        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        client.post(reverse("mfa_deactivate_totp"))

        assert Authenticator.objects.filter(user=staff).exists()

    def test_a_record_that_names_a_factor_of_somebody_else_does_not_count(self, staff: User) -> None:
        client = session_of(staff)
        session = client.session
        session["account_authentication_methods"] = [{"method": "mfa", "at": 1.0, "id": 999_999, "type": "totp"}]
        session.save()

        assert client.get("/console/").status_code == 302

    def test_a_session_key_of_somebodys_choice_is_not_taken(self, staff: User) -> None:
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32

        client.post(LOGIN, {"login": staff.email, "password": PASSWORD})
        client.post(CODE, {"code": code_now()})

        assert client.cookies[settings.SESSION_COOKIE_NAME].value != "a" * 32
        assert not import_module(settings.SESSION_ENGINE).SessionStore().exists("a" * 32)


class TestWithTheFactor:
    def test_comes_in(self, staff: User) -> None:
        client = come_in(staff)

        answer = client.get("/console/")

        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"

    def test_every_page_answers(self, staff: User) -> None:
        client = come_in(staff)

        addresses = [address for address in console_addresses() if not address.endswith("/logout/")]

        statuses = {address: client.get(address).status_code for address in addresses}

        assert {status for status in statuses.values() if status >= 500} == set()
        assert statuses["/console/oversight/case/"] == statuses["/console/oversight/auditentry/"] == 200

    def test_gets_a_new_session_key_with_the_code(self, staff: User) -> None:
        client = type_password(staff)
        before = client.session.session_key

        client.post(CODE, {"code": code_now()})

        assert client.session.session_key != before

    def test_goes_on_to_the_page_that_was_asked_for(self, staff: User) -> None:
        client = Client()
        client.post(LOGIN, {"login": staff.email, "password": PASSWORD, "next": "/console/oversight/case/"})

        answer = client.post(CODE, {"code": code_now()})

        assert answer.headers["Location"] == "/console/oversight/case/"

    @pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
    def test_is_not_led_off_the_site(self, staff: User, next_page: str) -> None:
        client = Client()
        client.post(LOGIN, {"login": staff.email, "password": PASSWORD, "next": next_page})

        answer = client.post(CODE, {"code": code_now()})

        assert answer.headers["Location"] == "/console/"

    def test_leaves_nothing_open_after_signing_out(self, staff: User) -> None:
        client = come_in(staff)
        key = client.session.session_key

        client.post(reverse("account_logout"))
        client.cookies[settings.SESSION_COOKIE_NAME] = str(key)

        assert client.get("/console/").status_code == 302

    def test_the_session_ends_with_the_browser(self, staff: User) -> None:
        client = come_in(staff)

        assert client.session.get_expire_at_browser_close()

    def test_other_sessions_end_when_the_factor_is_replaced(self, staff: User) -> None:
        client = come_in(staff)

        Authenticator.objects.filter(user=staff).delete()
        Authenticator.objects.create(user=staff, type="totp", data={"secret": "other"})

        assert client.get("/console/").headers["Location"].startswith(reverse("mfa_reauthenticate"))

    def test_removing_the_app_ends_the_visit(self, staff: User, traveller: time_machine.Traveller) -> None:
        client = come_in(staff)
        traveller.shift(timedelta(seconds=30))
        client.post(reverse("mfa_reauthenticate"), {"code": code_now()})

        client.post(reverse("mfa_deactivate_totp"))

        assert not Authenticator.objects.filter(user=staff).exists()
        assert client.get("/console/").headers["Location"].startswith(SETUP)

    def test_demoted_staff_are_strangers_at_once(self, staff: User) -> None:
        client = come_in(staff)

        User.objects.update(is_staff=False)

        assert client.get("/console/").status_code == 404


class TestCodes:
    @pytest.mark.parametrize("code", ["000000", "", "12345", "abcdef", "١٢٣٤٥٦"])
    def test_a_wrong_code_does_not_come_in(self, staff: User, code: str) -> None:
        client = type_password(staff)

        answer = client.post(CODE, {"code": code})

        assert answer.status_code == 200
        assert client.get("/console/").status_code == 302

    def test_a_code_counts_once(self, staff: User) -> None:
        come_in(staff)
        second = type_password(staff)

        answer = second.post(CODE, {"code": code_now()})

        assert answer.status_code == 200
        assert second.get("/console/").status_code == 302

    def test_a_code_ends_with_its_half_minute(self, staff: User, traveller: time_machine.Traveller) -> None:
        client = type_password(staff)
        code = code_now()
        traveller.shift(timedelta(seconds=30))

        client.post(CODE, {"code": code})

        assert client.get("/console/").status_code == 302

    def test_tries_are_limited_even_with_the_right_code(self, staff: User) -> None:
        client = type_password(staff)
        for _ in range(6):
            client.post(CODE, {"code": "000000"})

        client.post(CODE, {"code": code_now()})

        assert client.get("/console/").status_code == 302

    def test_the_secret_is_not_stored_in_the_clear(self, staff: User) -> None:
        assert SECRET not in str(Authenticator.objects.get(user=staff).data)


class TestPasswords:
    def test_tries_are_limited_even_with_the_right_password(self, staff: User) -> None:
        client = Client()
        for _ in range(6):
            client.post(LOGIN, {"login": staff.email, "password": "wrong"})

        answer = client.post(LOGIN, {"login": staff.email, "password": PASSWORD})

        assert answer.status_code == 200
        assert b"Too many tries" in answer.content

    @pytest.mark.parametrize("who", ["nobody@example.org", "ada@example.org"])
    def test_nobody_and_a_customer_look_alike(self, customer: User, who: str) -> None:
        answer = Client().post(LOGIN, {"login": who, "password": PASSWORD})

        assert b"do not belong together" in answer.content
        assert answer.status_code == 200

    def test_closed_staff_accounts_look_like_nobody(self, staff: User) -> None:
        User.objects.update(is_active=False)

        answer = Client().post(LOGIN, {"login": staff.email, "password": PASSWORD})

        assert answer.status_code == 200
        assert b"do not belong together" in answer.content


class TestStranger:
    def test_finds_nothing_at_any_address(self, customer: User) -> None:
        client = session_of(customer)

        statuses = {
            client.generic(method, address).status_code for address in console_addresses() for method in METHODS
        }

        assert statuses == {404}


class TestNewcomer:
    def test_is_led_to_the_setup_and_reaches_nothing_else(self, newcomer: User) -> None:
        client = type_password(newcomer)

        assert_only(client, pages={SETUP, reverse("account_reauthenticate")}, led_to=SETUP)

    def test_sets_up_the_app_and_is_in(self, newcomer: User) -> None:
        client = type_password(newcomer)
        secret = secret_on(client)

        answer = client.post(SETUP, {"code": code_now(secret)})

        assert answer.headers["Location"] == reverse("mfa_view_recovery_codes")
        assert client.get(reverse("mfa_view_recovery_codes")).status_code == 200
        assert client.get("/console/").status_code == 200

    def test_the_code_of_the_setup_is_used_up(self, newcomer: User) -> None:
        client = type_password(newcomer)
        code = code_now(secret_on(client))
        client.post(SETUP, {"code": code})

        second = type_password(newcomer)
        second.post(CODE, {"code": code})

        assert second.get("/console/").status_code == 302

    def test_a_wrong_code_sets_nothing_up(self, newcomer: User) -> None:
        client = type_password(newcomer)
        secret_on(client)

        client.post(SETUP, {"code": "000000"})

        assert not Authenticator.objects.exists()

    def test_a_session_from_before_the_setup_stays_outside(self, newcomer: User) -> None:
        old = type_password(newcomer)
        client = type_password(newcomer)
        client.post(SETUP, {"code": code_now(secret_on(client))})

        answer = old.get("/console/")

        assert answer.headers["Location"].startswith(reverse("mfa_reauthenticate"))

    def test_types_the_password_again_when_it_was_long_ago(
        self, newcomer: User, traveller: time_machine.Traveller
    ) -> None:
        client = type_password(newcomer)
        traveller.shift(timedelta(minutes=6))

        answer = client.get(SETUP)

        assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))

    def test_a_recovery_code_comes_in_once(self, newcomer: User, traveller: time_machine.Traveller) -> None:
        client = type_password(newcomer)
        client.post(SETUP, {"code": code_now(secret_on(client))})
        codes = client.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
        outcomes = []

        for _ in range(2):
            visitor = type_password(newcomer)
            visitor.post(CODE, {"code": codes[0]})
            outcomes.append(visitor.get("/console/").status_code)

        assert outcomes == [200, 302]


def secret_on(client: Client) -> str:
    """The key that the setup page shows."""
    secret: str = client.get(SETUP).context["form"].secret
    return secret
