"""The whole sandbox behind one `handle`: a provider's API, its pages, and the control API."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from sandbox.answers import Answer
from sandbox.control import Control
from sandbox.dialects.stripe import StripeDialect, StripeSettings
from sandbox.engine import Engine
from sandbox.pages import Pages


class Application:
    """One engine with everything that speaks for it."""

    def __init__(self, engine: Engine, settings: StripeSettings) -> None:
        self.engine = engine
        self.stripe = StripeDialect(engine, settings)
        self.control = Control(engine, keys=self.stripe.keys, calls=self.stripe.calls)
        self.pages = Pages(engine, renderer=self.stripe.renderer)

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """This will answer any request; raises `ConnectionLostError` where a fault wants no answer."""
        path = urlsplit(url).path
        if path.startswith("/v1/"):
            return self.stripe.handle(method, url, headers, body)
        self.engine.tick()
        if path.startswith("/_control/"):
            return self.control.handle(method, url, headers, body)
        return self.pages.handle(method, url, headers, body)
