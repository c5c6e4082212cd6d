"""Replay a real shop's invoices through the front door and compare what came of them, to the penny."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import create_service_credential
from commerce import demo
from commerce.retail import placed, report, returned
from commerce.retail.door import open_front_door, open_payment_form
from commerce.retail.faults import FaultControl, FaultsHappened, FaultsNotSetError, open_control
from commerce.retail.placed import FileTotals
from commerce.retail.progress import Progress
from commerce.retail.reading import NotAnInvoiceFileError, survey
from commerce.retail.refunding import Returned, give_back, open_staff
from commerce.retail.replaying import CURRENCY, Placed, Replay, stock_shop
from commerce.retail.returns import Returns, read_returns
from commerce.truth import TruthUnavailableError, fetch_truth
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
# When that look's answer is lost as well, the next comes two minutes later.
PATIENCE_SECONDS = 330.0
# When everything is known, nothing is too fresh to be compared.
MOVED_BY_NOW = timedelta(days=1)


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

        parser.add_argument(
            "--faults", action="store_true", help="lose webhooks and answers, send twice and decline, all on purpose"
        )
        parser.add_argument("--refunds", action="store_true", help="give back what the cancelled invoices take back")

    def handle(self, *_: Any, **options: Any) -> None:
        """Look through the files, stock the shop, place the orders, wait for their payments, give back, compare."""
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
            control = open_control()
            returns = read_returns(paths, order_keys=surveyed.keys) if options["refunds"] else None
        except NotAnInvoiceFileError as error:
            raise CommandError(str(error)) from error
        except DomainError as error:
            raise CommandError(f"{error.detail} {error.facts or ''}".strip()) from error
        self.stdout.write(f"{surveyed.orders:,} orders of {len(surveyed.articles):,} articles; {made:,} articles made.")
        try:
            with (
                FaultControl(control).in_force() if options["faults"] else nullcontext() as happened,
                closing(replay.run(paths, invoices_max=invoices_max)) as results,
            ):
                self._place_and_wait(results, orders_count=surveyed.orders)
                if returns is not None:
                    self._give_back_and_wait(returns, service_token=token)
            truth = fetch_truth(control, since=clock.now() + MOVED_BY_NOW)
        except (FaultsNotSetError, TruthUnavailableError) as error:
            raise CommandError(str(error)) from error
        found = placed.totals_by_file()
        totals = report.totals_as_json(
            found,
            files=[path.name for path in paths],
            skipped=surveyed.skipped,
            refunds=report.refund_totals(returns) if returns is not None else None,
        )
        if options["json"] is not None:
            options["json"].write_text(json.dumps(totals, indent=1, ensure_ascii=False) + "\n")
        self._describe(totals, found, happened=happened)
        mismatches = chain(
            report.mismatches(totals, found, paths=paths if invoices_max is None else []),
            report.compare_balances(truth, legal_entity=channel.legal_entity, currency=CURRENCY),
            report.compare_faults(happened) if happened else (),
        )
        self._conclude(mismatches, totals=totals)

    def _place_and_wait(self, results: Iterator[Placed], *, orders_count: int) -> None:
        started_at = time.monotonic()
        placed.forget_placed()
        returned.forget_returned()
        self._place(results, orders_count=orders_count)
        seconds = time.monotonic() - started_at
        self._wait(placed.count_in_doubt, word="payments under way settled")
        self.stdout.write(
            f"{orders_count:,} orders in {seconds:.1f} s ({orders_count / max(seconds, 0.001):.1f} orders/s), "
            f"all known after {time.monotonic() - started_at:.1f} s"
        )

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

    def _give_back_and_wait(self, returns: Returns, *, service_token: str) -> None:
        """Every refund after the payments: of none that is still on its way anything could be given back."""
        started_at = time.monotonic()
        with transaction("retail.open_staff"):
            staff = open_staff()
        ids = returned.order_ids(one.order_key for one in returns.each)
        results = give_back(
            returns.each, order_ids=ids, door=open_front_door(), service_token=service_token, staff=staff
        )
        progress, count = Progress(self.stdout, word="returns asked for", total=len(returns.each)), 0
        batch: list[Returned] = []
        for count, result in enumerate(results, start=1):
            batch.append(result)
            progress.show(count)
        returned.remember_returned(batch)
        progress.finish(count)
        self._wait(returned.count_under_way, word="refunds under way settled")
        self.stdout.write(f"{count:,} refunds known after {time.monotonic() - started_at:.1f} s")

    def _wait(self, count_open: Callable[[], int], *, word: str) -> None:
        awaited = open_count = count_open()
        if not awaited:
            return
        progress = Progress(self.stdout, word=word, total=awaited)
        given_up_at = clock.now().timestamp() + PATIENCE_SECONDS
        while open_count and clock.now().timestamp() < given_up_at:
            progress.show(awaited - open_count)
            clock.sleep(LOOK_SECONDS)
            before, open_count = open_count, count_open()
            if open_count < before:
                given_up_at = clock.now().timestamp() + PATIENCE_SECONDS
        progress.finish(awaited - open_count)

    def _describe(
        self, totals: report.Totals, found: Mapping[str, FileTotals], *, happened: FaultsHappened | None
    ) -> None:
        for line in report.describe(totals, found, currency=CURRENCY):
            self.stdout.write(line)
        self.stdout.write(report.describe_payments())
        if "refund_lines" in totals[report.ALL_FILES]:
            for line in report.describe_refunds(totals, currency=CURRENCY):
                self.stdout.write(line)
        if happened is not None:
            self.stdout.write(report.describe_faults(happened))
        self.stdout.write(report.describe_start_times())

    def _conclude(self, mismatches: Iterable[str], *, totals: report.Totals) -> None:
        count = 0
        for mismatch in mismatches:
            self.stdout.write(f"MISMATCH {mismatch}")
            count += 1
        if count:
            self.stdout.write(f"{count} mismatch{'' if count == 1 else 'es'}")
            raise SystemExit(1)
        together = totals[report.ALL_FILES]
        gone_back = f", {together['refunded_pence']} given back" if "refunded_pence" in together else ""
        self.stdout.write(
            f"tied out: {together['orders']:,} orders, {together['order_lines']:,} lines, "
            f"{together['gross_pence']} pence{gone_back}"
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
