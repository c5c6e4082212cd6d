"""The line between us and the provider, and what is done at the provider past us.

Note [Kept requests]: a network may hold a request back and deliver it after its sender gave up. While the line keeps
requests, whoever sent one hears nothing, looks find nothing, and replays are kept too; later the provider executes the
first try to pay, long after we took it for never sent. Only tries to pay come late: that a give-back which two spaced
looks did not find was never executed is what recovery builds on, and no shop can tell otherwise. Nor are the webhooks
of such a try lost as well: of money that nobody speaks of only the comparison with the provider knows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

import httpx2

from payments.providers.registry import config_of, use_adapter
from payments.providers.stripe import StripeAdapter
from sandbox.errors import ConnectionLostError
from sandbox.in_process import SandboxTransport
from tests.shop import WIRING, Shop

CREATE = "/v1/payment_intents"
# No network keeps anything for days; a key that the provider forgot meanwhile would charge again.
LOST_AFTER_SECONDS = 6 * 3600.0
WAY_SECONDS = 0.01


@dataclass
class _Kept:
    due_at: float
    request: httpx2.Request


class Line(httpx2.BaseTransport):
    """Carries calls to the sandbox in process, unless a fault of the line meets them."""

    def __init__(self, shop: Shop) -> None:
        """Remember the shop; `connect` makes it speak through this line."""
        self._shop = shop
        self._inner = SandboxTransport(shop.sandbox)
        self._keeps_until = 0.0
        self._late_seconds = 0.0
        self._keeps_next = False
        self._refused: list[str] = []
        self._kept: list[_Kept] = []
        self._meanwhile: tuple[str, str, Callable[[], None]] | None = None
        # Whether somebody who wrote has not read their answer yet, though the provider gave it.
        self.is_keeping_answer = False
        self.met: list[str] = []
        self.late_attempts: set[str] = set()

    def connect(self) -> None:
        """This will put the line between the shop and its provider."""
        use_adapter(self._shop.account, StripeAdapter(config_of(self._shop.account), inner=self))

    def keep(self, *, seconds: float, late_seconds: float) -> None:
        """This will keep every write for so long; a try to pay is executed `late_seconds` after that."""
        self._keeps_until = self._shop.virtual.now() + seconds
        self._late_seconds = late_seconds

    def keep_next(self, *, late_seconds: float) -> None:
        """This will keep the next try to pay and its replays, and no other, and execute it so late."""
        self._keeps_next = True
        self._late_seconds = late_seconds

    def refuse_key(self, *, ending: str = "") -> None:
        """This will send the next write to an address with that ending with a key that the provider does not know."""
        self._refused.append(ending)

    def read_late(self, method: str, *, ending: str = "", meanwhile: Callable[[], None]) -> None:
        """This will let the next call with that method, to an address with that ending, act, then everybody else, and
        only then its answer arrive.
        """
        self._meanwhile = (method, ending, meanwhile)

    def read_at_once(self) -> None:
        """This will end that, where nobody called."""
        self._meanwhile = None

    def clear(self) -> None:
        """This will end every fault; what is kept arrives now."""
        self._keeps_until, self._keeps_next = 0.0, False
        self._refused.clear()
        self._meanwhile = None
        for kept in self._kept:
            kept.due_at = 0.0
        self.arrive()

    @property
    def has_due(self) -> bool:
        """Whether something that was kept arrives now."""
        return any(kept.due_at <= self._shop.virtual.now() for kept in self._kept)

    def arrive(self) -> None:
        """This will let what was kept and is due reach the provider; nobody waits for the answer."""
        now = self._shop.virtual.now()
        due = [kept for kept in self._kept if kept.due_at <= now]
        self._kept = [kept for kept in self._kept if kept.due_at > now]
        for kept in due:
            if kept.due_at and now > kept.due_at + LOST_AFTER_SECONDS:
                continue
            # Before the call: its answer may be lost like any other.
            self.late_attempts.update(_form_of(kept.request)["metadata[attempt_id]"])
            try:
                self._inner.handle_request(kept.request)
            except httpx2.TransportError:
                continue
            self.met.append("late effect")

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one call; both ways take their time, so that no two answers are of one instant."""
        self._shop.virtual.advance(WAY_SECONDS)
        response = self._carry(request)
        self._shop.virtual.advance(WAY_SECONDS)
        if self._meanwhile and _is_call(request, *self._meanwhile[:2]):
            meanwhile, self._meanwhile = self._meanwhile[2], None
            response.read()
            self.is_keeping_answer = request.method == "POST"
            try:
                meanwhile()
            finally:
                self.is_keeping_answer = False
            self.met.append("answer read late")
        return response

    def _carry(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        if request.method != "POST":
            return self._inner.handle_request(request)
        if self._is_kept(request):
            self.met.append("request kept")
            raise httpx2.ReadError("the line keeps the request", request=request)
        refused = next((ending for ending in self._refused if request.url.path.endswith(ending)), None)
        if refused is not None:
            self._refused.remove(refused)
            self.met.append("key refused")
            request.headers["Authorization"] = "Bearer sk_test_of_yesterday"
        return self._inner.handle_request(request)

    def _is_kept(self, request: httpx2.Request) -> bool:
        now, is_try = self._shop.virtual.now(), _is_try_to_pay(request)
        keys = {kept.request.headers["Idempotency-Key"] for kept in self._kept}
        if request.headers["Idempotency-Key"] in keys:
            return True
        is_next = self._keeps_next and is_try
        if not is_next and now >= self._keeps_until:
            return False
        if is_try:
            self._keeps_next = False
            self._kept.append(_Kept(max(now, self._keeps_until) + self._late_seconds, request))
        return True


def _is_call(request: httpx2.Request, method: str, ending: str) -> bool:
    return request.method == method and request.url.path.endswith(ending)


def _is_try_to_pay(request: httpx2.Request) -> bool:
    return request.url.path == CREATE and "payment_method" in _form_of(request)


def _form_of(request: httpx2.Request) -> dict[str, list[str]]:
    return parse_qs(request.content.decode())


def in_dashboard(shop: Shop, path: str, *, form: bytes = b"") -> int:
    """This will do something at the provider with our own key but past us, as staff does there. Returns the status."""
    headers = {
        "Authorization": f"Bearer {WIRING['STRIPE_SECRET_KEY']}", "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    try:
        return int(shop.sandbox.handle("POST", f"http://sandbox.localhost/v1/{path}", headers, form).status)
    except ConnectionLostError:
        return 0
