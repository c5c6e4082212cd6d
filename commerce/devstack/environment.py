"""Ports, secrets and addresses: the environment that every process of the stack is given."""

import base64
import itertools
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from .places import ROOT, VENV, SetupError, write_private
from .postgres import APPLICATION, OWNER, SUPERUSER, WEBHOOKS, Cluster
from .valkey import Valkey

PORT_DEFAULT = 8000
PORTS_TO_DRAW = range(10_000, 65_536)
DRAWS = 100
# First and last of the ports that Linux gives to whoever asks for any.
GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")
STAFF_EMAIL = "console@lantern-and-lark.example"
LEFT_OUT = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "DJANGO_SETTINGS_MODULE", "SURETY_STACK"}
"""What a caller's shell may hold for another project and would mislead ours."""


@dataclass(frozen=True)
class Ports:
    """Where the stack listens on 127.0.0.1."""

    web: int
    webhooks: int
    sandbox: int


def wanted_ports() -> Ports:
    """Read PORT, WEBHOOKS_PORT and SANDBOX_PORT; the latter two follow PORT."""
    try:
        web = int(os.environ.get("PORT", PORT_DEFAULT))
        webhooks = int(os.environ.get("WEBHOOKS_PORT", web + 10))
        sandbox = int(os.environ.get("SANDBOX_PORT", web + 20))
    except ValueError as error:
        raise SetupError(f"PORT, WEBHOOKS_PORT and SANDBOX_PORT are numbers: {error}.") from error
    return Ports(web=web, webhooks=webhooks, sandbox=sandbox)


def is_free(port: int) -> bool:
    """Try to listen on a port of 127.0.0.1."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def require_ports() -> Ports:
    """Take the wanted ports, or say in one line how to start with others."""
    ports = wanted_ports()
    busy = [port for port in (ports.web, ports.webhooks, ports.sandbox) if not is_free(port)]
    if busy:
        nearby = range(ports.web + 1, ports.web + 1000)
        free = next((n for n in nearby if all(is_free(n + step) for step in (0, 10, 20))), ports.web + 1)
        numbers = " and ".join(str(port) for port in busy)
        raise SetupError(f"Port {numbers} is busy. Start on another: PORT={free} ./run")
    return ports


def free_ports() -> Ports:
    """Draw three ports that nobody listens on, none of those that the system gives away by itself if there are others.

    A stack listens seconds after its ports were chosen: one of the system's own would be given meanwhile to any other
    server or connection that asks for a port.
    """
    given_away = _given_away()
    ours = [port for port in PORTS_TO_DRAW if port not in given_away]
    drawn = secrets.SystemRandom().sample(ours or PORTS_TO_DRAW, DRAWS)
    web, webhooks, sandbox = itertools.islice(filter(is_free, drawn), 3)
    return Ports(web=web, webhooks=webhooks, sandbox=sandbox)


def _given_away() -> range:
    try:
        first, last = GIVEN_AWAY.read_text().split()
    except OSError:
        # Not Linux, which says so: others begin higher than it does.
        return range(32_768, 65_536)
    return range(int(first), int(last) + 1)


def usual_or_free_ports() -> Ports:
    """Take the wanted ports if all are free, else three that are: for stacks that live as long as one command."""
    ports = wanted_ports()
    return ports if all(is_free(port) for port in (ports.web, ports.webhooks, ports.sandbox)) else free_ports()


def read_or_make_secrets(state: Path) -> dict[str, str]:
    """Read this checkout's secrets, made at random once and readable by us alone."""
    path = state / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    fresh = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATA_KEY": secrets.token_urlsafe(32),
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(24)}",
        "STRIPE_PUBLISHABLE_KEY": f"pk_test_{secrets.token_hex(24)}",
        "STRIPE_WEBHOOK_SECRETS": f"whsec_{secrets.token_hex(24)}",
        "REPLAY_SERVICE_TOKEN": secrets.token_urlsafe(32),
        "DEMO_STAFF_PASSWORD": secrets.token_urlsafe(12),
        "DEMO_STAFF_TOTP_SECRET": base64.b32encode(secrets.token_bytes(20)).decode(),
    }
    if fresh.keys() - kept.keys():
        kept = {**fresh, **kept}
        write_private(path, json.dumps(kept, indent=2) + "\n")
    return kept


