"""What the developers' page and the health checks read from every corner."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min

from catalog.models import Product
from core.models import Heartbeat, SalesChannel
from orders.models import Order
from orders.selectors import EXPIRING_STATES
from payments.models.operation import OPEN_STATUSES, Operation
from webhooks.models import Event

UNPROCESSED = (Event.Status.RECEIVED, Event.Status.PROCESSING, Event.Status.PARKED, Event.Status.FAILED)


@dataclass(frozen=True, slots=True)
class Installation:
    """What this database holds, counted now."""

    channel: SalesChannel | None
    products_count: int
    orders_count: int
    migrations_count: int

    @property
    def is_stocked(self) -> bool:
        """Whether there is a shop with something in it."""
        return self.channel is not None and self.products_count > 0


def describe_installation() -> Installation:
    """This will count what the developers' page shows. Raises: OperationalError while the database is away."""
    return Installation(
        channel=SalesChannel.objects.filter(archived_at=None).order_by("id").first(),
        products_count=Product.objects.filter(is_published=True, archived_at=None).count(),
        orders_count=Order.objects.count(),
        migrations_count=len(MigrationRecorder(connection).applied_migrations()),
    )


def ping() -> None:
    """This will ask the database for an answer. Raises: OperationalError while it is away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def unapplied_migrations() -> list[str]:
    """This will name the migrations that this code has and the database has not."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def heartbeats() -> dict[str, datetime]:
    """This will return when each queue last completed its heartbeat task."""
    return dict(Heartbeat.objects.values_list("queue", "completed_at"))


def oldest_due(*, now: datetime) -> dict[str, datetime | None]:
    """This will return since when the oldest row of each kind of work has been due; nothing where none is."""
    operations = Operation.objects.filter(status__in=OPEN_STATUSES, next_check_at__lte=now)
    events = Event.objects.filter(status__in=UNPROCESSED, next_try_at__lte=now)
    orders = Order.objects.filter(state__in=EXPIRING_STATES, expires_at__lte=now)
    return {
        "operations": operations.aggregate(since=Min("next_check_at"))["since"],
        "webhook_events": events.aggregate(since=Min("next_try_at"))["since"],
        "orders": orders.aggregate(since=Min("expires_at"))["since"],
    }
