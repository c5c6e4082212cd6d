"""Give a member of staff another role, or none."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import StaffRole
from accounts.selectors import lock_staff
from accounts.services import change_staff_role
from core import clock
from core.cause import Cause
from core.db import transaction
from core.errors import DomainError
from oversight.services import record_audit

NONE = "none"


class Command(BaseCommand):
    """Leaves an audit row with the role before and after."""

    help = "Give a member of staff another role: what they may do, and up to which amount, is policy `limits`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, and the new role."""
        parser.add_argument("email")
        parser.add_argument("role", choices=[*StaffRole.values, NONE])

    def handle(self, *_: Any, **options: Any) -> None:
        """Change the row and say so."""
        role = None if options["role"] == NONE else StaffRole(options["role"])
        cause = Cause(actor="system:command", source="change_staff_role", now=clock.now())
        try:
            with transaction("commerce.change_staff_role"):
                user = lock_staff(options["email"])
                before = {"role": user.role}
                change_staff_role(user, role=role)
                record_audit(
                    action="staff_role_changed",
                    subject_id=user.public_id,
                    cause=cause,
                    before=before,
                    after={"role": user.role},
                )
        except DomainError as refusal:
            raise CommandError(refusal.detail) from refusal
        self.stdout.write(f"{user.public_id} acts as {user.role or 'nobody: they may read alone'}.")
