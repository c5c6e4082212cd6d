"""Products, prices and arrivals; units kept for orders from reserve to their end."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.models import Price, Product, Reservation, ReservationLine, Stock, Variant
from catalog.services import NewProduct, NewVariant
from catalog.tests.factories import a_product, shelf, units_on_live_reservations
from core import policies
from core.db import TransactionStanceError, transaction
from core.errors import Invalid
from core.models import SalesChannel
from core.tests.factories import NOW, a_channel

pytestmark = pytest.mark.usefixtures("database")

Move = Callable[..., Reservation]
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def channel(database: str) -> SalesChannel:
    return a_channel()


def reserved(
    variant: Variant, *, owner: str = "ord_1", units: int = 1, expires_at: datetime | None = None
) -> Reservation:
    with transaction("test"):
        return services.reserve(
            owner_id=owner,
            channel_id=variant.channel_id,
            quantities={variant.pk: units},
            now=NOW,
            expires_at=expires_at,
        )


def do(move: Move, *, owner: str = "ord_1", now: datetime = LATER) -> Reservation:
    with transaction("test"):
        return move(owner_id=owner, now=now)


class TestCreateProduct:
    def test_stores_variants_with_prices_and_stock(self, channel: SalesChannel) -> None:
        new = NewProduct(
            slug="mug",
            name="Mug",
            variants=[
                NewVariant(sku="MUG-RED", prices={"GBP": 1999, "JPY": 3500}, units=4, name="red"),
                NewVariant(sku="mug-red", prices={"GBP": 999}),
            ],
        )

        with transaction("test"):
            product = services.create_product(channel=channel, product=new, now=NOW)

        red, other = product.variants.order_by("id")
        assert (red.sku, other.sku) == ("MUG-RED", "mug-red")
        assert dict(red.prices.values_list("currency", "amount_minor")) == {"GBP": 1999, "JPY": 3500}
        assert (shelf(red), shelf(other)) == ((4, 0, 0), (0, 0, 0))

    def test_stores_many_in_four_statements(self, channel: SalesChannel) -> None:
        new = [
            NewProduct(slug=f"p-{n}", name="P", variants=[NewVariant(sku=f"S{n}", prices={"GBP": n})])
            for n in range(500)
        ]

        with transaction("test"), CaptureQueriesContext(connection) as queries:
            services.create_products(channel=channel, products=new, now=NOW)

        assert len(queries) == 4
        assert Price.objects.count() == 500

    @pytest.mark.parametrize(
        ("new", "error"),
        [
            (NewProduct(slug="a b", name="P", variants=[NewVariant(sku="S")]), services.InvalidProduct),
            (NewProduct(slug="p", name="", variants=[NewVariant(sku="S")]), services.InvalidProduct),
            (NewProduct(slug="p", name="P\x00", variants=[NewVariant(sku="S")]), services.InvalidProduct),
            (NewProduct(slug="p", name="P", variants=[]), services.InvalidProduct),
            (NewProduct(slug="p", name="P", variants=[NewVariant(sku="A/B")]), services.InvalidProduct),
            (NewProduct(slug="p", name="P", variants=[NewVariant(sku="")]), services.InvalidProduct),
            (NewProduct(slug="p", name="P", variants=[NewVariant(sku="S", prices={"GBP": -1})]), services.InvalidPrice),
            (NewProduct(slug="p", name="P", variants=[NewVariant(sku="S", prices={"USD": 1})]), services.InvalidPrice),
            (NewProduct(slug="p", name="P", variants=[NewVariant(sku="S", prices={"KWD": 5})]), services.InvalidPrice),
            (NewProduct(slug="p", name="P", variants=[NewVariant(sku="S", units=-1)]), services.InvalidQuantity),
            (NewProduct(slug="TAKEN", name="P", variants=[NewVariant(sku="S")]), services.SlugTaken),
            (NewProduct(slug="p", name="P", variants=[NewVariant(sku="TAKEN")]), services.SkuTaken),
        ],
    )
    def test_refuses(self, channel: SalesChannel, new: NewProduct, error: type[Invalid]) -> None:
        a_product(channel, sku="TAKEN")

        with pytest.raises(error), transaction("test"):
            services.create_product(channel=channel, product=new, now=NOW)

        assert Product.objects.count() == 1


class TestSetPrices:
    def test_changes_and_adds_in_one_statement(self, channel: SalesChannel) -> None:
        old = a_product(channel, sku="OLD", price_minor=100)
        same = a_product(channel, sku="SAME", price_minor=200)
        bare = a_product(channel, sku="BARE", price_minor=None)

        with transaction("test"), CaptureQueriesContext(connection) as queries:
            services.set_prices(
                channel=channel, currency="GBP", prices={"OLD": 101, "SAME": 200, "BARE": 300}, now=LATER
            )

        assert len(queries) == 1
        assert {
            price.variant_id: (price.amount_minor, price.changed_at) for price in Price.objects.filter(currency="GBP")
        } == {old.pk: (101, LATER), same.pk: (200, NOW), bare.pk: (300, LATER)}

    def test_names_unknown_skus_and_writes_nothing(self, channel: SalesChannel) -> None:
        a_product(channel, sku="A", price_minor=100)
        a_product(a_channel(slug="other"), sku="FOREIGN")

        with pytest.raises(services.UnknownSku) as refusal, transaction("test"):
            services.set_prices(channel=channel, currency="GBP", prices={"A": 1, "a": 2, "FOREIGN": 3}, now=LATER)

        assert refusal.value.facts == {"skus": ["FOREIGN", "a"]}
        assert Price.objects.get(variant__sku="A").amount_minor == 100

    def test_refuses_a_negative_price(self, channel: SalesChannel) -> None:
        with pytest.raises(services.InvalidPrice), transaction("test"):
            services.set_prices(channel=channel, currency="GBP", prices={"A": -1}, now=NOW)


class TestReceiveStock:
    def test_adds_units_in_one_statement(self, channel: SalesChannel) -> None:
        first, second = a_product(channel, sku="A", stock=1), a_product(channel, sku="B", stock=0)

        with transaction("test"), CaptureQueriesContext(connection) as queries:
            services.receive_stock(channel=channel, units={"B": 80_995, "A": 2}, now=LATER)

        assert len(queries) == 1
        assert (shelf(first), shelf(second)) == ((3, 0, 0), (80_995, 0, 0))
        assert Stock.objects.get(variant=second).last_received_at == LATER

    def test_names_unknown_skus_and_adds_nothing(self, channel: SalesChannel) -> None:
        variant = a_product(channel, sku="A", stock=1)

        with pytest.raises(services.UnknownSku), transaction("test"):
            services.receive_stock(channel=channel, units={"A": 1, "B": 1}, now=LATER)

        assert shelf(variant) == (1, 0, 0)

    def test_refuses_to_receive_less_than_a_unit(self, channel: SalesChannel) -> None:
        with pytest.raises(services.InvalidQuantity), transaction("test"):
            services.receive_stock(channel=channel, units={"A": 0}, now=NOW)


class TestReserve:
    def test_holds_units_for_the_policys_time(self, channel: SalesChannel) -> None:
        variant = a_product(channel, stock=10)

        reservation = reserved(variant, units=3)

        assert shelf(variant) == (7, 3, 0)
        assert reservation.status == "held"
        assert reservation.expires_at == NOW + timedelta(minutes=15)
        assert reservation.cap_at == NOW + timedelta(minutes=60)
        assert reservation.policy_version == 1
        assert units_on_live_reservations() == {"MUG-RED": (3, 0)}

    def test_a_slow_method_moves_the_cap(self, channel: SalesChannel) -> None:
        in_three_days = NOW + timedelta(days=3)

        reservation = reserved(a_product(channel), expires_at=in_three_days)

        assert (reservation.expires_at, reservation.cap_at) == (in_three_days, in_three_days)

    def test_takes_all_or_nothing_and_names_what_is_short(self, channel: SalesChannel) -> None:
        enough, short = a_product(channel, sku="A", stock=5), a_product(channel, sku="B", stock=1)

        with pytest.raises(services.InsufficientStock) as refusal, transaction("test"):
            services.reserve(owner_id="ord_1", channel_id=channel.pk, quantities={enough.pk: 5, short.pk: 2}, now=NOW)

        assert refusal.value.facts == {"lines": [{"sku": "B", "requested": 2, "available": 1}]}
        assert (shelf(enough), shelf(short)) == ((5, 0, 0), (1, 0, 0))
        assert not Reservation.objects.exists()

    def test_takes_nothing_of_another_shop(self, channel: SalesChannel) -> None:
        foreign = a_product(a_channel(slug="other"))

        with pytest.raises(services.InsufficientStock), transaction("test"):
            services.reserve(owner_id="ord_1", channel_id=channel.pk, quantities={foreign.pk: 1}, now=NOW)

        assert shelf(foreign) == (10, 0, 0)

    def test_a_second_one_for_the_same_order_is_refused(self, channel: SalesChannel) -> None:
        variant = a_product(channel)
        reserved(variant)

        with pytest.raises(services.AlreadyReserved):
            reserved(variant)

        assert shelf(variant) == (9, 1, 0)

    @pytest.mark.parametrize("units", [0, -1, 2**31])
    def test_refuses_units_no_line_can_hold(self, channel: SalesChannel, units: int) -> None:
        with pytest.raises(services.InvalidQuantity):
            reserved(a_product(channel), units=units)

    def test_refuses_an_empty_basket(self, channel: SalesChannel) -> None:
        with pytest.raises(services.InvalidQuantity), transaction("test"):
            services.reserve(owner_id="ord_1", channel_id=channel.pk, quantities={}, now=NOW)

    def test_statements_do_not_grow_with_the_lines(self, channel: SalesChannel) -> None:
        new = [NewProduct(slug=f"p-{n}", name="P", variants=[NewVariant(sku=f"S{n}", units=9)]) for n in range(2000)]
        with transaction("test"):
            services.create_products(channel=channel, products=new, now=NOW)
        everything = list(Variant.objects.values_list("id", flat=True))
        policies.current("reservation")

        counts = []
        for owner, variants in [("ord_1", everything[:1]), ("ord_2", everything)]:
            with transaction("test"), CaptureQueriesContext(connection) as queries:
                services.reserve(owner_id=owner, channel_id=channel.pk, quantities=dict.fromkeys(variants, 1), now=NOW)
                services.commit(owner_id=owner, now=NOW)
            counts.append(len(queries))

        assert counts == [5, 5]
        assert ReservationLine.objects.count() == 2001

    def test_needs_a_transaction(self, channel: SalesChannel) -> None:
        with pytest.raises(TransactionStanceError):
            services.reserve(owner_id="ord_1", channel_id=channel.pk, quantities={1: 1}, now=NOW)


class TestMoves:
    """Each move counts once, however often it is asked for."""

    @pytest.mark.parametrize(
        ("moves", "status", "left"),
        [
            ([services.commit], "committed", (7, 0, 3)),
            ([services.release], "released", (10, 0, 0)),
            ([services.expire], "expired", (10, 0, 0)),
            ([services.commit, services.uncommit], "held", (7, 3, 0)),
            ([services.commit, services.uncommit, services.commit], "committed", (7, 0, 3)),
            ([services.commit, services.release], "released", (10, 0, 0)),
            ([services.uncommit], "held", (7, 3, 0)),
            ([services.release, services.expire], "released", (10, 0, 0)),
            ([services.expire, services.release], "expired", (10, 0, 0)),
        ],
    )
    def test_twice_is_once(
        self, channel: SalesChannel, moves: list[Move], status: str, left: tuple[int, int, int]
    ) -> None:
        variant = a_product(channel, stock=10)
        reservation = reserved(variant, units=3)

        for move in moves:
            first, second = do(move), do(move, now=LATER + timedelta(hours=2))
            assert (first.pk, first.status, first.ended_at) == (second.pk, second.status, second.ended_at)

        reservation.refresh_from_db()
        assert (reservation.status, shelf(variant)) == (status, left)
        assert reservation.ended_at == (LATER if left == (10, 0, 0) else None)
        assert units_on_live_reservations() == {"MUG-RED": left[1:]}

    @pytest.mark.parametrize("end", [services.release, services.expire])
    @pytest.mark.parametrize("move", [services.commit, services.uncommit, services.extend])
    def test_units_that_went_back_cannot_be_sold(self, channel: SalesChannel, end: Move, move: Move) -> None:
        variant = a_product(channel, stock=10)
        reserved(variant)
        do(end)

        with pytest.raises(services.ReservationOver):
            do(move)

        assert shelf(variant) == (10, 0, 0)

    def test_time_takes_nothing_from_a_paid_order(self, channel: SalesChannel) -> None:
        variant = a_product(channel, stock=10)
        reserved(variant)
        do(services.commit)

        with pytest.raises(services.ReservationCommitted):
            do(services.expire)

        assert shelf(variant) == (9, 0, 1)

    @pytest.mark.parametrize("move", [services.commit, services.uncommit, services.release, services.expire])
    def test_an_order_that_never_reserved_is_told_so(self, channel: SalesChannel, move: Move) -> None:
        with pytest.raises(services.NoReservation):
            do(move)

    def test_a_reversed_capture_begins_a_new_hold(self, channel: SalesChannel) -> None:
        reserved(a_product(channel))
        do(services.commit)
        a_day_later = NOW + timedelta(days=1)

        reservation = do(services.uncommit, now=a_day_later)

        assert reservation.expires_at == a_day_later + timedelta(minutes=15)
        assert reservation.cap_at == a_day_later + timedelta(minutes=60)


class TestExtend:
    def test_never_goes_beyond_the_cap(self, channel: SalesChannel) -> None:
        reserved(a_product(channel))

        early = do(services.extend, now=NOW + timedelta(minutes=14))
        late = do(services.extend, now=NOW + timedelta(minutes=55))
        again = do(services.extend, now=NOW + timedelta(minutes=59))

        assert early.expires_at == NOW + timedelta(minutes=29)
        assert late.expires_at == again.expires_at == again.cap_at == NOW + timedelta(minutes=60)
        assert again.extensions_count == 2

    def test_held_funds_lift_the_cap(self, channel: SalesChannel) -> None:
        reserved(a_product(channel))
        deadline = NOW + timedelta(days=7)

        with transaction("test"):
            services.hold_until(owner_id="ord_1", until=deadline)
        with transaction("test"):
            reservation = services.hold_until(owner_id="ord_1", until=NOW)

        assert (reservation.expires_at, reservation.cap_at) == (deadline, deadline)


class TestReserveAgain:
    def again(self, channel: SalesChannel) -> Reservation:
        with transaction("test"):
            return services.reserve_again(owner_id="ord_1", channel_id=channel.pk, now=LATER)

    def test_keeps_the_same_units_in_a_new_row(self, channel: SalesChannel) -> None:
        variant = a_product(channel, stock=10)
        first = reserved(variant, units=3)
        do(services.expire)

        second = self.again(channel)

        assert second.pk != first.pk
        assert shelf(variant) == (7, 3, 0)
        assert self.again(channel).pk == second.pk

    def test_leaves_the_transaction_usable_when_units_are_gone(self, channel: SalesChannel) -> None:
        variant = a_product(channel, stock=1)
        reserved(variant)
        do(services.expire)
        reserved(variant, owner="ord_2")

        with transaction("test"):
            with pytest.raises(services.InsufficientStock):
                services.reserve_again(owner_id="ord_1", channel_id=channel.pk, now=LATER)
            a_product(channel, sku="WRITTEN-AFTERWARDS")

        assert shelf(variant) == (0, 1, 0)
        assert Reservation.objects.filter(owner_id="ord_1").count() == 1
        assert Variant.objects.filter(sku="WRITTEN-AFTERWARDS").exists()


class TestReleaseCapped:
    def test_gives_back_what_is_past_its_cap_and_names_the_orders(self, channel: SalesChannel) -> None:
        variant, other = a_product(channel, sku="A", stock=10), a_product(channel, sku="B", stock=10)
        reserved(variant, owner="ord_1", units=2)
        reserved(variant, owner="ord_2", units=3)
        reserved(other, owner="ord_paid", units=1)
        reserved(other, owner="ord_slow", units=1, expires_at=NOW + timedelta(days=3))
        do(services.commit, owner="ord_paid")
        at_the_cap = NOW + timedelta(minutes=60)

        assert services.release_capped(now=at_the_cap - timedelta(seconds=1)) == []
        assert sorted(services.release_capped(now=at_the_cap)) == ["ord_1", "ord_2"]
        assert services.release_capped(now=at_the_cap) == []

        assert (shelf(variant), shelf(other)) == ((10, 0, 0), (8, 1, 1))
        ended = Reservation.objects.filter(status="expired").values_list("owner_id", "ended_at")
        assert set(ended) == {("ord_1", at_the_cap), ("ord_2", at_the_cap)}

    def test_works_through_many_in_batches(self, channel: SalesChannel) -> None:
        variant = a_product(channel, stock=5)
        for number in range(5):
            reserved(variant, owner=f"ord_{number}")

        batches = [len(services.release_capped(now=NOW + timedelta(hours=2), limit=2)) for _ in range(4)]

        assert batches == [2, 2, 1, 0]
        assert shelf(variant) == (5, 0, 0)
