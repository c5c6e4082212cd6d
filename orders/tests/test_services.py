"""Placing, holding, adjusting, cancelling, paying and returning, below the money's funnel."""

from dataclasses import replace
from datetime import timedelta

import pytest

from catalog.models import Stock
from core.cause import system
from core.db import TransactionStanceError, transaction
from core.errors import Invalid
from core.tests.factories import NOW
from orders import services
from orders.models import Contact, DueAdjustment, Hold, HoldReason, Order, OrderLine, Reason
from orders.selectors import lock_order, open_holds
from orders.services import create
from orders.services.change import Because
from orders.snapshot import hash_snapshot
from orders.tests.factories import CAUSE, an_order, an_order_in

pytestmark = pytest.mark.usefixtures("database")

STAFF = replace(CAUSE, actor="staff:usr_1")


class TestCreateOrder:
    def test_is_a_draft_with_everything_that_belongs_to_it(self) -> None:
        order = an_order()

        assert (order.state, order.version, order.total_minor, order.due_minor) == ("draft", 1, 2000, 2000)
        assert order.snapshot_hash == hash_snapshot(Order.objects.get().snapshot)
        line = OrderLine.objects.get()
        assert (line.sku, line.name, line.quantity, line.total_minor) == ("MUG-RED", "Red mug – Large", 2, 2000)
        born = order.history.get()
        assert (born.kind, born.from_state, born.to_state, born.sequence) == ("transition", "", "draft", 1)

    def test_normalises_who_to_reach(self) -> None:
        an_order()

        contact = Contact.objects.get()
        assert (contact.email, contact.phone) == ("ada@example.com", "+442079460018")
        assert contact.email_digest == create.contact_digest("ada@example.com")

    @pytest.mark.pains("B3")
    def test_a_number_that_is_taken_is_drawn_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first = an_order()
        numbers = iter([first.number, first.number, "FREE"])
        monkeypatch.setattr(create, "new_order_number", lambda: next(numbers))

        assert an_order().number == "FREE"

    def test_needs_its_caller_s_transaction(self) -> None:
        order = an_order()

        with pytest.raises(TransactionStanceError):
            services.request_cancel(order, reason="", cause=CAUSE)


class TestHolds:
    def test_one_is_open_per_reason_and_released_by_somebody(self) -> None:
        order = an_order()
        with transaction("test"):
            first = services.open_hold(order, reason=HoldReason.MANUAL, detail="x" * 400, cause=STAFF)
            again = services.open_hold(order, reason=HoldReason.MANUAL, detail="y", cause=STAFF)
            services.open_hold(order, reason=HoldReason.DISPUTE, detail="", cause=STAFF)
        assert first.pk == again.pk
        assert open_holds(order) == ["manual", "dispute"]

        with transaction("test"):
            assert services.release_hold(order, reason=HoldReason.MANUAL, cause=STAFF)
            assert not services.release_hold(order, reason=HoldReason.MANUAL, cause=STAFF)
        assert open_holds(order) == ["dispute"]
        assert Hold.objects.get(reason="manual").released_by == "staff:usr_1"
        assert list(order.history.values_list("reason", flat=True)) == [
            "order_placed",
            "hold_opened",
            "hold_opened",
            "hold_released",
        ]
        assert Order.objects.get().version == 4

    def test_a_released_reason_can_be_held_again(self) -> None:
        order = an_order()
        for _ in range(2):
            with transaction("test"):
                services.open_hold(order, reason=HoldReason.MANUAL, detail="", cause=STAFF)
                services.release_hold(order, reason=HoldReason.MANUAL, cause=STAFF)

        assert Hold.objects.count() == 2


class TestAdjustDue:
    def adjust(self, order: Order, amount_minor: int, *, approved_by: str = "staff:usr_2") -> None:
        with transaction("test"):
            services.adjust_due(order, amount_minor=amount_minor, reason="broken", approved_by=approved_by, cause=STAFF)

    def test_needs_a_second_person(self) -> None:
        order = an_order()

        with pytest.raises(Invalid, match="second person"):
            self.adjust(order, -500, approved_by="staff:usr_1")
        assert not DueAdjustment.objects.exists()

    def test_changes_what_is_due_and_not_what_was_agreed(self) -> None:
        order = an_order()

        self.adjust(order, -500)
        self.adjust(order, 100)

        order = Order.objects.get()
        assert (order.due_minor, order.total_minor) == (1600, 2000)
        assert sum(DueAdjustment.objects.values_list("amount_minor", flat=True)) == order.due_minor - order.total_minor

    @pytest.mark.parametrize("amount_minor", [-2000, -2001])
    def test_something_must_stay_due(self, amount_minor: int) -> None:
        with pytest.raises(Invalid):
            self.adjust(an_order(), amount_minor)

    @pytest.mark.parametrize("state", ["paid", "refunded", "cancelled", "closed"])
    def test_not_past_payment(self, state: str) -> None:
        with pytest.raises(Invalid):
            self.adjust(an_order_in(state, captured_minor=2000), -1)


