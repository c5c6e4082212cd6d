"""Attempts and operations follow their machines, whoever writes; what was agreed with a provider never changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db import transaction as django_transaction

from core import clock
from core.cause import system
from core.db import TransactionStanceError, transaction
from core.machines import MOVES
from oversight.tests.factories import tampering
from payments import services
from payments.models import AttemptStatus, Operation, OperationStatus, PaymentAttempt
from tests.journeys.facts import with_wrong_key
from tests.shop import Shop


@contextmanager
def refused(name: str = "") -> Iterator[None]:
    """This will expect the database to refuse the block, by the name of what refuses."""
    with pytest.raises(DatabaseError, match=name or None), django_transaction.atomic():
        yield


def force(table: str, row_id: int, **columns: Any) -> None:
    """This will write columns past every guard, as only a superuser can."""
    with tampering() as tamperer:
        for name, value in columns.items():
            tamperer.execute(f"UPDATE {table} SET {name} = %s WHERE id = %s", [value, row_id])


def allowed(rows: Any, status: str) -> None:
    """This will expect the database to let the change through, and then undo it."""
    with django_transaction.atomic():
        assert rows.update(status=status) == 1
        django_transaction.set_rollback(True)


class TestMachines:
    @pytest.mark.parametrize("source", [str(status) for status in AttemptStatus])
    def test_an_attempt_takes_no_way_its_machine_lacks(self, shop: Shop, source: str) -> None:
        shop.start(shop.a_cart())
        attempt = PaymentAttempt.objects.get()
        force("payments_paymentattempt", attempt.pk, status=source)

        for target in AttemptStatus:
            rows = PaymentAttempt.objects.filter(pk=attempt.pk)
            if target == source or (source, str(target)) in MOVES["attempt"]:
                allowed(rows, str(target))
            else:
                with refused("cannot go from"):
                    rows.update(status=target)

    @pytest.mark.parametrize("source", [str(status) for status in OperationStatus])
    def test_an_operation_takes_no_way_its_machine_lacks(self, shop: Shop, source: str) -> None:
        shop.start(shop.a_cart())
        operation = Operation.objects.get()
        force("payments_operation", operation.pk, status=source)

        for target in OperationStatus:
            rows = Operation.objects.filter(pk=operation.pk)
            if target == source or (source, str(target)) in MOVES["operation"]:
                allowed(rows, str(target))
            else:
                with refused("cannot go from"):
                    rows.update(status=target)

    @pytest.mark.parametrize("status", [status for status in AttemptStatus if status != "created"])
    def test_an_attempt_is_born_as_created(self, shop: Shop, status: str) -> None:
        shop.start(shop.a_cart())
        attempt = PaymentAttempt.objects.get()
        attempt.pk, attempt.public_id, attempt.provider_reference = None, "payatt_other", None
        attempt.status, attempt.is_current = status, False

        with refused("is not born in"):
            attempt.save(force_insert=True)

    @pytest.mark.parametrize("status", [status for status in OperationStatus if status not in {"created", "sent"}])
    def test_an_operation_is_born_before_its_answer(self, shop: Shop, status: str) -> None:
        shop.start(shop.a_cart())
        operation = Operation.objects.get()
        operation.pk, operation.public_id, operation.provider_key = None, "op_other", "v1:other"
        operation.kind, operation.status = "void", status

        with refused("is not born in"):
            operation.save(force_insert=True)


class TestWhatNeverChanges:
    @pytest.mark.parametrize(
        "change",
        [
            {"amount_minor": 1},
            {"currency": "EUR"},
            {"public_id": "payatt_x"},
            {"tender": "other"},
            {"metadata_hash": "x"},
            {"capture_method": "manual"},
            {"provider_reference": "pi_other"},
            {"provider_reference": None},
            {"amount_minor": 0},
            {"captured_minor": -1},
            {"excess_minor": 1},
        ],
        ids=str,
    )
    def test_of_an_attempt(self, shop: Shop, change: dict[str, Any]) -> None:
        shop.start(shop.a_cart())

        with refused():
            PaymentAttempt.objects.update(**change)

    @pytest.mark.parametrize(
        "change",
        [{"amount_minor": 1}, {"provider_key": "v1:new"}, {"request": {}}, {"kind": "refund"}, {"public_id": "op_x"}],
        ids=str,
    )
    def test_of_an_operation(self, shop: Shop, change: dict[str, Any]) -> None:
        shop.start(shop.a_cart())

        with refused():
            Operation.objects.update(**change)

    @pytest.mark.parametrize("model", [PaymentAttempt, Operation], ids=lambda model: model.__name__)
    def test_nothing_is_removed(self, shop: Shop, model: Any) -> None:
        shop.start(shop.a_cart())

        for act in ("DELETE FROM", "TRUNCATE"):
            with refused(), connection.cursor() as cursor:
                cursor.execute(f"{act} {model._meta.db_table}")
        assert model.objects.count() == 1


class TestOneAttemptAtATime:
    def copy(self, **changes: Any) -> PaymentAttempt:
        attempt = PaymentAttempt.objects.latest("id")
        attempt.pk, attempt.public_id, attempt.provider_reference = None, "payatt_second", None
        for name, value in ({"status": "created", "is_current": True} | changes).items():
            setattr(attempt, name, value)
        return attempt

    def test_a_second_current_one_is_refused(self, shop: Shop) -> None:
        shop.start(shop.a_cart())

        with refused("payments_attempt_one_current"):
            self.copy().save(force_insert=True)
        self.copy(is_current=False).save(force_insert=True)
        with refused("payments_attempt_one_current"):
            PaymentAttempt.objects.filter(public_id="payatt_second").update(is_current=True)

    def test_none_becomes_current_once_the_order_is_paid(self, shop: Shop) -> None:
        shop.start(shop.a_cart(), token="pm_card_visa")
        PaymentAttempt.objects.update(is_current=False)

        for current in (
            lambda: self.copy().save(force_insert=True),
            lambda: PaymentAttempt.objects.update(is_current=True),
        ):
            with refused("takes no further attempt"):
                current()

    def test_one_payment_at_the_provider_is_one_attempt(self, shop: Shop) -> None:
        shop.start(shop.a_cart())
        reference = PaymentAttempt.objects.get().provider_reference

        with refused("payments_attempt_reference_unique"):
            self.copy(is_current=False, provider_reference=reference).save(force_insert=True)


class TestStances:
    """Whatever talks to a provider refuses to begin inside a transaction, before anything is sent."""

    def acts(self, shop: Shop) -> dict[str, Callable[[], object]]:
        operation = Operation.objects.select_related("attempt__account__channel", "order").get()
        attempt, cause = operation.attempt, system("sweep", now=clock.now())
        return {
            "submit": lambda: services.submit(operation, within_seconds=1),
            "carry_out": lambda: services.carry_out(operation.public_id, cause=cause),
            "recover": lambda: services.recover(operation.public_id, cause=cause),
            "ask_provider": lambda: services.ask_provider(attempt, cause=cause),
            "read_event": lambda: services.read_event(shop.account, body=b"{}", event_key="evt_1"),
        }

    @pytest.mark.pains("B6")
    def test_every_service_that_calls_a_provider(self, shop: Shop) -> None:
        shop.start(shop.a_cart())
        with_wrong_key(shop)

        for name, act in self.acts(shop).items():
            with pytest.raises(TransactionStanceError), transaction("test"):
                act()
            assert name

    def test_every_service_that_writes_needs_one(self, shop: Shop) -> None:
        shop.start(shop.a_cart())
        operation = Operation.objects.select_related("attempt__account__channel", "order").get()
        cause, answer = system("sweep", now=clock.now()), services.Answer(operation.public_id, "unknown")

        for act in (
            lambda: services.record_answer(answer, cause=cause),
            lambda: services.take_over(operation.public_id),
            lambda: services.request_capture(operation.order.public_id, cause=cause),
            lambda: services.settle_order(operation.order, [], [], cause=cause),
        ):
            with pytest.raises(TransactionStanceError):
                act()
