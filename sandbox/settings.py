"""How the sandbox's process is started: options, each also from the environment."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.dialects.stripe import StripeSettings


@dataclass(frozen=True)
class ProcessSettings:
    """Where the process listens and keeps its store, and the accounts it plays."""

    host: str
    port: int
    store: str
    is_clock_virtual: bool
    deliverers: int
    stripe: StripeSettings


def read_settings(arguments: Sequence[str]) -> ProcessSettings:
    """This will return the settings from the command line, then the environment, then defaults."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    _add(parser, "host", default="127.0.0.1", text="address to listen at")
    _add(parser, "port", default="12111", text="port to listen at")
    _add(parser, "store", default="sandbox.sqlite3", text="SQLite file, made if it is not there")
    _add(parser, "public-url", default="", text="how a browser reaches this process")
    _add(parser, "webhook-url", default="", text="where signed events go; none without it")
    _add(
        parser,
        "webhook-secret",
        default="whsec_sandbox",
        text="signing secret; several, separated by commas, all sign",
    )
    _add(parser, "api-key", default="sk_test_sandbox", text="the account's secret key")
    _add(parser, "publishable-key", default="pk_test_sandbox", text="the account's public key")
    _add(parser, "deliverers", default="4", text="deliveries sent at the same time")
    parser.add_argument(
        "--virtual-clock",
        action="store_true",
        default=os.environ.get("SANDBOX_VIRTUAL_CLOCK", "") in {"1", "true"},
        help="let POST /_control/clock push the clock forward",
    )
    options = parser.parse_args(arguments)
    public_url = options.public_url or f"http://{options.host}:{options.port}"
    return ProcessSettings(
        host=options.host,
        port=int(options.port),
        store=options.store,
        is_clock_virtual=options.virtual_clock,
        deliverers=int(options.deliverers),
        stripe=StripeSettings(
            public_url=public_url,
            api_key=options.api_key,
            publishable_key=options.publishable_key,
            webhook_url=options.webhook_url or None,
            webhook_secrets=tuple(secret.strip() for secret in options.webhook_secret.split(",") if secret.strip()),
        ),
    )


def _add(parser: argparse.ArgumentParser, name: str, *, default: str, text: str) -> None:
    variable = f"SANDBOX_{name.replace('-', '_').upper()}"
    parser.add_argument(
        f"--{name}",
        default=os.environ.get(variable, default),
        help=f"{text} (also {variable}; default: {default or 'none'})",
    )
