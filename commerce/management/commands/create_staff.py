"""Create a member of staff, the first one included; they set up their second factor at the first sign-in."""

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import StaffRole
from accounts.services import create_staff
from core import clock
from core.cause import Cause
from core.db import transaction
from core.errors import DomainError
from oversight.services import record_audit


class Command(BaseCommand):
    """Asks for the password; leaves an audit row."""

    help = "Create a member of staff for the console."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, and what they may do; without a role they may read alone."""
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--role", choices=StaffRole.values, default="")
        parser.add_argument("--superuser", action="store_true", help="an administrator in every respect")

    def handle(self, *_: Any, **options: Any) -> None:
        """Store the user and say what comes next."""
        password = getpass("Password (at least 12 characters): ")
        now = clock.now()
        cause = Cause(actor="system:command", source="create_staff", now=now)
        try:
            with transaction("commerce.create_staff"):
                user = create_staff(
                    email=options["email"],
                    password=password,
                    name=options["name"],
                    is_superuser=options["superuser"],
                    role=StaffRole(options["role"]) if options["role"] else None,
                    now=now,
                )
                after = {"is_superuser": user.is_superuser, "role": user.role}
                record_audit(action="staff_created", subject_id=user.public_id, cause=cause, after=after)
        except DomainError as refusal:
            raise CommandError(refusal.detail) from refusal
        self.stdout.write(f"{user.public_id} is staff. The second factor is set up at the first sign-in on /console/.")
