"""What the database itself refuses, whoever writes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.db.models import F

from catalog import services
from catalog.models import Price, Reservation, ReservationLine, Stock, Variant
from catalog.tests.factories import a_product
from core.db import transaction
from core.machines import MOVES
from core.tests.factories import NOW, a_channel

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def variant(database: str) -> Variant:
    return a_product(a_channel(), stock=2)


@pytest.fixture
def reservation(variant: Variant) -> Reservation:
    with transaction("test"):
        return services.reserve(owner_id="ord_1", channel_id=variant.channel_id, quantities={variant.pk: 1}, now=NOW)


def refused(write: Callable[[], object]) -> str:
    """This will make sure that the database refuses a write, and return the name of what refused it."""
    with pytest.raises(IntegrityError) as refusal, transaction("test"):
        write()
    return str(refusal.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


def sql(statement: str) -> Callable[[], object]:
    """This will return a call that sends `statement` as the application's own role."""

    def send() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return send


class TestVariant:
    def test_its_sku_never_changes(self, variant: Variant) -> None:
        by_update = refused(lambda: Variant.objects.filter(pk=variant.pk).update(sku="OTHER"))
        by_sql = refused(sql("UPDATE catalog_variant SET sku = lower(sku)"))

        assert by_update == by_sql == "catalog_variant_frozen"

    def test_is_never_deleted(self, variant: Variant) -> None:
        assert refused(sql("DELETE FROM catalog_variant")) == "catalog_variant_no_delete"

    def test_a_sku_keeps_its_case(self, variant: Variant) -> None:
        other = a_product(variant.channel, sku="mug-RED")

        assert {variant.sku, other.sku} == {"MUG-RED", "mug-RED"}


class TestPrice:
    def test_is_never_negative(self, variant: Variant) -> None:
        assert refused(lambda: Price.objects.update(amount_minor=-1)) == "catalog_price_not_negative"
        assert refused(lambda: Price.objects.update(currency="KWD", amount_minor=2253)) == "catalog_price_payable"


class TestStock:
    @pytest.mark.pains("E1")
    @pytest.mark.parametrize(
        ("assignment", "constraint"),
        [
            ("held = 3", "catalog_stock_available_not_negative"),
            ("committed = 3", "catalog_stock_available_not_negative"),
            ("received = -1", "catalog_stock_available_not_negative"),
            ("held = -1", "catalog_stock_held_not_negative"),
            ("committed = -1", "catalog_stock_committed_not_negative"),
        ],
    )
    def test_no_figure_is_negative_and_no_unit_promised_twice(
        self, variant: Variant, assignment: str, constraint: str
    ) -> None:
        assert refused(sql(f"UPDATE catalog_stock SET {assignment}")) == constraint

    def test_is_never_deleted(self, variant: Variant) -> None:
        assert refused(lambda: Stock.objects.all()._raw_delete("default")) == "catalog_stock_no_delete"


class TestReservation:
    def test_moves_only_as_its_machine_says(self, reservation: Reservation) -> None:
        statuses = [str(status) for status in Reservation.Status]
        forbidden = {(source, target) for source in statuses for target in statuses if source != target} - MOVES[
            "reservation"
        ]

        for source, target in sorted(forbidden):
            with transaction("test"):
                row = self.born_again(reservation, source)
            move = sql(f"UPDATE catalog_reservation SET status = '{target}' WHERE id = {row}")
            assert refused(move) == "catalog_reservation_status_machine", (source, target)

    def born_again(self, reservation: Reservation, status: str) -> int:
        """This will store another reservation and bring it to `status` along permitted moves."""
        row = Reservation.objects.create(
            public_id=f"rsv_{Reservation.objects.count()}",
            owner_id=f"ord_{Reservation.objects.count()}_again",
            status="held",
            expires_at=reservation.expires_at,
            cap_at=reservation.cap_at,
            policy_version=1,
            created_at=NOW,
        )
        if status != "held":
            Reservation.objects.filter(pk=row.pk).update(status=status)
        return row.pk

    def test_is_born_held(self, reservation: Reservation) -> None:
        copy = "INSERT INTO catalog_reservation (public_id, owner_id, status, expires_at, cap_at, extensions_count,"
        copy += (
            " policy_version, created_at) SELECT 'rsv_x', 'ord_x', 'committed', expires_at, cap_at, 0, 1, created_at"
        )

        assert refused(sql(f"{copy} FROM catalog_reservation")) == "catalog_reservation_status_machine"

    def test_never_ends_after_its_cap_or_loses_time(self, reservation: Reservation) -> None:
        beyond = reservation.cap_at + timedelta(seconds=1)

        assert refused(lambda: Reservation.objects.update(expires_at=beyond)) == "catalog_reservation_within_cap"
        sooner = refused(lambda: Reservation.objects.update(cap_at=F("cap_at") - timedelta(seconds=1)))
        assert sooner == "catalog_reservation_cap_never_earlier"

    def test_keeps_its_owner_and_its_lines(self, reservation: Reservation) -> None:
        assert refused(lambda: Reservation.objects.update(owner_id="ord_2")) == "catalog_reservation_frozen"
        assert refused(lambda: ReservationLine.objects.update(quantity=2)) == "catalog_reservationline_frozen"
        assert refused(sql("DELETE FROM catalog_reservation")) == "catalog_reservation_no_delete"
