"""Paying on another device: a link that opens nothing but the trade for one order's token."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.services import revoke_tokens
from core import clock
from core.db import transaction
from tests.journeys.buyers import cancel, pay_again, read
from tests.journeys.facts import taken, violations
from tests.shop import Shop

Answer = dict[str, Any]


def link_of(shop: Shop, order: Answer, *, token: str = "") -> Any:
    """This will ask for a link to pay a guest's order elsewhere."""
    path = f"orders/{order['order_id']}/payment-link"
    return shop.api("POST", path, {}, x_order_token=token or order["order_token"])


def trade(order_id: str, link_token: str) -> Any:
    """This will open the link on a device that knows nothing."""
    path = f"/api/v1/orders/{order_id}/payment-link/token"
    return Client().post(path, {"link_token": link_token}, content_type="application/json")


class TestPayingOnAnotherDevice:
    @pytest.mark.pains("G1")
    def test_goes_on_with_the_same_attempt_and_comes_back_to_that_device(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), payment={"return_url": "lantern://checkout/return"}).json()
        link = link_of(shop, order).json()

        traded = trade(order["order_id"], link["link_token"]).json()
        elsewhere = order | {"order_token": traded["order_token"]}
        resumed = shop.api(
            "POST",
            f"orders/{order['order_id']}/payment-attempts",
            {"payment": {"return_url": "https://shop.example/back#done"}},
            x_order_token=traded["order_token"],
            idempotency_key="elsewhere",
        )
        shop.confirm(order)
        shop.deliver()

        assert resumed.status_code == 200, resumed.content
        assert resumed.json()["payment_attempt_id"] == order["payment_attempt_id"]
        assert "shop.example%2Fback%3Fstate%3D" in resumed.json()["next_action"]["url"]
        assert shop.attempt().return_url.endswith("#done")
        assert read(shop, elsewhere).json()["status"] == "paid"
        assert shop.attempt().path_flags == ["guest", "resumed", "other_device"]
        assert (taken(shop), violations(shop)) == ([1999], [])

    def test_after_a_decline_is_another_try_on_the_same_order(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart(), token="pm_card_chargeDeclined").json()
        traded = trade(order["order_id"], link_of(shop, order).json()["link_token"]).json()

        again = pay_again(shop, order | {"order_token": traded["order_token"]}, token="pm_card_visa")

        assert again.json()["status"] == "paid"
        assert shop.attempt().path_flags == ["guest", "retried", "other_device"]


class TestTheLink:
    def test_carries_its_token_where_browsers_send_it_to_nobody(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        answer = link_of(shop, order)

        assert answer.status_code == 201
        assert answer["Cache-Control"] == "private, no-store"
        assert answer.json()["url"].endswith(f"/orders/{order['order_id']}#link={answer.json()['link_token']}")
        assert answer.json()["expires_at"] == "2026-11-21T13:00:00Z"

    def test_opens_nothing_but_the_trade_and_what_it_gives_makes_no_links_of_its_own_length(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        link = link_of(shop, order).json()["link_token"]
        traded = trade(order["order_id"], link).json()

        assert read(shop, order | {"order_token": link}).status_code == 404
        assert pay_again(shop, order | {"order_token": link}).status_code == 404
        assert trade(order["order_id"], traded["order_token"]).status_code == 404
        assert traded["expires_at"] == "2026-11-21T13:00:00Z"

    def test_gives_the_same_token_when_the_answer_was_lost(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        link = link_of(shop, order).json()["link_token"]
        first = trade(order["order_id"], link).json()
        shop.pass_time(minutes=30)

        assert trade(order["order_id"], link).json() == first

    def test_and_its_token_end_after_an_hour(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        link = link_of(shop, order).json()["link_token"]
        traded = trade(order["order_id"], link).json()
        shop.pass_time(seconds=timedelta(hours=1).total_seconds())

        assert trade(order["order_id"], link).json()["code"] == "no_such_link"
        assert read(shop, order | {"order_token": traded["order_token"]}).status_code == 404

    def test_is_for_one_order_and_can_be_revoked(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        other = shop.start(shop.a_cart(), key="other").json()
        link = link_of(shop, order).json()["link_token"]

        assert trade(other["order_id"], link).status_code == 404
        assert trade("ord_none", link).status_code == 404
        assert trade(order["order_id"], "").status_code == 400
        assert trade(order["order_id"], link + "x").status_code == 404
        with transaction("test"):
            revoke_tokens(order["order_id"], now=clock.now())
        assert trade(order["order_id"], link).status_code == 404

    def test_is_made_for_those_who_may_pay_alone(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()

        assert link_of(shop, order, token="nobody's").status_code == 404
        assert link_of(shop, order, token=link_of(shop, order).json()["link_token"]).status_code == 404

    def test_is_refused_where_nothing_is_to_be_paid(self, shop: Shop) -> None:
        paid = shop.start(shop.a_cart(), token="pm_card_visa").json()
        cancelling = shop.start(shop.a_cart(), key="other").json()
        cancel(shop, cancelling)

        assert link_of(shop, paid).json()["code"] == "nothing_to_pay"
        assert link_of(shop, cancelling).json()["code"] == "nothing_to_pay"

    def test_is_stored_as_a_digest_alone(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        link = link_of(shop, order).json()["link_token"]
        token = trade(order["order_id"], link).json()["order_token"]

        with connection.cursor() as cursor:
            cursor.execute("SELECT t::text FROM accounts_accesstoken AS t")
            rows = "".join(str(row) for row in cursor.fetchall())

        assert link not in rows
        assert token not in rows
