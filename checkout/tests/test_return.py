"""To the provider's page and back, in whatever browser comes back: over HTTP, with the sandbox's own pages."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from checkout.services.return_urls import ReturnUrlNotAllowed, check_return_url
from core import clock, crypto
from core.models import SalesChannel
from orders.models import OrderEvent
from payments.models import PaymentAttempt
from tests.journeys.buyers import answer_bank, pay_again, read
from tests.journeys.facts import fault, lose_webhooks, taken, violations
from tests.shop import Shop

BACK = "https://shop.example/checkout/return?lang=en"


def hosted(shop: Shop, **payment: str) -> dict[str, Any]:
    """This will start a checkout that is paid on the provider's page."""
    answer: dict[str, Any] = shop.start(shop.a_cart(), payment={"return_url": BACK, **payment}).json()
    return answer


def visit(shop: Shop, url: str, **fields: str) -> Any:
    """This will open a page of the provider's or, with fields, send its form."""
    body = urlencode(fields).encode()
    return shop.sandbox.handle("POST" if fields else "GET", url, {}, body)


def pay_on_page(shop: Shop, url: str, *, card: str = "pm_card_visa") -> str:
    """This will pay on the provider's page, as its form does. Returns where the browser is sent."""
    query = parse_qs(urlsplit(url).query)
    form = {name: values[0] for name, values in query.items()}
    answer = visit(shop, url.partition("?")[0], **form, card=card)
    assert answer.status == 303, answer.body
    return str(answer.headers["location"])


def state_in(url: str) -> str:
    """This will return the state an address carries."""
    return parse_qs(urlsplit(url).query)["state"][0]


def come_back(state: str) -> Any:
    """This will return from the provider in a browser that has never been here."""
    return Client().post("/api/v1/checkout/return", {"state": state}, content_type="application/json")


