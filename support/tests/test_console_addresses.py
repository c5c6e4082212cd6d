"""What an address of the console may ask for, and what one that asks for more tells: nothing."""

import pytest
from django.test import Client

from accounts.models import User
from support.tests.factories import LOGIN
from webhooks.tests.factories import an_open_payment, make_account

pytestmark = pytest.mark.usefixtures("database", "provider_key")

ORDERS = "/console/orders/order/"
# Python unquotes the escape of a quoted cookie; no session is called what PostgreSQL cannot hold.
NUL_SESSION = 'sessionid="\\000aaaaaaaaaaaa"'


class TestLists:
    @pytest.mark.parametrize(
        "query",
        [
            "state__exact=%00", "public_id=%00", "state__regex=(", "held__x=1", "total_minor__gte=1", "snapshot__x=1",
            "customer__password__startswith=p", "nonsense=1",
        ],
    )  # fmt: skip
    def test_start_again_when_asked_for_what_they_do_not_filter_by(self, console: Client, query: str) -> None:
        answer = console.get(f"{ORDERS}?{query}")

        assert (answer.status_code, answer.headers["Location"]) == (302, f"{ORDERS}?e=1")

    @pytest.mark.parametrize("query", ["state=paid", "state__exact=paid", "held=yes", "q=x&p=1&held=no"])
    def test_filter_by_what_they_offer(self, console: Client, query: str) -> None:
        assert console.get(f"{ORDERS}?{query}").status_code == 200

    def test_let_nobody_guess_a_password_or_a_client_secret_letter_by_letter(
        self, console: Client, staff: User
    ) -> None:
        attempt = an_open_payment(make_account())

        for address, asked in [
            ("/console/accounts/user/", {"password__startswith": staff.password[:6]}),
            ("/console/payments/paymentattempt/", {"client_secret__startswith": attempt.client_secret[:6]}),
        ]:
            answer = console.get(address, asked)
            assert (answer.status_code, answer.headers["Location"]) == (302, f"{address}?e=1")


class TestCookies:
    @pytest.mark.parametrize("path", [LOGIN, "/console/", ORDERS])
    def test_that_no_database_can_look_up_are_no_mistake_of_ours(self, path: str) -> None:
        answer = Client().get(path, headers={"Cookie": NUL_SESSION})

        assert answer.status_code == 400
        assert "cannot be understood" in answer.content.decode()

    def test_of_another_name_may_be_anything(self) -> None:
        assert Client().get(LOGIN, headers={"Cookie": 'theirs="\\000"'}).status_code == 200
