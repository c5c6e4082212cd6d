"""Give the application's and the webhook door's database roles what they need and nothing more. Run after migrate."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import ProgrammingError, connection

APP_ROLE = "surety_app"
WEBHOOKS_ROLE = "surety_webhooks"

GRANTS = f"""
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {WEBHOOKS_ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
GRANT EXECUTE ON FUNCTION webhooks_store(bigint, jsonb, bytea, text, timestamptz, text, jsonb)
    TO {APP_ROLE}, {WEBHOOKS_ROLE};
GRANT SELECT ON webhooks_active_secret TO {APP_ROLE}, {WEBHOOKS_ROLE};
GRANT SELECT ON django_migrations TO {WEBHOOKS_ROLE};
"""


class Command(BaseCommand):
    """Idempotent; the connection must own the tables."""

    help = "Grant the roles surety_app and surety_webhooks their rights (no TRUNCATE, TRIGGER, ALTER)."

    def handle(self, *_: Any, **__: Any) -> None:
        """Create missing roles where we may, then grant."""
        with connection.cursor() as cursor:
            for role in (APP_ROLE, WEBHOOKS_ROLE):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                if cursor.fetchone():
                    continue
                try:
                    cursor.execute(f"CREATE ROLE {role} LOGIN")
                except ProgrammingError:
                    self.stderr.write(
                        f"Role {role} is missing and may not be created by this one: ask for CREATE ROLE {role} LOGIN. "
                        "Until then everything runs as the owner, without the database's protection from it."
                    )
                    return
            for statement in GRANTS.strip().split(";\n"):
                cursor.execute(statement)
        self.stdout.write(f"Roles {APP_ROLE} and {WEBHOOKS_ROLE} have their rights.")
