"""Idempotency keys that are none, and requests whose quote or currency is not the shop's."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import cache

from tests.bad_input.fields import changed, kinds, places
from tests.bad_input.operations import Operation, operations
from tests.bad_input.rows import good
from tests.bad_input.world import CARD, Watch, everything_stored, send, text_of_everything_stored

KEYED = [operation for operation in operations().values() if "Idempotency-Key" in operation.header_names]
REQUIRED = [operation for operation in KEYED if operation.is_key_required]
MALFORMED = (
    "two words", "x" * 256, '"' + "x" * 256 + '"', '"open', 'open"', '""', '"a" "b"', 'in"side', "back\\slash", "naïve",
    "\u0661\u0662", "\x7f", "\x01", "a\tb", "a\nb", "a\rb", "a\x1fb", "\u200bhidden", "😀", '"a";q=1', "x" * 100_000,
)  # fmt: skip

# Values that would do as well as those of the first request, for the most part.
OTHERS: dict[str, list[Any]] = {
    "string": ["other", "pm_card_visa_debit", "eve@example.com", "FR", "EUR"],
    "boolean": [True, False],
}


class TestKeys:
    def test_missing_ones_are_asked_for(self, watch: Watch) -> None:
        for operation in REQUIRED:
            for value in (None, ""):
                call = good(watch.world, operation).with_header("Idempotency-Key", value)
                problem = watch.refuse(f"key {value!r}", call, statuses=(400,))
                watch.expect(problem.get("code") == "idempotency_key_required", f"{operation.id}: {problem}")

        watch.finish()

    def test_malformed_ones_are_refused(self, watch: Watch) -> None:
        for operation in KEYED:
            for value in MALFORMED:
                call = good(watch.world, operation).with_header("Idempotency-Key", value)
                problem = watch.refuse(f"key {value[:40]!r}", call, statuses=(400,))
                watch.expect(problem.get("code") == "idempotency_key_malformed", f"{operation.id} {value[:40]!r}")

        watch.finish()

    @pytest.mark.pains("D2")
    @pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.id)
    def test_used_ones_serve_no_other_request_and_are_kept_as_their_hash(
        self, watch: Watch, operation: Operation
    ) -> None:
        call = good(watch.world, operation).with_header("Idempotency-Key", f"of-{CARD}")
        first = send(watch.world, call)
        assert first.status_code < 300
        watch.stored = everything_stored()
        told = 0

        for path, shape in list(places(operation.body or {}, call.body))[1:]:
            for value in OTHERS.get(next(iter(kinds(shape))), []):
                body = changed(call.body, path, value)
                if body != call.body:
                    cache.clear()  # so many tries would be too many
                    problem = watch.refuse(f"{path} = {value!r}", replace(call, body=body), statuses=(422, 400, 404))
                    told += problem.get("code") == "idempotency_key_reused"

        watch.nothing_stored(operation.id)
        cache.clear()
        again = send(watch.world, call)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert CARD not in text_of_everything_stored()
        assert told >= len(call.body) // 2
        # An answer that is not final yet is made anew, which its key's row remembers.
        watch.stored = everything_stored()
        watch.finish()


class TestQuotes:
    def test_one_that_was_never_ours_or_is_stale_makes_nothing(self, watch: Watch) -> None:
        call = good(watch.world, operations()["startCheckout"])

        for value in ("v1:" + "0" * 64, "v0:x", "x", "0"):
            body = {**call.body, "quote_hash": value}
            problem = watch.refuse(value, replace(call, body=body), statuses=(409,))
            watch.expect(problem.get("code") == "quote_changed" and problem.get("quote"), f"{value}: {problem}")

        watch.finish()


class TestCurrencies:
    def test_that_the_shop_does_not_sell_in_are_refused_wherever_one_is_named(self, watch: Watch) -> None:
        for operation in operations().values():
            call = good(watch.world, operation)
            for currency in ("USD", "XXX", "ZZZ", "GBp", "£", "ＧＢＰ"):
                if "currency" in operation.query_names:
                    watch.refuse(currency, replace(call, query=f"currency={currency}"), statuses=(400, 409))
                if "currency" in (operation.body or {}).get("properties", {}):
                    body = {**call.body, "currency": currency}
                    watch.refuse(currency, replace(call, body=body), statuses=(400, 409))

        watch.finish()
