"""Bodies: wrong fields, wrong bytes, wrong sizes, card numbers anywhere. Refused by name, without an effect."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.bad_input.fields import DECIDED_BY_US, changed, kinds, places, without, written, wrong_values
from tests.bad_input.operations import Operation, operations
from tests.bad_input.rows import good
from tests.bad_input.world import CARD, Watch

ALL = list(operations().values())
WITH_BODY = [operation for operation in ALL if operation.body is not None]
WITHOUT_BODY = [operation for operation in ALL if operation.body is None and operation.method not in {"GET", "DELETE"}]
# They are looked up among what we know and kept nowhere; a barcode is a long number too.
LOOKED_UP = ("lines[0].sku", "quote_hash")
CARDS = (CARD, "4242 4242 4242 4242", "my card is 4000-0027-6000-3184.", "x 5555555555554444 12/30")
BYTES: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b"{",
    "no object": b"[]",
    "a number": b"7",
    "a text": b'"text"',
    "null": b"null",
    "true": b"true",
    "NaN": b'{"%b": NaN}',
    "Infinity": b'{"%b": -Infinity}',
    "a name twice": b'{"%b": "a", "%b": "b"}',
    "NUL escaped": b'{"%b": "a\\u0000b"}',
    "NUL": b'{"%b": "a\x00b"}',
    "NUL after it": b"{}\x00",
    "a lone surrogate": b'{"%b": "\\ud800"}',
    "surrogates the wrong way round": b'{"%b": "\\udfff\\ud800"}',
    "no UTF-8": b'{"%b": "\xff\xfe"}',
    "overlong UTF-8": b'{"%b": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"%b": "\xed\xa0\x80"}',
    "UTF-16": '{"cart_id": "x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "something after it": b"{} {}",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "deep and closed": b'{"%b": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a huge number": b'{"%b": ' + b"9" * 5000 + b"}",
    "a huge exponent": b'{"%b": 1e999}',
    "single quotes": b"{'a': 1}",
    "a comment": b"{} // all",
    "XML": b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
}
CONTENT_TYPES = (
    "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "application/octet-stream", "application/jsonp", "nonsense", "a/b/c", "é/json",
)  # fmt: skip


WRONG_TAX_IDS = (
    "GB980780685", "980780685", "DE136695978", "DE13669597", "GB", "-", "US123456789", "EU528003646", "XX980780684",
    "GB98078068٤", "GB980780684'--", "VAT exempt", "0" * 32,
)  # fmt: skip


def named(problem: dict[str, Any]) -> list[str]:
    """This will return the fields a problem complains about."""
    return [error["field"] for error in problem.get("errors", [])]


class TestFields:
    def test_with_a_tax_id_nobody_can_have_are_refused_by_name_without_repeating_it(self, watch: Watch) -> None:
        tried = 0
        for operation in WITH_BODY:
            call = good(watch.world, operation)

            for path, _ in places(operation.body or {}, call.body):
                for wrong in WRONG_TAX_IDS if path[-1:] == ("tax_id",) else ():
                    tried += 1
                    problem = watch.refuse(wrong, replace(call, body=changed(call.body, path, wrong)), statuses=(400,))
                    is_told = problem.get("code") == "address_invalid" and named(problem) == [written(path)]
                    watch.expect(is_told, f"{wrong} at {path}: {problem}")
                    watch.expect(len(wrong) < 3 or wrong not in json.dumps(problem), f"repeated at {path}: {problem}")
            watch.nothing_stored(operation.id)

        # In the book (added and changed), for the parcel, and with the order.
        assert tried == 4 * len(WRONG_TAX_IDS)
        watch.finish()

    def test_of_a_wrong_type_size_or_form_are_refused_by_name(self, watch: Watch) -> None:
        for operation in WITH_BODY:
            call = good(watch.world, operation)

            for path, shape in list(places(operation.body or {}, call.body))[1:]:
                for value in wrong_values(shape):
                    what = f"{written(path)} = {str(value)[:60]!r}"
                    problem = watch.refuse(what, replace(call, body=changed(call.body, path, value)))
                    is_named = any(field.startswith(written(path)) for field in named(problem))
                    watch.expect(is_named or not problem.get("errors"), f"not named: {what}: {problem}")
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_that_are_required_are_missed_by_name(self, watch: Watch) -> None:
        for operation in WITH_BODY:
            call = good(watch.world, operation)
            watch.refuse("a body that is no object", replace(call, body=[]))

            for path, shape in places(operation.body or {}, call.body):
                for name in shape.get("required", []):
                    problem = watch.refuse(f"without {name}", replace(call, body=without(call.body, (*path, name))))
                    watch.expect(written((*path, name)) in named(problem), f"{name} is not missed: {problem}")
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_that_are_not_known_are_refused_by_name(self, watch: Watch) -> None:
        for operation in WITH_BODY:
            call = good(watch.world, operation)

            for path, shape in places(operation.body or {}, call.body):
                if "object" not in kinds(shape) or isinstance(shape.get("additionalProperties"), dict):
                    continue
                for name in set(DECIDED_BY_US) - set(shape.get("properties", {})):
                    problem = watch.refuse(
                        f"{name!r} at {path}", replace(call, body=changed(call.body, (*path, name), 1))
                    )
                    expected = f"{written(path)}.{name}".strip(".")
                    watch.expect(expected in named(problem), f"{name!r} at {path} is not named: {problem}")
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_that_only_a_program_may_choose_are_refused_by_name(self, watch: Watch) -> None:
        path = ("payment", "exemption")
        asked = [each for each in WITH_BODY if path in dict(places(each.body or {}, good(watch.world, each).body))]
        assert [operation.id for operation in asked] == ["startCheckout", "resumePayment"]

        for operation in asked:
            call = good(watch.world, operation)
            for value in ("mit", "recurring"):
                problem = watch.refuse(value, replace(call, body=changed(call.body, path, value)), statuses=(400,))
                watch.expect(problem.get("code") == "exemption_not_yours", f"{value}: {problem}")
                watch.expect(named(problem) == ["payment.exemption"], f"{value} is not named: {problem}")
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_with_a_card_number_are_refused_without_repeating_it(self, watch: Watch) -> None:
        for operation in WITH_BODY:
            call = good(watch.world, operation)
            every = list(places(operation.body or {}, call.body))
            texts = [path for path, shape in every if kinds(shape) & {"string", "integer", "boolean"}]
            objects = [path for path, shape in every if "object" in kinds(shape)]
            bodies = [(path, changed(call.body, path, card)) for path in texts for card in (*CARDS, int(CARD))]
            bodies += [((*path, CARD), changed(call.body, (*path, CARD), True)) for path in objects]
            bodies += [((*path, "unknown"), changed(call.body, (*path, "unknown"), [{"a": CARD}])) for path in objects]

            for path, body in bodies:
                problem = watch.refuse(f"card at {path}", replace(call, body=body))
                is_known = problem.get("code") == "card_number_refused" or written(path) in LOOKED_UP
                watch.expect(is_known, f"card at {path}: {problem}")
                repeated = "".join(character for character in json.dumps(problem) if character.isalnum())
                watch.expect(CARD not in repeated or written(path) in LOOKED_UP, f"repeated at {path}: {problem}")
            watch.nothing_stored(operation.id)

        watch.finish()


def spoilt_bytes(operation: Operation) -> Iterator[tuple[str, bytes]]:
    """This will return bytes that are no clean JSON object of this operation."""
    name = next(iter((operation.body or {})["properties"])).encode()
    for what, raw in BYTES.items():
        # An operation whose every field may be left out takes an empty body.
        if what != "nothing" or (operation.body or {}).get("required"):
            yield what, raw.replace(b"%b", name)


class TestBytes:
    def test_that_are_no_clean_json_are_refused(self, watch: Watch) -> None:
        for operation in WITH_BODY:
            call = good(watch.world, operation)

            for what, raw in spoilt_bytes(operation):
                watch.refuse(what, replace(call, raw=raw), statuses=(400,))
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_of_a_good_body_cut_anywhere_are_refused(self, watch: Watch) -> None:
        for operation in WITH_BODY:
            call = good(watch.world, operation)
            raw = json.dumps(call.body).encode()

            for end in range(1, len(raw), max(1, len(raw) // 40)):
                watch.refuse(f"cut at {end}", replace(call, raw=raw[:end]), statuses=(400,))
            watch.nothing_stored(operation.id)

        watch.finish()

    def test_of_another_content_type_are_refused(self, watch: Watch) -> None:
        for operation in WITH_BODY:
            call = good(watch.world, operation)

            for content_type in CONTENT_TYPES:
                watch.refuse(content_type, replace(call, content_type=content_type), statuses=(415, 400))
            compressed = replace(call, raw=b"\x1f\x8b\x08\x00junk").with_header("Content-Encoding", "gzip")
            watch.refuse("gzip", compressed, statuses=(400, 415))
            watch.nothing_stored(operation.id)

        watch.finish()


class TestSize:
    def test_two_megabytes_are_too_large_however_they_are_announced(self, watch: Watch) -> None:
        for operation in ALL:
            call = good(watch.world, operation)
            large = b'{"reason": "' + b"x" * 2_097_152 + b'"}'

            watch.refuse("2 MB", replace(call, raw=large), statuses=(413,))
            for length in ("ten", "-1", "0x10", "1e3", "٣"):
                announced = replace(call, meta={"CONTENT_LENGTH": length})
                watch.refuse(f"length {length}", announced, statuses=(411,))
            watch.refuse("a huge length", replace(call, meta={"CONTENT_LENGTH": "9" * 30}), statuses=(413,))
            pieces = replace(call, meta={"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"})
            watch.refuse("in pieces", pieces, statuses=(411,))
            watch.nothing_stored(operation.id)

        watch.finish()


class TestNoBody:
    def test_is_wanted_so_that_whoever_sends_one_learns_that_it_has_no_effect(self, watch: Watch) -> None:
        for operation in WITHOUT_BODY:
            call = good(watch.world, operation)

            for raw in (
                b'{"total": 1}',
                b"[]",
                b"{",
                b"\xff",
                b'{"a": "a\\u0000b"}',
                b'{"a": "' + CARD.encode() + b'"}',
            ):
                watch.refuse(str(raw), replace(call, raw=raw), statuses=(400,))
            watch.nothing_stored(operation.id)

        watch.finish()
