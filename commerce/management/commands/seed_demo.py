"""Make the demo shop: channel, account at the sandbox, articles, staff, the replay's credential, a few orders."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.services import create_service_credential
from commerce import demo
from commerce.retail.door import RefusedAtDoorError, open_front_door, open_payment_form
from core import clock
from core.channels import SecretMissing, read_secret, set_up_shop
from core.db import transaction
from core.errors import DomainError
from support.demo import require_demo
from support.services import ensure_demo_staff


class Command(BaseCommand):
    """Idempotent; refuses where there is real money."""

    help = "Make the demo shop Lantern & Lark. Doing it again changes nothing."

    def handle(self, *_: Any, **__: Any) -> None:
        """Write the rows, then place the orders through the front door if it is open."""
        try:
            require_demo()
            with transaction("demo.shop"):
                channel = set_up_shop(demo.SHOP, now=clock.now())
                articles_count = demo.ensure_articles(channel, now=clock.now())
                demo.ensure_trade(channel, now=clock.now())
                demo.ensure_promotions(channel, now=clock.now())
            self.stdout.write(f"{channel.name}: {articles_count} articles made, {len(demo.ARTICLES)} there.")
            self._ensure_staff()
            self._ensure_replay()
        except DomainError as error:
            raise CommandError(error.detail) from error
        self._place_orders()

    def _ensure_staff(self) -> None:
        try:
            password, totp_secret = read_secret("DEMO_STAFF_PASSWORD"), read_secret("DEMO_STAFF_TOTP_SECRET")
        except SecretMissing as missing:
            self.stdout.write(f"No demo staff: {missing.facts['reference']} is not set.")
            return
        with transaction("demo.staff"):
            for email, role in demo.STAFF.items():
                ensure_demo_staff(email=email, role=role, password=password, totp_secret=totp_secret, now=clock.now())
            customers_count = demo.ensure_customers(password=password, now=clock.now())
        self.stdout.write("Staff: " + ", ".join(demo.STAFF))
        self.stdout.write(
            f"{customers_count} customers made, {len(demo.CUSTOMERS)} there; they sign in with the same password."
        )

    def _ensure_replay(self) -> None:
        try:
            token = read_secret("REPLAY_SERVICE_TOKEN")
        except SecretMissing:
            self.stdout.write("No credential for the replay: REPLAY_SERVICE_TOKEN is not set.")
            return
        with transaction("demo.replay"):
            create_service_credential(name=demo.REPLAY_SERVICE, token=token, scopes=demo.REPLAY_SCOPES, now=clock.now())

    def _place_orders(self) -> None:
        if os.environ.get("DEMO_ORDERS") == "0":
            self.stdout.write("No demo orders: DEMO_ORDERS is 0.")
            return
        if not settings.SANDBOX_URL:
            self.stdout.write("No demo orders: SANDBOX_URL is not set.")
            return
        try:
            door, form = open_front_door(), open_payment_form()
            if not (door.is_open() and form.is_open()):
                self.stdout.write(
                    f"No demo orders: nobody answers at {settings.SURETY_URL} or {settings.SANDBOX_URL}. "
                    "Start the shop and seed again."
                )
                return
            for line in demo.place_orders(door=door, form=form, password=os.environ.get("DEMO_STAFF_PASSWORD", "")):
                self.stdout.write(f"Order {line}")
        except (RefusedAtDoorError, SecretMissing) as error:
            raise CommandError(f"The demo orders could not be placed: {error}") from error
