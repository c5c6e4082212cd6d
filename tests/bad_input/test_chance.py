"""What nobody thought of: bodies and bytes made by chance. `BAD_INPUT_EXAMPLES` makes more of them, seeded anew."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.bad_input.fields import Path, changed, places
from tests.bad_input.operations import Operation, operations
from tests.bad_input.rows import good
from tests.bad_input.world import Call, Watch, send

EXAMPLES = int(os.environ.get("BAD_INPUT_EXAMPLES", "0"))
WITH_BODY = [operation for operation in operations().values() if operation.body is not None]
BY_CHANCE = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.sampled_from(["", "\x00"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=12), inner), max_leaves=8
)


def serve(watch: Watch, call: Call) -> None:
    """This will send what may be right or wrong; whatever it is, it is answered and never crashes."""
    response = send(watch.world, call)
    assert response.status_code < 500, (call.raw or call.body, response.content)
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/problem+json", (call.raw or call.body, response.content)
        assert response.json()["trace_id"]
    watch.count += 1


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.id)
class TestChance:
    @BY_CHANCE
    @given(drawn=st.data())
    def test_any_value_in_any_place_is_answered(self, watch: Watch, operation: Operation, drawn: Any) -> None:
        call = good(watch.world, operation)
        paths: list[Path] = [path for path, _ in places(operation.body or {}, call.body)]

        body = call.body
        for path in drawn.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=1)):
            body = changed(body, path, drawn.draw(VALUES))

        serve(watch, replace(call, body=body))

    @BY_CHANCE
    @given(drawn=st.data())
    def test_any_bytes_in_any_place_are_answered(self, watch: Watch, operation: Operation, drawn: Any) -> None:
        call = good(watch.world, operation)
        raw = json.dumps(call.body).encode()

        first, last = sorted(drawn.draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
        spoilt = raw[:first] + drawn.draw(st.binary(max_size=20)) + raw[last:]

        serve(watch, replace(call, raw=spoilt))

    @BY_CHANCE
    @given(drawn=st.data())
    def test_any_header_and_name_are_answered(self, watch: Watch, operation: Operation, drawn: Any) -> None:
        call = good(watch.world, operation)
        names = [*operation.header_names, "X-Session-Token", "Authorization", "X-Trace-Id", "Accept", "If-None-Match"]
        latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60)

        serve(watch, call.with_header(drawn.draw(st.sampled_from(names)), drawn.draw(latin)))
