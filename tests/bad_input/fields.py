"""What can be wrong with a body, derived from its shape: one fault at a time in an otherwise good one."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from tests.bad_input.operations import Shape

Path = tuple[str | int, ...]
NUL, SURROGATE = "a\x00b", "a\ud800b"
# What a client might like to decide.
DECIDED_BY_US = (
    "total", "total_minor", "price", "unit_price_minor", "amount_minor", "currency", "discount", "tax", "status",
    "state", "is_paid", "paid_at", "customer_id", "capture_method", "order_token", "id", "__proto__", "",
)  # fmt: skip
WRONG: dict[str, list[Any]] = {
    "string": [7, 1.5, True, [], ["x"], {}, {"x": 1}],
    "integer": ["2", "many", 1.5, True, [], {}, 10**30, -(10**30), float("nan"), float("inf"), float("-inf")],
    "boolean": ["true", "yes", 1, 0, [], {}],
    "array": [{}, "x", 7, True, {"0": "x"}, [None], [[]]],
    "object": [[], "x", 7, True, [{}]],
}


def places(shape: Shape, sample: Any, path: Path = ()) -> Iterator[tuple[Path, Shape]]:
    """This will return every place of a sample body with its shape, the whole body first."""
    yield path, shape
    for name, inner in shape.get("properties", {}).items():
        assert name in sample, f"the row does not try {'.'.join(map(str, (*path, name)))}"
        yield from places(inner, sample[name], (*path, name))
    if isinstance(shape.get("additionalProperties"), dict) and sample:
        name = next(iter(sample))
        yield from places(shape["additionalProperties"], sample[name], (*path, name))
    if "items" in shape and sample:
        yield from places(shape["items"], sample[0], (*path, 0))


def changed(sample: Any, path: Path, value: Any) -> Any:
    """This will return the body with another value at that place."""
    if not path:
        return value
    body = copy.deepcopy(sample)
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return body


def without(sample: Any, path: Path) -> Any:
    """This will return the body without that place."""
    body = copy.deepcopy(sample)
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return body


def written(path: Path) -> str:
    """This will write a place as problems do: `contact.name`, `lines[0].sku`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.strip(".")


def kinds(shape: Shape) -> set[str]:
    """This will return the JSON types a shape allows."""
    if "enum" in shape and "type" not in shape:
        return {"string"}
    kind = shape.get("type", "object")
    nested = [kinds(each) for each in [*shape.get("oneOf", []), *shape.get("anyOf", [])]]
    return set().union(*nested) if nested else ({kind} if isinstance(kind, str) else set(kind))


def wrong_values(shape: Shape) -> Iterator[Any]:
    """This will return values that the shape does not allow."""
    allowed = kinds(shape)
    for kind in allowed & set(WRONG):
        yield from WRONG[kind]
    if "null" not in allowed:
        yield None
    if "string" in allowed:
        yield from (NUL, SURROGATE, "x" * (shape.get("maxLength", 5000) + 1))
        if shape.get("minLength"):
            yield from ("", " ")
        if "enum" in shape or shape.get("format") in {"email", "uri", "date-time", "date", "uuid"}:
            yield "none of these"
        if "pattern" in shape and re.search(shape["pattern"], "!?") is None:
            yield from ("!?", "\n")
    if "integer" in allowed:
        yield from (-1, shape.get("minimum", 0) - 1, shape.get("maximum", 2**63) + 1, 2**63, 2**31 * 10**6)
    if "array" in allowed and "maxItems" in shape:
        yield [None] * (shape["maxItems"] + 1)
