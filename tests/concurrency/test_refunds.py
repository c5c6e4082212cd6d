"""Many who give the same money back at the same moment, and many workers for one refund."""

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from core.errors import DomainError
from orders.refunding import Wanted, WantedAmount, WantedEverything, WantedUnits
from payments.models import Operation, Refund
from payments.services import RefundWish, carry_out, request_refund
from tests.concurrency.threads import at_once
from tests.shop import Shop

pytestmark = pytest.mark.usefixtures("sound")


@pytest.fixture
def order_id(shop: Shop) -> str:
    """An order of £39.98 that is paid."""
    answer = shop.start(shop.a_cart({"MUG-RED": 2}), token="pm_card_visa").json()
    shop.deliver()
    return str(answer["order_id"])


def ask(order_id: str, wanted: Wanted) -> str:
    """This will ask for a refund as somebody who has seen none, and say what came of it."""
    try:
        with transaction("test"):
            wish = RefundWish(order_id, wanted, "customer_request", "")
            request_refund(wish, cause=system("rules", now=clock.now()))
    except DomainError as refusal:
        return refusal.code
    return "asked for"


class TestFifty:
    @pytest.mark.parametrize("wanted", [WantedAmount(500), WantedEverything()], ids=["a part", "everything"])
    def test_who_ask_for_the_same_get_it_once(self, shop: Shop, order_id: str, wanted: Wanted) -> None:
        outcomes = at_once([lambda: ask(order_id, wanted)] * 50)

        assert sorted(outcomes) == sorted(["asked for"] + ["refunds_changed"] * 49)
        operation = Operation.objects.get(kind="refund")
        cause = system("worker", now=clock.now())
        at_once([lambda: carry_out(operation.public_id, cause=cause)] * 50)
        shop.deliver()

        refund = Refund.objects.get()
        assert refund.status == "succeeded"
        assert [row["amount"] for row in shop.truth("refund")] == [refund.amount_minor]

    @pytest.mark.parametrize(
        ("wanted", "code"),
        [
            (WantedAmount(0), "refund_of_nothing"),
            (WantedAmount(-1), "refund_of_nothing"),
            (WantedAmount(3999), "refund_beyond_left"),
            (WantedUnits({1: 3}), "refund_units_beyond_left"),
            (WantedUnits({2: 1}), "unknown_order_line"),
        ],
        ids=["nothing", "less than nothing", "a penny more", "a unit more", "another order's line"],
    )
    def test_who_ask_for_what_cannot_be_get_nothing(self, shop: Shop, order_id: str, wanted: Wanted, code: str) -> None:
        outcomes = at_once([lambda: ask(order_id, wanted)] * 50)
        shop.work()

        assert set(outcomes) == {code}
        assert (Refund.objects.count(), shop.truth("refund")) == (0, [])
