"""Where a paid order stands by its facts."""

import pytest

from core.tests.factories import NOW
from orders.models import Order, OrderState
from orders.services.standing import Units, state_by_facts


@pytest.mark.parametrize(
    ("excess_returned_minor", "may_end", "expected"),
    [
        (0, True, OrderState.PAID),
        (499, True, OrderState.PAID),
        (500, False, OrderState.PAID),
        (500, True, OrderState.CANCELLED_WITH_REFUND),
    ],
)
def test_a_cancelled_sale_that_went_back_waits_for_what_was_taken_beyond_it(
    excess_returned_minor: int, may_end: bool, expected: OrderState
) -> None:
    order = Order(
        state=OrderState.PAID,
        due_minor=1000,
        captured_minor=1500,
        excess_minor=500,
        returned_minor=1000,
        excess_returned_minor=excess_returned_minor,
        cancel_requested_at=NOW,
    )

    assert state_by_facts(order, Units(fulfilled=0, missing=1), may_end=may_end) == expected
