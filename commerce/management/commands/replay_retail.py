"""Replay a real shop's invoices through the front door and compare what came of them, to the penny."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import create_service_credential
from commerce import demo
from commerce.retail import placed, report
from commerce.retail.door import open_front_door, open_payment_form
from commerce.retail.progress import Progress
from commerce.retail.reading import NotAnInvoiceFileError, Survey, survey
from commerce.retail.replaying import CURRENCY, Placed, Replay, stock_shop
from core import clock
from core.channels import default_channel, read_secret, set_up_shop
from core.db import transaction
from core.errors import DomainError, NotFound
from core.models import SalesChannel
from support.demo import require_demo

CUSTOMERS = 6
BATCH = 100
LOOK_SECONDS = 1.0
# A payment whose webhook was lost is looked at after a minute by a sweep that comes every 15 seconds.
PATIENCE_SECONDS = 150.0


class Command(BaseCommand):
    """Exit code 0 only if everything tied out; the last line is the figure."""

    help = "Replay invoice files (Online Retail, CSV or CSV.gz) through the HTTP API and tie out the totals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="invoices, .csv or .csv.gz")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the totals in the shape of expected.json")
        parser.add_argument("--limit", type=_positive, metavar="N", help="only the first N invoices of each file")
        parser.add_argument(
            "--customers", type=_positive, default=CUSTOMERS, metavar="N", help=f"customers at a time ({CUSTOMERS})"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Look through the files, stock the shop, place the orders, wait for their payments, compare."""
        paths, invoices_max = _distinct(options["files"]), options["limit"]
        try:
            require_demo()
            surveyed = survey(paths, invoices_max=invoices_max)
            channel, token = _open_shop()
            made = stock_shop(surveyed.articles, channel=channel)
            replay = Replay(
                door=open_front_door(),
                form=open_payment_form(),
                service_token=token,
                channel=channel,
                customers=options["customers"],
            )
        except NotAnInvoiceFileError as error:
            raise CommandError(str(error)) from error
        except DomainError as error:
            raise CommandError(f"{error.detail} {error.facts or ''}".strip()) from error
        self.stdout.write(f"{surveyed.orders:,} orders of {len(surveyed.articles):,} articles; {made:,} articles made.")
        started_at = time.monotonic()
        placed.forget_placed()
        with closing(replay.run(paths, invoices_max=invoices_max)) as results:
            self._place(results, orders_count=surveyed.orders)
        seconds = time.monotonic() - started_at
        self._wait_for_payments()
        self.stdout.write(
            f"{surveyed.orders:,} orders in {seconds:.1f} s ({surveyed.orders / max(seconds, 0.001):.1f} orders/s), "
            f"all known after {time.monotonic() - started_at:.1f} s"
        )
        self._conclude(paths, surveyed=surveyed, out=options["json"], is_whole=invoices_max is None)

    def _place(self, results: Iterator[Placed], *, orders_count: int) -> None:
        progress, count = Progress(self.stdout, word="orders placed", total=orders_count), 0
        batch: list[Placed] = []
        for count, result in enumerate(results, start=1):
            batch.append(result)
            if len(batch) == BATCH:
                placed.remember_placed(batch)
                batch.clear()
            progress.show(count)
        placed.remember_placed(batch)
        progress.finish(count)

    def _wait_for_payments(self) -> None:
        awaited = unpaid = placed.count_unpaid()
        if not awaited:
            return
        progress = Progress(self.stdout, word="payments under way arrived", total=awaited)
        given_up_at = clock.now().timestamp() + PATIENCE_SECONDS
        while unpaid and clock.now().timestamp() < given_up_at:
            progress.show(awaited - unpaid)
            clock.sleep(LOOK_SECONDS)
            before, unpaid = unpaid, placed.count_unpaid()
            if unpaid < before:
                given_up_at = clock.now().timestamp() + PATIENCE_SECONDS
        progress.finish(awaited - unpaid)

    def _conclude(self, paths: list[Path], *, surveyed: Survey, out: Path | None, is_whole: bool) -> None:
        found = placed.totals_by_file()
        totals = report.totals_as_json(found, files=[path.name for path in paths], skipped=surveyed.skipped)
        if out is not None:
            out.write_text(json.dumps(totals, indent=1, ensure_ascii=False) + "\n")
        for line in report.describe(totals, found, currency=CURRENCY):
            self.stdout.write(line)
        self.stdout.write(report.describe_payments())
        self.stdout.write(report.describe_start_times())
        mismatches = 0
        for mismatch in report.mismatches(totals, found, paths=paths if is_whole else []):
            self.stdout.write(f"MISMATCH {mismatch}")
            mismatches += 1
        together = totals[report.ALL_FILES]
        if mismatches:
            self.stdout.write(f"{mismatches} mismatch{'' if mismatches == 1 else 'es'}")
            raise SystemExit(1)
        self.stdout.write(
            f"tied out: {together['orders']:,} orders, {together['order_lines']:,} lines, "
            f"{together['gross_pence']} pence"
        )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _distinct(paths: list[Path]) -> list[Path]:
    """Totals go by file name, so a name may stand once."""
    if len({path.name for path in paths}) != len(paths):
        raise CommandError("Two files have the same name.")
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise CommandError(f"There is no file {', '.join(missing)}.")
    return paths


def _open_shop() -> tuple[SalesChannel, str]:
    """Make sure that there is a shop that sells to everybody and knows the replay; return it and the replay's token."""
    token = read_secret("REPLAY_SERVICE_TOKEN")
    with transaction("retail.open_shop"):
        try:
            channel = default_channel()
        except NotFound:
            channel = set_up_shop(demo.SHOP, now=clock.now())
        demo.widen_countries(channel)
        create_service_credential(name=demo.REPLAY_SERVICE, token=token, scopes=demo.REPLAY_SCOPES, now=clock.now())
    return channel, token
