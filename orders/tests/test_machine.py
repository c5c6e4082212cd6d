"""The order's machine is its table: in the model, in the services and, whoever writes, in the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, InternalError, ProgrammingError, connection
from django.db import transaction as django_transaction

from core.machines import load_order_transitions, may_move
from orders import services
from orders.models import Contact, DueAdjustment, Order, OrderEvent, OrderLine, OrderState, Reason, RefusedTransition
from orders.models.money import PAID_STATES
from orders.selectors import lock_order
from orders.services.change import Because, move
from orders.tests.factories import CAUSE, an_order, an_order_in

pytestmark = pytest.mark.usefixtures("database")

TABLE = {(row["source"], row["target"], row["transition"]) for row in load_order_transitions()}
WAYS = {(source, target) for source, target, _ in TABLE}
LACKING = sorted(
    (str(source), str(target))
    for source in OrderState
    for target in OrderState
    if source != target and (source, target) not in WAYS
)
BECAUSE = Because(reason=Reason.WINDOWS_OVER, cause=CAUSE)


def methods() -> dict[str, tuple[set[str], str, str]]:
    """This will return each transition method's sources, target and the table's name for it."""
    found = {}
    field: Any = Order._meta.get_field("state")
    for method in {entry.method for entry in field.get_all_transitions(Order)}:
        ways = list(method._django_fsm.transitions.values())
        found[method.__name__] = ({way.source for way in ways}, ways[0].target, ways[0].custom["transition"])
    return found


class TestTheTable:
    def test_the_methods_are_exactly_the_table(self) -> None:
        coded = {(str(source), str(target), name) for sources, target, name in methods().values() for source in sources}

        assert coded == TABLE

    def test_a_method_is_named_after_its_transition_and_if_need_be_its_target(self) -> None:
        for name, (_, target, transition) in methods().items():
            assert name in {transition, f"{transition}_{target}"}

    def test_the_machine_is_django_fsm_2(self) -> None:
        assert packages_distributions()["django_fsm"] == ["django-fsm-2"]

    @pytest.mark.pains("J5")
    def test_the_state_cannot_be_assigned_yet_rows_can_be_read_again(self) -> None:
        order = an_order()

        with pytest.raises(AttributeError):
            order.state = "paid"
        order.refresh_from_db()
        order.full_clean(exclude=["customer", "path_flags", "cancel_requested_at", "paid_at"])
        assert order.state == "draft"


class TestTheServiceRefuses:
    @pytest.mark.pains("J5")
    @pytest.mark.parametrize("state", [str(state) for state in OrderState])
    def test_every_way_the_table_lacks(self, state: str) -> None:
        paid = {"captured_minor": 2000} if state in PAID_STATES else {}
        order = an_order_in(state, **paid)
        allowed = {name for name, (sources, _, _) in methods().items() if state in sources}
        lacking = sorted(set(methods()) - allowed)

        for name in lacking:
            fresh = Order.objects.get(pk=order.pk)
            with pytest.raises(services.TransitionRefused), services.order_transaction("test"):
                move(fresh, getattr(fresh, name), BECAUSE)

        assert self.facts(order) == (state, order.version, order.version)
        refused = RefusedTransition.objects.order_by("id")
        assert [row.transition for row in refused] == lacking
        assert {(row.order_public_id, row.from_state, row.actor, row.reason) for row in refused} == {
            (order.public_id, state, CAUSE.actor, str(Reason.WINDOWS_OVER))
        }

    def facts(self, order: Order) -> tuple[str, int, int]:
        fresh = Order.objects.get(pk=order.pk)
        return fresh.state, fresh.version, fresh.history.count()

    def test_everything_around_the_refused_way_is_rolled_back_but_the_record_stays(self) -> None:
        order = an_order()

        def change() -> None:
            with services.order_transaction("test"):
                Contact.objects.update(name="changed on the way")
                move(order, order.closed, BECAUSE)

        with pytest.raises(services.TransitionRefused):
            change()

        assert Contact.objects.get().name == ""
        assert RefusedTransition.objects.count() == 1

    @pytest.mark.parametrize(
        ("state", "columns", "name"),
        [
            ("payment_pending", {"captured_minor": 1999}, "payment_captured"),
            ("payment_pending", {"captured_minor": 2001}, "payment_captured"),
            ("payment_pending", {"authorized_minor": 1999}, "payment_authorized"),
            ("payment_pending", {"captured_minor": 1}, "cancelled"),
            ("payment_pending", {"captured_minor": 2000}, "cancellation_refunded"),
            ("cancelled", {"captured_minor": 2000, "returned_minor": 1999}, "cancellation_refunded"),
            ("paid", {"captured_minor": 2000, "returned_minor": 1}, "fulfillment_requested"),
            ("paid", {"captured_minor": 2000}, "refund_confirmed_partially_refunded"),
            ("paid", {"captured_minor": 2000, "returned_minor": 1}, "refund_confirmed_refunded"),
            ("refunded", {"captured_minor": 2000, "returned_minor": 1}, "refund_reversed_paid"),
            ("cancelled_with_refund", {"captured_minor": 2000, "returned_minor": 2000}, "refund_reversed_cancelled"),
        ],
    )
    def test_a_way_whose_guard_does_not_hold(self, state: str, columns: dict[str, int], name: str) -> None:
        order = an_order_in(state, **columns)

        with pytest.raises(services.TransitionRefused), services.order_transaction("test"):
            move(order, getattr(order, name), BECAUSE)

        assert Order.objects.get(pk=order.pk).state == state


class TestCaptured:
    @pytest.mark.pains("C4")
    @pytest.mark.parametrize("state", ["paid", "fulfillment_pending"])
    def test_is_not_the_end_and_what_was_taken_back_ships_nothing(self, state: str) -> None:
        """The tables have the way. That a provider's reversal is read, takes it and opens a case comes with refunds and
        disputes: no update of a provider says `reversed` yet.
        """
        order = an_order_in(state, captured_minor=2000)

        with services.order_transaction("test"):
            locked = lock_order(order.public_id)
            # In one statement with its move: there is no moment in which it is paid and nothing was taken.
            locked.captured_minor = 0
            move(locked, locked.capture_reversed, BECAUSE)
        reversed_ = Order.objects.get(pk=order.pk)
        with pytest.raises(services.TransitionRefused), services.order_transaction("test"):
            move(reversed_, reversed_.fulfillment_requested, BECAUSE)

        assert (reversed_.state, reversed_.captured_minor) == ("capture_failed", 0)
        assert may_move("attempt", "captured", "reversed")
        assert may_move("attempt", "reversed", "captured")

    @pytest.mark.pains("C4")
    def test_later_still_pays_what_had_failed(self) -> None:
        late = {source for source, target, name in TABLE if (target, name) == ("paid", "payment_captured")}

        assert {"payment_failed", "capture_failed", "expired"} <= late
        assert all(may_move("attempt", source, "captured") for source in ("failed", "voided", "expired"))


@contextmanager
def refused() -> Iterator[None]:
    """This will expect the database to refuse the block, commit included."""
    with pytest.raises(DatabaseError) as refusal, django_transaction.atomic():
        yield
    assert isinstance(refusal.value, IntegrityError | ProgrammingError | InternalError), refusal.value


def run(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


# As the application's own role: what a setting would have to allow.
SETTINGS = ("pgtrigger.ignore", "surety.bypass", "pghistory.context_id")


class TestTheDatabaseRefuses:
    def test_the_tests_run_as_the_application_s_own_role(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == ("surety_app", False)

    @pytest.mark.pains("J5")
    def test_every_way_the_table_lacks_by_update(self) -> None:
        for source in sorted({source for source, _ in LACKING}):
            order = an_order_in(source, **({"captured_minor": 2000} if source in PAID_STATES else {}))
            for target in [target for lacking, target in LACKING if lacking == source]:
                with refused():
                    Order.objects.filter(pk=order.pk).update(state=target)
            assert Order.objects.get(pk=order.pk).state == source

    @pytest.mark.parametrize("state", [str(state) for state in OrderState if state != "draft"])
    def test_a_birth_elsewhere_than_in_draft(self, state: str) -> None:
        order = an_order()
        columns = [str(field.column) for field in Order._meta.concrete_fields if field.column != "id"]
        names = ", ".join(f'"{column}"' for column in columns)
        values = {"state": "%s", "public_id": "'ord_other'", "number": "'OTHER'", "cart_id": "'cart_other'"}
        chosen = ", ".join(values.get(column, f'"{column}"') for column in columns)

        with refused():
            run(f"INSERT INTO orders_order ({names}) SELECT {chosen} FROM orders_order WHERE id = %s", state, order.pk)

    def test_a_birth_elsewhere_by_copy(self) -> None:
        order = an_order()
        born = {"id": order.pk + 1, "state": "paid", "public_id": "ord_x", "number": "X", "cart_id": "cart_x"}
        fields = [field for field in Order._meta.concrete_fields if field.column]
        names = ", ".join(f'"{field.column}"' for field in fields)
        values = {
            str(field.column): field.get_db_prep_save(getattr(order, field.attname), connection) for field in fields
        }
        values |= born | {"captured_minor": 2000, "path_flags": "{}"}

        with pytest.raises(psycopg.errors.CheckViolation, match="not born in paid"), connection.cursor() as cursor:  # noqa: SIM117
            with cursor.cursor.copy(f"COPY orders_order ({names}) FROM STDIN") as copy:
                copy.write_row(list(values.values()))
        assert Order.objects.count() == 1

    @pytest.mark.parametrize("setting", SETTINGS)
    def test_whatever_setting_is_on(self, setting: str) -> None:
        order = an_order()

        with refused():
            run(f"SELECT set_config('{setting}', 'all', true)")
            Order.objects.filter(pk=order.pk).update(state="paid", captured_minor=2000)

    @pytest.mark.parametrize(
        "setting",
        [
            "SET session_replication_role = replica",
            "SET LOCAL session_replication_role = replica",
            "SELECT set_config('session_replication_role', 'replica', true)",
            "ALTER TABLE orders_order DISABLE TRIGGER ALL",
            "DROP TRIGGER orders_order_state_machine ON orders_order",
            "CREATE OR REPLACE FUNCTION surety_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "SET ROLE surety_owner",
        ],
    )
    def test_and_the_role_cannot_switch_the_guards_off(self, setting: str) -> None:
        an_order()

        with refused():
            run(setting)

    @pytest.mark.parametrize(
        "change",
        [
            {"total_minor": 1},
            {"currency": "EUR"},
            {"number": "MINE"},
            {"snapshot": {}},
            {"snapshot_hash": "v1:0"},
            {"public_id": "ord_mine"},
            {"cart_id": "cart_mine"},
            {"is_livemode": True},
            {"bucket_id": "bkt_mine"},
            {"captured_minor": -1},
            {"returned_minor": 1},
            {"excess_minor": 1},
            {"version": 7},
        ],
        ids=lambda change: next(iter(change)),
    )
    @pytest.mark.pains("H4")
    def test_a_change_of_what_was_agreed_or_of_money_that_cannot_be(self, change: dict[str, Any]) -> None:
        order = an_order()

        with refused():
            Order.objects.filter(pk=order.pk).update(**change)
        if "snapshot" in change:
            with refused():
                run("UPDATE orders_order SET snapshot = jsonb_set(snapshot, '{total_minor}', '1')")

    @pytest.mark.parametrize(
        "model", [Order, OrderLine, OrderEvent, RefusedTransition, DueAdjustment], ids=lambda model: model.__name__
    )
    def test_removal(self, model: Any) -> None:
        order = an_order()
        with pytest.raises(services.TransitionRefused), services.order_transaction("test"):
            move(order, order.closed, BECAUSE)
        with services.order_transaction("test"):
            locked = Order.objects.get(pk=order.pk)
            services.adjust_due(locked, amount_minor=-1, reason="test", approved_by="staff:usr_2", cause=CAUSE)
        table = model._meta.db_table
        count = model.objects.count()
        assert count

        for act in (
            lambda: run(f"DELETE FROM {table}"),
            lambda: model.objects.all()._raw_delete(using="default"),
            lambda: run(f"TRUNCATE {table}"),
            lambda: run(f"TRUNCATE {table} CASCADE"),
            lambda: run(f"DROP TABLE {table} CASCADE"),
        ):
            with refused():
                act()
        assert model.objects.count() == count

    @pytest.mark.parametrize(
        "change", [{"reason": "closed"}, {"actor": "nobody"}, {"to_state": "paid"}, {"facts": {}}, {"sequence": 5}]
    )
    def test_a_change_of_history(self, change: dict[str, Any]) -> None:
        an_order()

        with refused():
            OrderEvent.objects.update(**change)

    @pytest.mark.pains("J5")
    def test_a_state_without_its_history_at_commit(self) -> None:
        order = an_order()

        with refused():
            Order.objects.filter(pk=order.pk).update(state="payment_pending")
        with refused():
            Order.objects.filter(pk=order.pk).update(state="payment_pending", version=2)
        assert Order.objects.get(pk=order.pk).state == "draft"

    @pytest.mark.parametrize(
        "row",
        [
            {"sequence": 3, "kind": "fact", "to_state": "", "from_state": ""},
            {"sequence": 2, "kind": "fact", "to_state": "", "from_state": ""},
            {"sequence": 1, "kind": "fact", "to_state": "", "from_state": ""},
            {"sequence": 2, "kind": "transition", "to_state": "paid", "from_state": "draft"},
            {"sequence": 2, "kind": "transition", "to_state": "paid", "from_state": "payment_pending"},
            {"sequence": 2, "kind": "fact", "to_state": "paid", "from_state": ""},
            {"sequence": 2, "kind": "transition", "to_state": "", "from_state": ""},
        ],
        ids=str,
    )
    def test_history_with_a_gap_or_without_its_order(self, row: dict[str, Any]) -> None:
        order = an_order()
        first = OrderEvent.objects.get()
        first.pk = None
        for name, value in row.items():
            setattr(first, name, value)

        with refused():
            first.save(force_insert=True)
        assert order.history.count() == 1

    @pytest.mark.parametrize("money", [{}, {"captured_minor": 1999}, {"captured_minor": 2001}])
    def test_paid_without_accepted_being_due(self, money: dict[str, int]) -> None:
        order = an_order_in("payment_pending", **money)

        with refused():
            Order.objects.filter(pk=order.pk).update(state="paid", version=3)

    def test_a_second_order_of_the_same_cart(self) -> None:
        order = an_order()

        with pytest.raises(IntegrityError, match="orders_order_one_per_cart"):
            an_order(cart_id=order.cart_id)

    def test_two_people_s_signatures_of_one_person(self) -> None:
        order = an_order()

        with refused():
            DueAdjustment.objects.create(
                order=order,
                amount_minor=-1,
                reason="x",
                requested_by="staff:usr_1",
                approved_by="staff:usr_1",
                trace_id="t",
                recorded_at=CAUSE.now,
            )
