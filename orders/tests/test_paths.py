"""The ways of a checkout, in one list."""

from orders.paths import Path, walked


class TestWalked:
    def test_stays_straight_with_what_is_no_detour(self) -> None:
        assert walked([Path.STRAIGHT], Path.GUEST, Path.COUPON) == ["straight", "guest", "coupon"]

    def test_a_detour_ends_straight(self) -> None:
        assert walked(["straight", "guest"], Path.CHALLENGE) == ["guest", "challenge"]

    def test_nothing_stands_twice(self) -> None:
        assert walked(["guest", "retried"], Path.RETRIED, Path.RETRIED) == ["guest", "retried"]

    def test_every_way_fits_its_column(self) -> None:
        assert max(len(path) for path in Path) <= 24
