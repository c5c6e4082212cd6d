"""Every operation of the API as its own schema describes it, so that none can be forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

API = "/api/v1/"
METHODS = ("get", "put", "post", "delete", "patch")
# They describe the API and are no operations of it.
UNDESCRIBED = {"/api/v1/schema", "/api/v1/docs"}
Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address. `body` is the shape of what it takes, without references; None takes nothing."""

    id: str
    method: str
    path: str
    path_names: tuple[str, ...]
    query_names: tuple[str, ...]
    header_names: tuple[str, ...]
    is_key_required: bool
    is_asking_who: bool
    body: Shape | None


@cache
def operations() -> dict[str, Operation]:
    """This will return all operations by their id."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    shapes = schema["components"]["schemas"]
    return {
        described["operationId"]: _operation(path, method, described, shapes)
        for path, methods in schema["paths"].items()
        for method, described in methods.items()
        if method in METHODS
    }


def _operation(path: str, method: str, described: Shape, shapes: Shape) -> Operation:
    parameters = described.get("parameters", [])

    def named(place: str) -> tuple[str, ...]:
        return tuple(each["name"] for each in parameters if each["in"] == place)

    content = described.get("requestBody", {}).get("content", {}).get("application/json")
    return Operation(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        path_names=named("path"),
        query_names=named("query"),
        header_names=named("header"),
        is_key_required=any(each["name"] == "Idempotency-Key" and each.get("required") for each in parameters),
        is_asking_who=any(described.get("security", [])),
        body=_resolved(content["schema"], shapes) if content else None,
    )


def _resolved(shape: Any, shapes: Shape) -> Any:
    if isinstance(shape, list):
        return [_resolved(each, shapes) for each in shape]
    if not isinstance(shape, dict):
        return shape
    if "$ref" in shape:
        return _resolved(shapes[shape["$ref"].rpartition("/")[2]], shapes)
    if len(shape.get("allOf", [])) == 1:
        return {**shape, **_resolved(shape["allOf"][0], shapes)}
    return {name: _resolved(each, shapes) for name, each in shape.items()}


def methods_of(path: str) -> set[str]:
    """This will return the methods that are described for an address."""
    return {operation.method for operation in operations().values() if operation.path == path}


def routes(prefix: str) -> set[str]:
    """This will return every address below the prefix that Django would serve, as the schema writes addresses."""
    return {route for route in _routes(get_resolver("tests.urls").url_patterns, "/") if route.startswith(prefix)}


def _routes(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for each in patterns:
        route = before + str(each.pattern).strip("^$")
        if isinstance(each, URLResolver):
            yield from _routes(each.url_patterns, route)
        else:
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
