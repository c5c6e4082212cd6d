"""Set up the shop of an installation that is not a demo: its sales channel and its Stripe account."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.channels import NewShop, set_up_shop
from core.db import transaction
from core.errors import DomainError


class Command(BaseCommand):
    """Idempotent by slug; secrets are read from the environment when they are needed, never stored."""

    help = "Store the sales channel and its Stripe account (webhook address: /webhooks/stripe/SLUG)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Everything a shop is born with."""
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--legal-entity", required=True)
        parser.add_argument("--time-zone", required=True, help="For example Europe/London.")
        parser.add_argument("--locale", default="en-GB", help="What the catalog is typed in.")
        parser.add_argument("--locales", default="", help="de,de-AT: what it is translated into.")
        parser.add_argument("--currencies", required=True, help="GBP,EUR: the first is the default.")
        parser.add_argument("--countries", required=True, help="GB,IE,DE: where the shop sells to.")
        parser.add_argument(
            "--home-country", default="", help="GB: where its tax office is. Without it every business bears the tax."
        )
        parser.add_argument("--mail-from", required=True)
        parser.add_argument("--live", action="store_true", help="Real money. Cannot be changed later.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Store it and say where the provider must send its webhooks."""
        new = NewShop(
            slug=options["slug"],
            name=options["name"],
            legal_entity=options["legal_entity"],
            time_zone=options["time_zone"],
            locale=options["locale"],
            locales=tuple(filter(None, options["locales"].split(","))),
            currencies=tuple(options["currencies"].split(",")),
            countries=tuple(options["countries"].split(",")),
            home_country=options["home_country"],
            mail_from=options["mail_from"],
            is_livemode=options["live"],
        )
        try:
            with transaction("commerce.set_up_shop"):
                channel = set_up_shop(new, now=clock.now())
        except DomainError as refusal:
            raise CommandError(refusal.detail) from refusal
        mode = "live" if channel.is_livemode else "test"
        self.stdout.write(f"{channel.name} is set up in {mode} mode. Webhook address: /webhooks/stripe/{channel.slug}")
