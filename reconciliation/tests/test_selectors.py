"""What the sweeps look for: found when it is due, in the order of waiting, and asked as Django would ask."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.db import transaction
from core.tests.factories import NOW
from orders.tests.factories import an_order_in
from reconciliation import selectors

pytestmark = pytest.mark.usefixtures("database")

QUERIES: dict[str, dict[str, Any]] = {
    "due_operations": {"now": NOW, "limit": 7},
    "due_for_expiry": {"now": NOW, "limit": 7},
    "open_cancellations": {"now": NOW, "limit": 7},
    "cancelled_with_rest": {"limit": 7},
    "owing_customers": {"limit": 7},
    "worked_on_since": {"before": NOW, "limit": 7},
    "attempts_to_ask_about": {"order_id": "ord_1"},
    "authorizations_until": {"deadline": NOW, "limit": 7},
    "unapproved_refunds": {"limit": 7},
    "refunds_pending_since": {"before": NOW, "limit": 7},
    "disputes_unheard_of": {"since": NOW, "limit": 7},
    "closable_orders": {"before": NOW, "limit": 7},
}


@pytest.mark.parametrize("name", QUERIES)
def test_is_asked_in_the_words_of_its_queryset_whatever_was_asked_before(name: str) -> None:
    kept, values = getattr(selectors, name), QUERIES[name]
    other = {key: another(value) for key, value in values.items()}

    with transaction("test"), CaptureQueriesContext(connection) as queries:
        kept(**other)
        kept(**values)
        list(kept.__wrapped__(**values))

    asked = [query["sql"] for query in queries]
    assert asked[1] == asked[2]
    assert (asked[0] == asked[1]) is (other == values)


def another(value: Any) -> Any:
    """This will return another instant or word, but the same limit."""
    if isinstance(value, datetime):
        return value + timedelta(days=1)
    return f"another {value}" if isinstance(value, str) else value


def test_all_of_them_are_compared() -> None:
    kept = {name for name, one in vars(selectors).items() if getattr(one, "__wrapped__", None)}
    assert kept == set(QUERIES)


@pytest.mark.parametrize(
    "state", ["draft", "payment_pending", "payment_failed", "payment_authorized", "capture_failed"]
)
def test_every_state_that_can_run_out_of_time_is_swept(state: str) -> None:
    order = an_order_in(state)

    assert selectors.due_for_expiry(now=NOW + timedelta(minutes=15), limit=9) == [order.public_id]
    assert selectors.due_for_expiry(now=NOW + timedelta(minutes=14), limit=9) == []


def test_no_more_than_were_asked_for_are_found_whatever_limit_was_first() -> None:
    ids = [an_order_in("payment_pending").public_id for _ in range(3)]
    later = NOW + timedelta(hours=1)

    assert selectors.due_for_expiry(now=later, limit=9) == ids
    assert selectors.due_for_expiry(now=later, limit=2) == ids[:2]
    assert selectors.due_for_expiry(now=later, limit=9) == ids
