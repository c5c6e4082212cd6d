"""Close a day or a month of the books, for ever."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.cause import Cause
from core.errors import DomainError
from ledger.models import Period
from ledger.services import close_period


class Command(BaseCommand):
    """A day after the days before it, a month with those of its days that are open. There is no way back."""

    help = "Close a day (2026-11-28) or a month (2026-11) of a legal entity's books. It is never opened again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose books, and until when."""
        parser.add_argument("legal_entity")
        parser.add_argument("period", help="YYYY-MM-DD or YYYY-MM")

    def handle(self, *_: Any, **options: Any) -> None:
        """Close it and print the hash of its totals."""
        written = options["period"]
        is_month = len(written) == len("2026-11")
        try:
            on = date.fromisoformat(f"{written}-01" if is_month else written)
        except ValueError as error:
            raise CommandError(f"{written} is neither a day (YYYY-MM-DD) nor a month (YYYY-MM).") from error
        cause = Cause(actor="system:command", source="close_period", now=clock.now())
        try:
            period = close_period(
                legal_entity=options["legal_entity"],
                kind=Period.Kind.MONTH if is_month else Period.Kind.DAY,
                on=on,
                cause=cause,
            )
        except DomainError as refusal:
            raise CommandError(refusal.detail) from refusal
        self.stdout.write(f"{period} is closed, totals {period.totals_sha256}")