def base_env() -> dict[str, str]:
    """Copy the caller's environment without what belongs to other projects, with our tools first on PATH."""
    env = {name: text for name, text in os.environ.items() if name not in LEFT_OUT}
    env["PATH"] = f"{VENV / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
    env["VIRTUAL_ENV"] = str(VENV)
    env["PYTHONUNBUFFERED"] = "1"
    env["DJANGO_SETTINGS_MODULE"] = "commerce.settings"
    return env


def database_env(cluster: Cluster | None) -> dict[str, str]:
    """Name the database for each role: our cluster's, or the caller's DATABASE_URL."""
    if cluster is None:
        given = os.environ["DATABASE_URL"]
        names = ("DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL", "WEBHOOKS_DATABASE_URL")
        return {"DATABASE_URL": given, **{name: os.environ.get(name, given) for name in names}}
    return {
        "DATABASE_URL": cluster.url(APPLICATION),
        "DATABASE_OWNER_URL": cluster.url(OWNER),
        "DATABASE_SUPERUSER_URL": cluster.url(SUPERUSER),
        "WEBHOOKS_DATABASE_URL": cluster.url(WEBHOOKS),
        "SURETY_POSTGRES_LOG": str(cluster.log),
    }


def redis_env(valkey: Valkey | None) -> dict[str, str]:
    """Name Redis for Django and for Celery: our Valkey, or the caller's REDIS_URL."""
    redis_url = os.environ["REDIS_URL"] if valkey is None else f"unix://{valkey.socket_path}?db=0"
    broker_url = redis_url
    if redis_url.startswith("unix://"):
        broker_url = "redis+socket://" + redis_url.removeprefix("unix://").replace("?db=0", "")
    if valkey is None:
        broker_url = os.environ.get("CELERY_BROKER_URL", broker_url)
    return {"REDIS_URL": redis_url, "CELERY_BROKER_URL": broker_url}


def address_env(ports: Ports) -> dict[str, str]:
    """Name the ports, and the addresses under which the processes reach each other."""
    web_url = f"http://127.0.0.1:{ports.web}"
    webhooks_url = f"http://127.0.0.1:{ports.webhooks}"
    sandbox_url = f"http://127.0.0.1:{ports.sandbox}"
    return {
        "PORT": str(ports.web),
        "WEBHOOKS_PORT": str(ports.webhooks),
        "SANDBOX_PORT": str(ports.sandbox),
        "SURETY_URL": web_url,
        "SURETY_WEBHOOKS_URL": webhooks_url,
        "SANDBOX_URL": sandbox_url,
        "STRIPE_API_BASE": sandbox_url,
        "STRIPE_HOSTED_PAGES": sandbox_url,
        "SANDBOX_PUBLIC_URL": sandbox_url,
        "SANDBOX_WEBHOOK_URL": f"{webhooks_url}/webhooks/stripe/demo",
    }


def secret_env(state: Path) -> dict[str, str]:
    """Give the secrets, the caller's own before ours, and to the sandbox the other half of each pair."""
    known = {name: os.environ.get(name, made) for name, made in read_or_make_secrets(state).items()}
    return {
        **known,
        # Mails become files, so that whoever tries the shop can read their codes.
        "EMAIL_URL": os.environ.get("EMAIL_URL", f"filemail:///{state / 'mail'}"),
        "SANDBOX_STORE": str(state / "sandbox.sqlite3"),
        "SANDBOX_WEBHOOK_SECRET": known["STRIPE_WEBHOOK_SECRETS"].split(",")[0],
        "SANDBOX_API_KEY": known["STRIPE_SECRET_KEY"],
        "SANDBOX_PUBLISHABLE_KEY": known["STRIPE_PUBLISHABLE_KEY"],
    }


def production_env(env: dict[str, str]) -> dict[str, str]:
    """Turn the environment of a test stack into one like production's, with dummy secrets, for `check --deploy`."""
    return {
        **env,
        "SURETY_ENV": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "DATA_KEY": secrets.token_urlsafe(32),
        "SURETY_URL": "https://shop.example",
        "SURETY_WEBHOOKS_URL": "https://hooks.shop.example",
        "ALLOWED_HOSTS": "shop.example,hooks.shop.example",
        "STRIPE_API_BASE": "https://api.stripe.com",
        "EMAIL_URL": "smtp+tls://shop:secret@mail.example:587",
    }


def short(path: Path) -> str:
    """Name a path as the user sees it from the checkout."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
