"""The door of allauth's own, whose refusals are its own JSON as its clients know it: what it is sent never crashes it,
is refused where it cannot be used, and changes nothing.
"""

import json
from typing import Any

import pytest

from tests.bad_input.operations import routes
from tests.bad_input.test_bodies import BYTES
from tests.bad_input.world import CARD, EMAIL, PASSWORD, Call, Watch, everything_stored, send

DOOR = "/_allauth/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
# Says what the door offers, to everybody.
CONFIG = "/_allauth/app/v1/config"
BODIES = {
    "nothing": b"",
    "no object": b"[7]",
    "a deep object": b'{"email": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
    "wrong types": b'{"email": 7, "password": [], "key": {}, "code": true}',
    "null": b'{"email": null, "password": null, "key": null, "code": null}',
    "NUL": b'{"email": "a\\u0000@example.com", "password": "\\u0000", "key": "\\u0000", "code": "\\u0000"}',
    "a surrogate": b'{"email": "\\ud800@example.com", "password": "\\ud800", "key": "\\ud800", "code": "\\ud800"}',
    "much": json.dumps(dict.fromkeys(["email", "password", "key", "code"], "x" * 100_000)).encode(),
    "an order to be staff": b'{"is_staff": true, "is_superuser": true}',
}


def is_said_properly(response: Any) -> bool:
    """This will tell whether an answer is JSON that names its status: a problem, or what allauth documents."""
    if "json" not in response["Content-Type"]:
        return False
    answer = response.json()
    is_allauths = response["Content-Type"] == "application/json" and set(answer) <= {"status", "errors", "data", "meta"}
    is_problem = response["Content-Type"] == "application/problem+json" and answer["code"] and answer["trace_id"]
    return bool(answer["status"] == response.status_code and (is_allauths or is_problem))


class TestSignIn:
    @pytest.mark.parametrize("path", sorted(routes(DOOR)))
    def test_nothing_that_is_sent_crashes_it_or_is_kept(self, watch: Watch, path: str) -> None:
        bodies = {**{what: raw.replace(b"%b", b"email") for what, raw in BYTES.items()}, **BODIES}
        for method in METHODS:
            for what, raw in bodies.items():
                response = send(watch.world, Call(method, path, raw=raw))
                said = f"{method} {what}: {response.status_code} {response.content[:100]!r}"
                watch.expect(400 <= response.status_code < 500 or (method, path) == ("GET", CONFIG), said)
                watch.expect(response.status_code < 500 and is_said_properly(response), said)
                watch.count += 1

        # Signing in counts its failures and may open a session; nobody is made or changed by any of this.
        changed = {name for name, now in everything_stored().items() if now != watch.stored[name]}
        watch.expect(changed <= {"django_session", "core_throttle"}, f"stored: {changed}")
        watch.stored = everything_stored()
        watch.finish()

    @pytest.mark.parametrize("name", ["email", "name", "anything", CARD])
    def test_card_numbers_are_refused(self, watch: Watch, name: str) -> None:
        form = {"email": EMAIL, "password": PASSWORD, name: f"{CARD}@example.com"}

        problem = watch.refuse(name, Call("POST", f"{DOOR}app/v1/auth/signup", body=form), statuses=(400,))

        watch.expect(problem["code"] == "card_number_refused", str(problem))
        watch.finish()