class TestTheHostedPage:
    def test_is_a_redirect_with_an_expiry_in_every_answer(self, shop: Shop) -> None:
        started = hosted(shop)

        action = started["next_action"]
        assert action["type"] == "redirect"
        assert action["url"].startswith("http://sandbox.localhost/pay/pi_")
        assert action["expires_at"] == started["order"]["expires_at"]
        assert started["order"]["payment"]["next_action"] == action
        assert read(shop, started).json()["payment"]["next_action"] == action
        assert pay_again(shop, started).json()["next_action"] == action
        assert started["order"]["next_actions"] == ["pay", "cancel"]

    def test_takes_the_customer_to_the_provider_and_back_with_a_state(self, shop: Shop) -> None:
        started = hosted(shop)

        page = visit(shop, started["next_action"]["url"])
        back = pay_on_page(shop, started["next_action"]["url"])

        assert page.status == 200
        assert b"Back to the shop without paying" in page.body
        assert back.startswith("https://shop.example/checkout/return?lang=en&state=v1.payatt_")
        assert parse_qs(urlsplit(back).query)["redirect_status"] == ["succeeded"]

    def test_brings_the_customer_back_after_a_decline_to_try_again_there(self, shop: Shop) -> None:
        started = hosted(shop)

        back = pay_on_page(shop, started["next_action"]["url"], card="pm_card_chargeDeclined")
        answer = come_back(state_in(back)).json()
        shown = read(shop, started).json()

        assert (answer["status"], answer["is_paid"]) == ("payment_failed", False)
        assert shown["payment"]["next_action"]["url"] == started["next_action"]["url"]
        pay_on_page(shop, shown["payment"]["next_action"]["url"])
        assert come_back(state_in(back)).json()["status"] == "paid"

    def test_shows_the_bank_s_question_while_one_is_open(self, shop: Shop) -> None:
        started = hosted(shop)

        challenge = pay_on_page(shop, started["next_action"]["url"], card="pm_card_authenticationRequired")

        assert "/3ds/" in challenge
        assert visit(shop, started["next_action"]["url"]).headers["location"] == challenge
        assert b"Leave without answering" in visit(shop, challenge).body

    def test_of_an_app_returns_to_the_app(self, shop: Shop) -> None:
        started = hosted(shop, return_url="lantern://checkout/return")

        back = pay_on_page(shop, started["next_action"]["url"])

        assert back.startswith("lantern://checkout/return?state=v1.payatt_")

    def test_is_not_named_where_the_form_is_embedded(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        shop.embed_payment_form(monkeypatch)

        started = hosted(shop)

        assert started["next_action"] is None
        assert started["client_secret"]

    def test_is_gone_once_there_is_nothing_to_do(self, shop: Shop) -> None:
        started = hosted(shop)
        pay_on_page(shop, started["next_action"]["url"])
        shop.deliver()

        shown = read(shop, started).json()

        assert (shown["status"], shown["payment"]["next_action"]) == ("paid", None)


class TestComingBack:
    @pytest.mark.pains("B7")
    def test_without_cookie_or_token_settles_the_order_and_tells_nothing_personal(self, shop: Shop) -> None:
        lose_webhooks(shop)
        started = hosted(shop)
        back = pay_on_page(shop, started["next_action"]["url"])

        answer = come_back(state_in(back))

        assert answer.status_code == 200
        assert answer.json() == {
            "number": started["order"]["number"],
            "status": "paid",
            "message": "Paid. Thank you.",
            "poll_after_ms": None,
            "is_paid": True,
        }
        assert answer["Cache-Control"] == "private, no-store"
        assert not answer.cookies
        assert shop.order().state == "paid"
        assert taken(shop) == [1999]
        assert violations(shop) == []

    @pytest.mark.pains("G1")
    def test_from_the_bank_s_question_settles_it_too(self, shop: Shop) -> None:
        lose_webhooks(shop)
        started = hosted(shop, token="pm_card_authenticationRequired")
        assert started["next_action"]["type"] == "redirect"
        assert started["next_action"]["expires_at"] == started["order"]["expires_at"]
        shop.pass_time(seconds=5)
        answer_bank(shop, started)

        assert come_back(state_in(shop.attempt().return_url)).json()["status"] == "paid"

    def test_before_the_provider_answers_says_that_we_wait_for_it(self, shop: Shop) -> None:
        started = hosted(shop)
        shop.pass_time(seconds=5)
        pay_on_page(shop, started["next_action"]["url"])
        state = state_in(shop.attempt().return_url)
        before = read(shop, started)
        fault(shop, "timeout_before", "payment_intents.retrieve", times=None)
        shop.pass_time(seconds=5)

        answer = come_back(state).json()
        after = read(shop, started, if_none_match=before["ETag"])

        assert (answer["status"], answer["is_paid"], answer["poll_after_ms"]) == (
            "waiting_for_confirmation",
            False,
            2000,
        )
        assert (after.status_code, after.json()["status"]) == (200, "waiting_for_confirmation")
        assert after.json()["payment"]["next_action"] is None
        assert shop.attempt().customer_finished_at == clock.now()
        shop.deliver()
        assert come_back(state).json()["status"] == "paid"

    def test_without_having_paid_leaves_the_choice_open(self, shop: Shop) -> None:
        started = hosted(shop)
        shop.pass_time(seconds=5)

        answer = come_back(state_in(shop.attempt().return_url)).json()

        assert (answer["status"], answer["is_paid"]) == ("action_required", False)
        assert read(shop, started).json()["payment"]["next_action"]["url"] == started["next_action"]["url"]

    def test_again_and_again_is_one_fact_and_asks_the_provider_now_and_then(self, shop: Shop) -> None:
        hosted(shop)
        shop.pass_time(seconds=5)
        state = state_in(shop.attempt().return_url)
        come_back(state)
        shop.pass_time(seconds=1)
        come_back(state)
        fault(shop, "error_500_before", "payment_intents.retrieve", times=1)

        for _ in range(3):
            assert come_back(state).status_code == 200

        assert shop.sandbox.engine.faults.rules[0].hits == 0
        facts = OrderEvent.objects.filter(reason="attempt_changed", facts__customer_finished=True)
        assert facts.count() == 1

    def test_a_moment_after_a_decline_on_the_same_page_settles_what_was_tried_again(self, shop: Shop) -> None:
        lose_webhooks(shop)
        started = hosted(shop)
        shop.pass_time(seconds=5)
        url = started["next_action"]["url"]
        back = pay_on_page(shop, url, card="pm_card_chargeDeclined")
        assert come_back(state_in(back)).json()["status"] == "payment_failed"
        shop.pass_time(seconds=1)
        pay_on_page(shop, url)

        assert come_back(state_in(back)).json()["status"] == "paid"
        assert taken(shop) == [1999]

    @pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_chargeDeclined"])
    def test_after_a_decline_is_not_told_that_nothing_was_charged_before_that_is_known(
        self, shop: Shop, card: str
    ) -> None:
        lose_webhooks(shop)
        started = hosted(shop)
        shop.pass_time(seconds=5)
        url = started["next_action"]["url"]
        state = state_in(pay_on_page(shop, url, card="pm_card_chargeDeclined"))
        come_back(state)
        before = read(shop, started)
        shop.pass_time(seconds=1)
        pay_on_page(shop, url, card=card)
        fault(shop, "timeout_before", "payment_intents.retrieve", times=1)

        answer = come_back(state).json()
        waiting = read(shop, started, if_none_match=before["ETag"])
        shop.pass_time(seconds=1)
        known = come_back(state).json()
        after = read(shop, started, if_none_match=waiting["ETag"])

        assert before.json()["status"] == "payment_failed"
        assert (answer["status"], answer["poll_after_ms"]) == ("waiting_for_confirmation", 2000)
        assert waiting.json()["status"] == "waiting_for_confirmation"
        assert waiting.json()["next_actions"] == ["wait", "retry_payment", "cancel"]
        assert waiting.json()["payment"]["next_action"]["url"] == url
        assert known["status"] == after.json()["status"] == ("paid" if card == "pm_card_visa" else "payment_failed")

    def test_to_a_payment_that_is_surely_over_waits_for_nothing(self, shop: Shop) -> None:
        # Where a provider lets no declined payment be tried again, nothing more is learned of it, and nobody asks.
        hosted(shop, token="pm_card_chargeDeclined")
        attempt = shop.attempt()
        PaymentAttempt.objects.filter(pk=attempt.pk).update(dead_at=clock.now())
        shop.pass_time(seconds=5)

        answer = come_back(state_in(attempt.return_url)).json()

        assert (answer["status"], answer["poll_after_ms"]) == ("payment_failed", None)

    def test_without_having_paid_is_told_so_as_soon_as_the_provider_says_it(self, shop: Shop) -> None:
        started = hosted(shop)
        shop.pass_time(seconds=5)
        state = state_in(shop.attempt().return_url)
        fault(shop, "timeout_before", "payment_intents.retrieve", times=1)
        come_back(state)
        waiting = read(shop, started)
        shop.pass_time(seconds=5)

        come_back(state)

        assert waiting.json()["status"] == "waiting_for_confirmation"
        after = read(shop, started, if_none_match=waiting["ETag"])
        assert (after.status_code, after.json()["status"]) == (200, "action_required")

    def test_late_with_an_order_that_ended_changes_nothing(self, shop: Shop) -> None:
        hosted(shop)
        state = state_in(shop.attempt().return_url)
        shop.pass_time(hours=1)
        shop.sweep()
        version = shop.order().version

        assert come_back(state).json()["status"] == "expired"
        assert shop.order().version == version

    @pytest.mark.parametrize("change", ["", "x", "v1", "a.b.c.d", "v1.payatt_1.99999999999.AAAA", "é", "." * 299])
    def test_with_a_state_that_is_not_ours_is_nothing(self, shop: Shop, change: str) -> None:
        hosted(shop)

        answer = come_back(change)

        assert answer.status_code == (404 if change else 400)
        assert shop.attempt().customer_finished_at is None

    def test_with_a_state_changed_too_old_or_of_another_purpose_is_nothing(self, shop: Shop) -> None:
        hosted(shop)
        attempt = shop.attempt()
        state = state_in(attempt.return_url)
        later = int((clock.now() + timedelta(days=400)).timestamp())
        text = f"v1.{attempt.public_id}.{later}"

        assert come_back(state[:-1] + ("A" if state[-1] != "A" else "B")).status_code == 404
        assert come_back(f"{text}.{state.rpartition('.')[2]}").status_code == 404
        assert come_back(crypto.sign(text, purpose="another-purpose")).status_code == 404
        assert come_back(crypto.sign(f"v1.payatt_{'0' * 26}.{later}", purpose="return-state")).status_code == 404
        assert attempt.customer_finished_at is None
        shop.pass_time(days=1)
        assert come_back(state).status_code == 404


class TestReturnAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "https://shop.example.evil.example/",
            "https://evil.example/?shop.example",
            "https://evil.example#shop.example",
            "https://shop.example@evil.example/",
            "https://shop.example%40evil.example/",
            "https://shop.example%2f.evil.example/",
            "https://shop.example\\.evil.example/",
            "https:\\\\shop.example/",
            "https:/shop.example/",
            "https:///shop.example/",
            "https://shop.example./",
            "https://shop.example:8443/",
            "https://shop.example:99999/",
            "https://shop.example:x/",
            "https://shop%2eexample/",
            "https://shop\u3002example/",
            "https://sh\u043ep.example/",
            "https://xn--shp-hoa.example/",
            "https://shop.example/\r\nLocation: https://evil.example",
            "https://shop.example/\u2028",
            "https://shop.example/\x7f",
            "http://shop.example/",
            "http://127.0.0.1.evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://2130706433/",
            "//evil.example/",
            "JAVASCRIPT://shop.example/%0aalert(1)",
            "JaVaScRiPt:alert(1)",
            "data://text/html,x",
            "lantern:return",
            "lantern:///return",
            "lantern2://return",
            "https://shop.example/?state=mine",
            "https://shop.example/?%73tate=mine",
            "https://shop.example/?a=1&state",
            "https://shop.example/" + "x" * 1800,
        ],
    )
    def test_of_others_are_refused(self, url: str) -> None:
        with pytest.raises(ReturnUrlNotAllowed):
            check_return_url(url, channel=a_shop())

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "https://shop.example",
            "https://shop.example:443/back#done",
            "https://shop.example/%2e%2e//evil.example?next=https://evil.example",
            "https://beta.example:8443/back",
            "lantern://checkout",
            "http://127.0.0.1:8000/checkout/return",
        ],
    )
    def test_of_the_shop_are_taken(self, url: str) -> None:
        check_return_url(url, channel=a_shop())

    @pytest.mark.parametrize("scheme", ["javascript", "data", "file", "intent", "http"])
    def test_a_scheme_browsers_read_themselves_is_no_app_s_whatever_the_row_says(self, scheme: str) -> None:
        with pytest.raises(ReturnUrlNotAllowed):
            check_return_url(f"{scheme}://back", channel=a_shop(return_schemes=[scheme]))


def a_shop(**changes: Any) -> SalesChannel:
    """This will return an unsaved shop with two hosts, one of them on a port of its own, and an app."""
    hosts = {"return_hosts": ["shop.example", "beta.example:8443"], "return_schemes": ["lantern"]}
    return SalesChannel(is_livemode=False, **(hosts | changes))
