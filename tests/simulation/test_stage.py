"""The stage: what is over is over, so that a script's history does not depend on how fast the server is."""

from contextlib import suppress

from django.db import Error, connection

from core.db import transaction
from core.models import Policy
from tests import databases
from tests.simulation.stage import _drop_connection

ROUNDS = 40


class TestDroppedSessions:
    def test_hold_nothing_any_more(self, database: str) -> None:
        skipped = 0
        with databases.superuser(database) as another:
            for _ in range(ROUNDS):
                with suppress(Error), transaction("test"):
                    Policy.objects.select_for_update().get(name="webhooks", version=1)
                    _drop_connection()
                    free = another.execute(
                        "SELECT id FROM core_policy WHERE name = 'webhooks' FOR UPDATE SKIP LOCKED"
                    ).fetchall()
                    skipped += not free
                connection.close()

        assert skipped == 0
