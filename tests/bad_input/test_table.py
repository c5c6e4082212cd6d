"""The table is whole, and what stands in it is served: else its refusals would prove nothing."""

import pytest

from tests.bad_input.fields import places
from tests.bad_input.operations import UNDESCRIBED, Operation, operations, routes
from tests.bad_input.rows import ROWS, good
from tests.bad_input.world import CARD, World, send, text_of_everything_stored


class TestTable:
    def test_has_a_row_for_every_operation_of_the_api(self) -> None:
        assert set(ROWS) == set(operations())

    def test_the_schema_describes_every_address_of_the_api(self) -> None:
        described = {operation.path for operation in operations().values()}

        assert routes("/api/") - UNDESCRIBED == described

    @pytest.mark.parametrize("operation", operations().values(), ids=lambda operation: operation.id)
    def test_serves_what_each_row_asks_and_keeps_no_card_number_of_a_header(
        self, world: World, operation: Operation
    ) -> None:
        call = good(world, operation)
        for name in ("User-Agent", "Referer", "X-Trace-Id", "Cookie", "Accept-Language", "X-Forwarded-For"):
            call = call.with_header(name, CARD)

        response = send(world, call)

        assert response.status_code == ROWS[operation.id].status, response.content
        assert CARD not in text_of_everything_stored()
        if operation.body is not None:
            assert len(list(places(operation.body, call.body))) > 1
