"""So many tries a window, whoever counts."""

from datetime import timedelta

import pytest
from django.test import RequestFactory, override_settings

from core import policies
from core.api import caller_address
from core.db import transaction
from core.tests.factories import NOW
from core.throttles import TooManyTries, take_try
from tests.concurrency.threads import at_once

NOWHERE = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"},
    "in_process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "away"},
}


@pytest.fixture(autouse=True)
def _three_tries(database: str) -> None:
    with transaction("test"):
        values = {"coupons_cart_max": 3, "coupons_address_max": 5}
        policies.change("throttles", values=values, reason="test", now=NOW)


def tries(count: int, *, cart: str = "cart_1", **more: str) -> int:
    """This will try so often and return how many passed."""
    passed = 0
    for _ in range(count):
        try:
            take_try("coupons", callers={"cart": cart, **more}, now=NOW)
        except TooManyTries:
            continue
        passed += 1
    return passed


class TestTries:
    def test_end_with_the_limit_and_begin_again_with_the_next_window(self) -> None:
        assert tries(5) == 3

        with pytest.raises(TooManyTries) as refusal:
            take_try("coupons", callers={"cart": "cart_1"}, now=NOW + timedelta(seconds=590))
        assert refusal.value.retry_after_seconds == 10
        take_try("coupons", callers={"cart": "cart_1"}, now=NOW + timedelta(seconds=600))

    def test_of_another_cart_count_apart_but_one_address_counts_them_together(self) -> None:
        passed = [tries(3, cart=f"cart_{number}", address="192.0.2.1") for number in range(3)]

        assert passed == [3, 2, 0]

    def test_of_a_caller_without_a_value_are_not_counted(self) -> None:
        assert tries(9, cart="") == 9

    def test_at_the_same_moment_do_not_pass_together(self) -> None:
        passed = at_once([lambda: tries(1)] * 20)

        assert sum(passed) == 3

    def test_are_counted_by_the_process_while_the_store_is_away(self) -> None:
        with override_settings(CACHES=NOWHERE):
            assert tries(5, cart="cart_away") == 3


class TestAddress:
    @pytest.mark.parametrize(
        ("proxies", "forwarded", "address"),
        [
            (0, "203.0.113.9", "127.0.0.1"),
            (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
            (2, "203.0.113.9, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
            (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            (1, "::ffff:198.51.100.7", "198.51.100.7"),
            (1, "unknown", ""),
            (2, "198.51.100.7", "127.0.0.1"),
        ],
    )
    def test_is_what_our_own_proxies_heard(self, proxies: int, forwarded: str, address: str) -> None:
        request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})

        with override_settings(TRUSTED_PROXIES_COUNT=proxies):
            assert caller_address(request) == address
