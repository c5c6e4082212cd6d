"""Check the invariants of a live database, read-only; with --provider also against the sandbox's own truth."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import httpx2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from commerce.truth import TruthUnavailableError, fetch_truth
from core import clock
from core.db import transaction
from reconciliation import invariants
from reconciliation.invariants import hashes, provider

CANNOT_COMPARE = 2


class Command(BaseCommand):
    """Exit code 0 when nothing is wrong, 1 when something is, 2 when the provider could not be asked."""

    help = "Check the invariants: one line per violation, the last line is their number. Changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--provider", action="store_true", help="compare with the sandbox's truth as well")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")
        parser.add_argument(
            "--grace-seconds", type=int, default=0, help="do not judge what moved at the provider in the last N seconds"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Read the truth first (never call a provider inside a transaction), then all of ours in one snapshot."""
        now = clock.now()
        truth = None
        if options["provider"]:
            truth = _truth(settings.SANDBOX_URL, since=now - timedelta(seconds=options["grace_seconds"]))
        with transaction("invariants.verify"):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            passes = [invariants.find_violations(now=now), hashes.altered_snapshots(), hashes.broken_seals()]
            if truth is not None:
                passes.append(provider.differences(truth))
            count = self._print(chain.from_iterable(passes), as_json=options["json"])
        figure = f"{count} violation{'' if count == 1 else 's'}"
        self.stdout.write(json.dumps({"violations": count}) if options["json"] else figure)
        if count:
            raise SystemExit(1)

    def _print(self, violations: Iterable[invariants.Violation], *, as_json: bool) -> int:
        count = 0
        for violation in violations:
            facts = {
                "invariant": violation.invariant,
                "subject": violation.subject,
                "detail": violation.detail,
            }
            self.stdout.write(json.dumps(facts) if as_json else str(violation))
            count += 1
        return count


def _truth(url: str, *, since: datetime) -> provider.Truth:
    """Read the sandbox's truth. Raises: CommandError, with exit code 2, when there is none to compare with."""
    if not url:
        raise CommandError(
            "Cannot compare with the provider: SANDBOX_URL is not set, and only the sandbox tells its whole truth. "
            "For a live provider use reconciliation and its settlement reports.",
            returncode=CANNOT_COMPARE,
        )
    try:
        with httpx2.Client(base_url=url, timeout=30.0, trust_env=False) as client:
            return fetch_truth(client, since=since)
    except TruthUnavailableError as error:
        raise CommandError(f"Cannot compare with the provider: {error}", returncode=CANNOT_COMPARE) from error
