"""`python -m sandbox`: the sandbox as a process of its own."""

import asyncio
import logging
import sys

from sandbox.application import Application
from sandbox.clock import OffsetClock, WallClock
from sandbox.edge import serve
from sandbox.engine import Engine
from sandbox.settings import read_settings
from sandbox.store import Store


def main() -> None:
    """This will run the sandbox until it is told to end."""
    settings = read_settings(sys.argv[1:])
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    store = Store(settings.store)
    clock: WallClock | OffsetClock = WallClock()
    if settings.is_clock_virtual:
        clock = OffsetClock(float(store.read_setting("clock_offset_seconds") or 0))
    application = Application(Engine(store, clock), settings.stripe)
    sys.stdout.write(f"Sandbox at {settings.stripe.public_url}\n")
    sys.stdout.flush()
    asyncio.run(serve(application, settings))


if __name__ == "__main__":
    main()
