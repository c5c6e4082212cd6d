"""The simulated line to the provider: what it keeps is not heard of, and arrives once or never."""

from collections.abc import Iterator

import pytest

from payments.providers.registry import use_adapter
from tests.journeys.facts import charges, given_back, taken, wait
from tests.shop import Shop
from tests.simulation.line import Line


@pytest.fixture
def line(shop: Shop) -> Iterator[Line]:
    opened = Line(shop)
    opened.connect()
    yield opened
    use_adapter(shop.account, None)


class TestLine:
    def test_a_try_that_was_kept_is_executed_late_and_once(self, shop: Shop, line: Line) -> None:
        line.keep(seconds=60, late_seconds=300)
        started = shop.start(shop.a_cart(), token="pm_card_visa")
        assert (started.status_code, taken(shop)) == (202, [])

        shop.pass_time(seconds=361)
        line.arrive()
        line.arrive()
        wait(shop, rounds=3, minutes=3)

        assert (taken(shop), charges(shop)) == ([1999], 1)
        assert shop.order().state == "paid"
        assert "late effect" in line.met

    def test_what_arrives_after_the_order_ended_is_given_back(self, shop: Shop, line: Line) -> None:
        line.keep_next(late_seconds=9000)
        shop.start(shop.a_cart(), token="pm_card_visa")
        wait(shop, rounds=6, minutes=16)
        assert shop.order().state == "cancelled"

        shop.pass_time(seconds=9000)
        line.arrive()
        shop.deliver()
        wait(shop, rounds=2, minutes=3)

        assert (taken(shop), given_back(shop)) == ([1999], [1999])
        assert shop.order().state == "cancelled_with_refund"

    def test_an_unknown_key_is_refused_for_a_while(self, shop: Shop, line: Line) -> None:
        line.refuse_key()

        refused = shop.start(shop.a_cart(), token="pm_card_visa")

        assert refused.status_code == 201
        assert taken(shop) == []
        assert line.met == ["key refused"]
