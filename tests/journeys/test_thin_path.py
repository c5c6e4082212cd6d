"""From a cart to paid, on every usual way."""

import pytest

from orders.models import OrderEvent
from tests.shop import Shop


def moves(shop: Shop) -> list[str]:
    """This will return the states the only order went through."""
    rows = OrderEvent.objects.filter(kind="transition").order_by("sequence")
    return [row.to_state for row in rows]


class TestServerConfirms:
    def test_a_good_card_pays_in_the_answer(self, shop: Shop) -> None:
        cart = shop.a_cart({"MUG-RED": 2})

        answer = shop.start(cart, token="pm_card_visa")

        assert answer.status_code == 201, answer.content
        assert answer.json()["status"] == "paid"
        assert moves(shop) == ["draft", "payment_pending", "paid"]
        assert [row["amount_received"] for row in shop.truth()] == [3998]

    def test_its_webhooks_change_nothing_afterwards(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_visa")
        version = shop.order().version

        shop.deliver()

        assert shop.order().version == version

    def test_a_declined_card_is_an_answer_and_the_units_stay_held(self, shop: Shop) -> None:
        answer = shop.start(shop.a_cart(), token="pm_card_chargeDeclined")

        assert answer.status_code == 201
        assert answer.json()["status"] == "payment_failed"
        assert answer.json()["decline"]["may_retry"] is True
        assert shop.order().state == "payment_failed"


class TestClientConfirms:
    def test_the_webhook_makes_it_paid(self, shop: Shop) -> None:
        answer = shop.start(shop.a_cart()).json()
        assert answer["status"] == "action_required"

        assert shop.confirm(answer) == 200
        shop.deliver()

        assert shop.order().state == "paid"
        assert OrderEvent.objects.get(to_state="paid").actor == "system:webhook"

    @pytest.mark.pains("B1")
    def test_a_sweep_makes_it_paid_when_every_webhook_is_lost(self, shop: Shop) -> None:
        shop.sandbox.engine.webhook_faults.add({"kind": "drop"})
        answer = shop.start(shop.a_cart()).json()
        shop.confirm(answer)
        shop.deliver()
        assert shop.order().state == "payment_pending"

        shop.pass_time(seconds=61)
        shop.sweep()

        assert shop.order().state == "paid"
        assert OrderEvent.objects.get(to_state="paid").reason == "reconciliation_provider_succeeded"
