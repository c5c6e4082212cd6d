"""Prove the books from their entries up, read-only."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from core.db import transaction
from ledger.selectors import find_problems


class Command(BaseCommand):
    """Exit code 0 when nothing is wrong, 1 when something is."""

    help = (
        "Verify the books: seals, balance, reversals, checkpoints, closed periods. One line per problem, the last line "
        "is their number. Changes nothing."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        """Read everything in one snapshot."""
        count = 0
        with transaction("ledger.verify"):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for problem in find_problems():
                self.stdout.write(str(problem))
                count += 1
        self.stdout.write(f"{count} problem{'' if count == 1 else 's'}")
        if count:
            raise SystemExit(1)
