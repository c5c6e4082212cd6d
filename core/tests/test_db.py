"""What reads by a unique key."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.db import one_or_none
from core.models import Policy

pytestmark = pytest.mark.usefixtures("database")


class TestOneOrNone:
    def test_returns_the_row_and_asks_for_no_order(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            found = one_or_none(Policy.objects.filter(name="webhooks", version=1))

        assert found is not None
        assert found.name == "webhooks"
        assert ["ORDER BY" in query["sql"] for query in queries] == [False]

    def test_returns_none_where_there_is_no_row(self) -> None:
        assert one_or_none(Policy.objects.filter(name="nobody's", version=1)) is None

    def test_returns_a_single_value_too(self) -> None:
        assert one_or_none(Policy.objects.filter(name="webhooks", version=1).values_list("version", flat=True)) == 1

    def test_does_not_choose_between_two(self) -> None:
        with pytest.raises(Policy.MultipleObjectsReturned):
            one_or_none(Policy.objects.filter(version=1))
