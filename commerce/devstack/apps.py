"""The project's own processes, as recipes for the keeper, and the commands that need some of them."""

from dataclasses import dataclass
from pathlib import Path

from .children import Recipe
from .places import PYTHON, VENV

WEB = "web"
WEBHOOKS = "webhooks"
WORKER = "worker"
BEAT = "beat"
SANDBOX = "sandbox"
EVERY_APP = (SANDBOX, WEB, WEBHOOKS, WORKER, BEAT)

OWNER_COMMANDS = {"migrate", "makemigrations", "sqlmigrate", "provision_roles", "createcachetable", "flush", "dbshell"}
"""Commands that change or inspect the schema: they run as the database's owner, all others as the application."""

UNMIGRATED_COMMANDS = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "check", "help", "spectacular"}
"""Commands that say something about the migrations or need no table: nothing is migrated before them."""


@dataclass(frozen=True)
class Need:
    """What a management command wants to find running and done."""

    apps: tuple[str, ...]
    is_migrated: bool


def find_need(words: list[str]) -> Need:
    """Say what this management command needs beside PostgreSQL and Valkey."""
    command = words[0]
    if "--help" in words or "-h" in words:
        return Need(apps=(), is_migrated=False)
    if command in {"replay_retail", "seed_demo"}:
        return Need(apps=EVERY_APP, is_migrated=True)
    if command == "verify_invariants" and "--provider" in words:
        return Need(apps=(SANDBOX,), is_migrated=True)
    return Need(apps=(), is_migrated=command not in UNMIGRATED_COMMANDS)


def manage(*words: str) -> list[str]:
    """Write the command line of a management command."""
    return [str(PYTHON), "manage.py", *words]


def as_owner(env: dict[str, str]) -> dict[str, str]:
    """Point DATABASE_URL at the owner's role, who may change the schema."""
    return {**env, "DATABASE_URL": env["DATABASE_OWNER_URL"]}


def app_recipes(names: tuple[str, ...], *, env: dict[str, str], state: Path) -> list[Recipe]:
    """Write the recipes of these processes, in the order in which they start."""
    python = str(PYTHON)
    celery = [python, str(VENV / "bin" / "celery"), "--quiet", "-A", "commerce"]
    granian = [python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--respawn-failed-workers"]
    granian += ["--workers-kill-timeout", "3", "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    application = "commerce.wsgi:application"
    door_env = {**env, "WEBHOOKS_ONLY": "1", "DATABASE_URL": env["WEBHOOKS_DATABASE_URL"]}
    worker_options = ["-Q", "urgent,default,bulk", "-c", "2", "--without-gossip", "--without-mingle"]
    # In a container everybody is root, and a newcomer can do nothing about Celery's advice.
    worker_env = {**env, "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
    envs = {WEBHOOKS: door_env, WORKER: worker_env}
    argvs = {
        SANDBOX: [python, "-m", "sandbox"],
        WEB: [*granian, "--port", env["PORT"], "--workers", "2", application],
        WEBHOOKS: [*granian, "--port", env["WEBHOOKS_PORT"], "--workers", "1", application],
        WORKER: [*celery, "worker", *worker_options],
        BEAT: [*celery, "beat", "--pidfile=", "--schedule", str(state / "beat")],
    }
    return [
        Recipe(name=name, argv=argvs[name], env=envs.get(name, env), log=state / "log" / f"{name}.log")
        for name in names
    ]


def seed_recipe(*, env: dict[str, str], state: Path) -> Recipe:
    """Write the recipe of the demo data, which comes once and beside the running shop."""
    log = state / "log" / "seed_demo.log"
    return Recipe(name="seed", argv=manage("seed_demo"), env=env, log=log, is_restarted=False)
