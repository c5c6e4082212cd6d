"""`manage.py check_work [--queue urgent]`: do workers complete tasks? For the health checks of containers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from commerce.health import HEARTBEAT_SECONDS_MAX, QUEUES
from commerce.selectors import heartbeats
from core import clock


class Command(BaseCommand):
    """Reads heartbeats, which only a completed task writes: a process that lives and consumes nothing fails."""

    help = "Fails unless a heartbeat task of the queue (without --queue: of any queue) was completed lately."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the queue."""
        parser.add_argument("--queue", choices=QUEUES)

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Compare the youngest heartbeat with the clock."""
        try:
            beats = heartbeats()
        except OperationalError as error:
            raise CommandError("The database does not answer.") from error
        asked = [options["queue"]] if options["queue"] else list(QUEUES)
        ages = [(clock.now() - beats[queue]).total_seconds() for queue in asked if queue in beats]
        if not ages or min(ages) > HEARTBEAT_SECONDS_MAX:
            youngest = f"{min(ages):.0f} s ago" if ages else "never"
            raise CommandError(f"The last heartbeat of {' or '.join(asked)} was completed {youngest}.")
        self.stdout.write(f"{' or '.join(asked)}: a heartbeat was completed {min(ages):.0f} s ago")
