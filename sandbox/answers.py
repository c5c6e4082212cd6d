"""What every `handle` returns."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """An HTTP answer. A body that is an iterator is streamed."""

    status: int
    headers: dict[str, str]
    body: bytes | Iterator[bytes]


def json_answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Answer:
    """This will return `content` as an indented JSON answer."""
    body = json.dumps(content, indent=2).encode()
    return Answer(status, {"content-type": "application/json", **(headers or {})}, body)