class TestCancel:
    def test_is_a_request_first_and_asked_for_once(self) -> None:
        order = an_order()
        for actor in ("customer:usr_1", "staff:usr_2"):
            with transaction("test"):
                order = lock_order(order.public_id)
                services.request_cancel(order, reason="changed my mind", cause=replace(CAUSE, actor=actor))

        assert (order.state, order.cancel_requested_by, order.version) == ("draft", "customer:usr_1", 2)

    @pytest.mark.parametrize("state", ["fulfillment_pending", "refunded", "closed"])
    def test_is_refused_once_goods_were_asked_for_or_everything_went_back(self, state: str) -> None:
        order = an_order_in(state, captured_minor=2000)

        with pytest.raises(services.CannotCancel), transaction("test"):
            services.request_cancel(order, reason="", cause=CAUSE)

    def test_gives_the_units_back_once(self) -> None:
        order = an_order()
        because = Because(Reason.CUSTOMER_CANCELLED, CAUSE)
        with transaction("test"):
            services.cancel(order, because)
        with pytest.raises(services.TransitionRefused), services.order_transaction("test"):
            services.cancel(order, because)

        stock = Stock.objects.get()
        assert (stock.available, stock.held) == (1000, 0)


class TestTime:
    def test_is_extended_once_more_and_never_beyond_the_cap(self) -> None:
        order = an_order()
        extended = []
        for minutes in (14, 28, 42, 56, 59):
            with transaction("test"):
                order = lock_order(order.public_id)
                cause = system("sweep", now=NOW + timedelta(minutes=minutes))
                extended.append(services.extend_reservation(order, cause=cause))

        assert extended == [True, True, True, True, False]
        assert Order.objects.get().expires_at == NOW + timedelta(minutes=60)
        assert Order.objects.get().version == 5, "each is a fact the customer is shown"

    def test_a_draft_ends_as_cancelled_because_nobody_ever_knew_of_it(self) -> None:
        order = an_order()
        with transaction("test"):
            services.expire(order, Because(Reason.CHECKOUT_ABANDONED, CAUSE))

        assert Order.objects.get().state == "cancelled"


class TestCarryRefunds:
    """After payment the state is a function of facts, so it must not matter how an order came to where it is."""

    @pytest.mark.parametrize("state", ["paid", "partially_refunded", "refunded"])
    @pytest.mark.parametrize(("returned", "expected"), [(0, "paid"), (1, "partially_refunded"), (2000, "refunded")])
    def test_forth_and_back(self, state: str, returned: int, expected: str) -> None:
        order = an_order_in(state, captured_minor=2000, returned_minor=returned)

        with services.order_transaction("test"):
            services.carry_on(order, Because(Reason.REFUND_SUCCEEDED, CAUSE))

        assert Order.objects.get().state == expected

    @pytest.mark.parametrize(
        ("fulfilled", "expected"), [(0, "fulfillment_pending"), (1, "partially_fulfilled"), (2, "fulfilled")]
    )
    def test_back_to_what_was_fulfilled(self, fulfilled: int, expected: str) -> None:
        order = an_order_in("refunded", captured_minor=2000, is_fulfillment_requested=True)
        OrderLine.objects.update(units_fulfilled=fulfilled)

        with services.order_transaction("test"):
            services.carry_on(order, Because(Reason.REFUND_REVERSED, CAUSE))

        assert Order.objects.get().state == expected

    @pytest.mark.parametrize("state", ["draft", "payment_pending", "cancelled", "closed"])
    def test_leaves_other_orders_alone(self, state: str) -> None:
        order = an_order_in(state)

        with services.order_transaction("test"):
            services.carry_on(order, Because(Reason.REFUND_SUCCEEDED, CAUSE))

        assert Order.objects.get().state == state
