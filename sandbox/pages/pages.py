"""Which page answers which address."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from sandbox.answers import Answer
from sandbox.dialects.stripe.render import Renderer
from sandbox.engine import Engine
from sandbox.errors import NotFoundError, WrongStateError
from sandbox.pages.dashboard import render_dashboard
from sandbox.pages.hosted import HostedPages
from sandbox.pages.html import page_answer
from sandbox.pages.style import STYLE

NOT_FOUND = "<h1>There is nothing here</h1><p>The link is wrong, or the sandbox was emptied.</p>"
WRONG_STATE = "<h1>This payment has moved on</h1><p>What you asked for is no longer possible.</p>"


class Pages:
    """The dashboard, the hosted payment page and the 3-D Secure page."""

    def __init__(self, engine: Engine, *, renderer: Renderer) -> None:
        self._engine = engine
        self._hosted = HostedPages(engine, renderer=renderer)

    def handle(self, method: str, url: str, _headers: Mapping[str, str], body: bytes) -> Answer:
        """This will answer one request for a page."""
        split = urlsplit(url)
        parts = split.path.strip("/").split("/")
        fields = parse_qs(body.decode() if method == "POST" else split.query)
        first = {name: values[0] for name, values in fields.items()}
        try:
            return self._answer(method, parts, first)
        except NotFoundError:
            return page_answer(404, "Not found", NOT_FOUND)
        except WrongStateError:
            return page_answer(409, "Moved on", WRONG_STATE)

    def _answer(self, method: str, parts: list[str], fields: dict[str, str]) -> Answer:
        match (method, parts):
            case ("GET", [""]):
                return page_answer(200, "Payment sandbox", render_dashboard(self._engine))
            case ("GET", ["assets", "sandbox.css"]):
                headers = {"content-type": "text/css", "cache-control": "max-age=300"}
                return Answer(200, headers, STYLE.encode())
            case ("GET", ["pay", intent_id]):
                return self._hosted.show_payment(intent_id, fields)
            case ("POST", ["pay", intent_id]):
                return self._hosted.pay(intent_id, fields)
            case ("GET", ["3ds", intent_id]):
                return self._hosted.show_challenge(intent_id, fields)
            case ("POST", ["3ds", intent_id]):
                return self._hosted.answer_challenge(intent_id, fields)
        return page_answer(404, "Not found", NOT_FOUND)
