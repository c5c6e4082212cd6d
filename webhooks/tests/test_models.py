"""What the database itself refuses, whoever asks."""

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError, connection

from core.ids import new_public_id
from core.models import ProviderAccount
from core.tests.factories import NOW
from webhooks.models import Delivery, Event
from webhooks.tests.conftest import DOOR_ROLE, database_role
from webhooks.tests.factories import an_event, event_body

pytestmark = pytest.mark.usefixtures("database")

REFUSED_TO_THE_DOOR = [
    "SELECT * FROM webhooks_event",
    "SELECT * FROM webhooks_delivery",
    "SELECT * FROM core_webhooksecret",
    "SELECT * FROM orders_order",
    "INSERT INTO webhooks_event (public_id) VALUES ('evt_1')",
    "INSERT INTO webhooks_delivery (body_sha256) VALUES ('')",
    "UPDATE webhooks_event SET status = 'processed'",
    "DELETE FROM webhooks_delivery",
    "TRUNCATE webhooks_delivery",
    "COPY webhooks_event TO STDOUT",
    "CREATE TABLE public.mine (id int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SET session_replication_role = replica",
    "SET ROLE surety_owner",
]


class TestDoorRole:
    @pytest.mark.parametrize("statement", REFUSED_TO_THE_DOOR)
    def test_may_do_nothing_but_store(self, statement: str) -> None:
        with database_role(DOOR_ROLE), pytest.raises(ProgrammingError) as refusal, connection.cursor() as cursor:
            cursor.execute(statement)

        assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege)

    def test_reads_one_view_and_the_list_of_migrations(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'v', 'm', 'p')"
                " AND has_table_privilege(%s, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
                " ORDER BY relname",
                [DOOR_ROLE],
            )
            readable = [name for (name,) in cursor.fetchall()]

        assert readable == ["django_migrations", "webhooks_active_secret"]


class TestDelivery:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE webhooks_delivery SET body = 'x'",
            "UPDATE webhooks_delivery SET headers = '{}'",
            "DELETE FROM webhooks_delivery",
        ],
    )
    def test_is_never_changed(self, account: ProviderAccount, statement: str) -> None:
        body = event_body()
        an_event(account, body)

        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            cursor.execute(statement)

        assert Delivery.objects.get().body == body

    @pytest.mark.parametrize("table", ["webhooks_delivery", "webhooks_event"])
    def test_is_never_truncated(self, table: str) -> None:
        with pytest.raises((ProgrammingError, IntegrityError)), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table}")


class TestEvent:
    @pytest.mark.parametrize(
        ("column", "value"), [("event_key", "evt_2"), ("type", "other"), ("object_id", "pi_2"), ("trace_id", "trc_2")]
    )
    def test_keeps_its_identity(self, account: ProviderAccount, column: str, value: str) -> None:
        an_event(account, event_body())

        with pytest.raises(IntegrityError, match="webhooks_event"):
            Event.objects.update(**{column: value})

    def test_is_never_deleted(self, account: ProviderAccount) -> None:
        event = an_event(account, event_body())

        with pytest.raises(IntegrityError, match="DELETE of webhooks_event is refused"):
            Event.objects.filter(pk=event.pk).delete()

    @pytest.mark.parametrize("status", ["processed", "ignored", "failed", "parked", "dead"])
    def test_ends_only_through_processing(self, account: ProviderAccount, status: str) -> None:
        an_event(account, event_body())

        with pytest.raises(IntegrityError, match=f"cannot go from received to {status}"):
            Event.objects.update(status=status)

    @pytest.mark.parametrize("status", ["processing", "processed", "ignored", "failed", "parked", "dead"])
    def test_is_born_received(self, account: ProviderAccount, status: str) -> None:
        with pytest.raises(IntegrityError, match=f"is not born in {status}"):
            Event.objects.create(
                public_id=new_public_id("evt"),
                account=account,
                event_key="evt_1",
                type="payment_intent.succeeded",
                object_id="pi_1",
                occurred_at=NOW,
                received_at=NOW,
                next_try_at=NOW,
                lease_expires_at=NOW,
                status=status,
            )

    def test_counts_once_per_account(self, account: ProviderAccount) -> None:
        event = an_event(account, event_body())

        with pytest.raises(IntegrityError, match="webhooks_event_once"):
            Event.objects.create(
                public_id=new_public_id("evt"),
                account=account,
                event_key=event.event_key,
                type="",
                object_id="",
                occurred_at=NOW,
                received_at=NOW,
                next_try_at=NOW,
                status="received",
            )

    def test_is_never_open_without_a_next_look(self, account: ProviderAccount) -> None:
        an_event(account, event_body())

        with pytest.raises(IntegrityError, match="webhooks_event_open_has_next_try"):
            Event.objects.update(next_try_at=None)
