"""Held funds taken in parts, in time, or not at all."""

from collections.abc import Iterator

import pytest

from core import clock
from core.cause import system
from core.db import transaction
from orders.selectors import lock_order
from orders.services import adjust_due
from payments.services import AuthorizationLapsed, BeyondAuthorized, NotCapturable, NotTheWhole, request_capture
from tests.journeys.buyers import hold_funds
from tests.journeys.facts import errors, held, lose_webhooks, moves, operations, taken, violations
from tests.shop import Shop


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert errors(caplog) == []
    assert violations(shop) == []


def capture(shop: Shop, amount_minor: int | None = None, *, is_final: bool = True) -> None:
    """This will ask for held funds and let a worker take them."""
    with transaction("test"):
        cause = system("staff", now=clock.now())
        request_capture(shop.order().public_id, amount_minor=amount_minor, is_final=is_final, cause=cause)
    shop.work()
    shop.deliver()


class TestParts:
    def test_several_captures_pay_when_they_make_what_is_due(self, shop: Shop) -> None:
        hold_funds(shop)

        capture(shop, 500, is_final=False)
        assert (shop.order().state, taken(shop), held(shop)) == ("payment_authorized", [500], [1499])
        capture(shop, 499, is_final=False)
        capture(shop)

        assert (shop.order().state, taken(shop), held(shop)) == ("paid", [1999], [0])
        assert operations("capture") == ["succeeded"] * 3

    def test_what_is_held_beyond_a_lowered_due_is_released(self, shop: Shop) -> None:
        hold_funds(shop)
        with transaction("test"):
            order = lock_order(shop.order().public_id)
            cause = system("staff", now=clock.now())
            adjust_due(order, amount_minor=-999, reason="one is missing", approved_by="staff:usr_2", cause=cause)

        capture(shop)

        assert (shop.order().state, taken(shop), held(shop)) == ("paid", [1000], [0])

    def test_more_than_is_held_is_refused_and_a_last_part_that_is_not_the_whole(self, shop: Shop) -> None:
        hold_funds(shop)

        with pytest.raises(BeyondAuthorized):
            capture(shop, 2000)
        with pytest.raises(NotTheWhole):
            capture(shop, 1000)

        assert operations("capture") == []

    def test_a_hold_that_ends_after_a_part_leaves_the_rest_to_another_card(self, shop: Shop) -> None:
        hold_funds(shop)
        capture(shop, 500, is_final=False)

        shop.pass_time(days=7, minutes=5)
        shop.deliver()
        for _ in range(2):
            shop.sweep()
            shop.deliver()

        assert taken(shop) == [500]
        assert moves(shop)[-1] in {"capture_failed", "cancelled_with_refund"}


class TestDeadline:
    @pytest.mark.pains("G3")
    def test_after_it_nothing_is_taken_and_the_customer_has_to_pay_again(self, shop: Shop) -> None:
        hold_funds(shop)
        lose_webhooks(shop)
        shop.pass_time(days=7, seconds=1)

        with pytest.raises((AuthorizationLapsed, NotCapturable)):
            capture(shop)

        assert (shop.order().state, taken(shop)) == ("payment_authorized", [0])
        shop.sweep()
        assert shop.order().state == "expired"
