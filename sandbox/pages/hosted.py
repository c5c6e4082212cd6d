"""The hosted payment page and the 3-D Secure page. The client secret is the visitor's proof."""

import hmac
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from sandbox.answers import Answer
from sandbox.cards import BY_NUMBER, CARDS
from sandbox.dialects.stripe.forms import is_address
from sandbox.dialects.stripe.operations import verdict_for
from sandbox.dialects.stripe.render import Renderer
from sandbox.engine import Engine
from sandbox.engine.charges import get_intent
from sandbox.engine.intents import CONFIRMABLE, answer_challenge, confirm_intent
from sandbox.errors import NotFoundError
from sandbox.faults import FaultRule
from sandbox.pages.html import HEADERS, money, page_answer
from sandbox.records import Intent

OUTCOMES = frozenset({"decline", "late_success"})
SENTENCES = {
    "succeeded": "The payment is complete. Nothing more is needed.",
    "requires_capture": "The amount is reserved on your card. It is taken when the order ships.",
    "processing": "The bank has not answered yet. You are not asked to pay again; the shop hears "
    "from the bank and tells you.",
    "canceled": "This payment was canceled. No money was taken.",
}


class HostedPages:
    """Pages a buyer sees."""

    def __init__(self, engine: Engine, *, renderer: Renderer) -> None:
        self._engine = engine
        self._renderer = renderer

    def show_payment(self, intent_id: str, fields: dict[str, str]) -> Answer:
        """This will show amount, card choice and the pay button, or how the payment ended."""
        intent = self._intent(intent_id, fields)
        if intent.status not in CONFIRMABLE:
            sentence = SENTENCES[intent.status]
            back = _back(intent.return_url or _return_url(fields), label="Back to the shop")
            content = f"<h1>{escape(sentence)}</h1>{_amount(intent)}{back}"
            return page_answer(200, "Payment", f'<div class="card">{content}</div>')
        if intent.status == "requires_action" and intent.next_action:
            return _redirect(self._renderer.challenge_url(intent))
        return page_answer(200, "Pay", _payment_form(intent, _return_url(fields)))

    def pay(self, intent_id: str, fields: dict[str, str]) -> Answer:
        """This will confirm with the chosen card and send the buyer on."""
        intent = self._intent(intent_id, fields)
        number = "".join(fields.get("number", "").split())
        card = BY_NUMBER.get(number) if number else CARDS.get(fields.get("card", ""))
        if card is None:
            problem = "We do not know this card number. Please check it, or choose a test card."
            form = _payment_form(intent, _return_url(fields), problem=problem)
            return page_answer(422, "Pay", form)
        fault = self._fault(intent)
        with self._engine.store.transaction():
            intent = confirm_intent(
                self._engine.desk,
                intent_id=intent.id,
                card=card.token,
                return_url=_return_url(fields) or None,
                verdict=verdict_for(fault, card=card.token),
            )
        if intent.status == "requires_action":
            return _redirect(self._renderer.challenge_url(intent))
        return self._send_on(intent)

    def show_challenge(self, intent_id: str, fields: dict[str, str]) -> Answer:
        """This will show the bank's question."""
        intent = self._intent(intent_id, fields)
        if intent.status != "requires_action":
            return self.show_payment(intent_id, fields)
        secret = escape(intent.client_secret, quote=True)
        content = (
            '<div class="card"><h1>Your bank asks: is this you?</h1>'
            f"{_amount(intent)}<p>This page stands for your bank's 3\N{NON-BREAKING HYPHEN}D Secure check.</p>"
            f'<form method="post"><input type="hidden" name="client_secret" value="{secret}">'
            '<button name="result" value="complete">Complete</button>'
            '<button class="second" name="result" value="fail">Fail</button></form>'
            f"{_back(intent.return_url or '', label='Leave without answering')}</div>"
        )
        return page_answer(200, "3-D Secure", content)

    def answer_challenge(self, intent_id: str, fields: dict[str, str]) -> Answer:
        """This will record the buyer's answer and send them on."""
        intent = self._intent(intent_id, fields)
        with self._engine.store.transaction():
            intent = answer_challenge(
                self._engine.desk,
                intent_id=intent.id,
                is_authenticated=fields.get("result") == "complete",
            )
        return self._send_on(intent)

    def _intent(self, intent_id: str, fields: dict[str, str]) -> Intent:
        intent = get_intent(self._engine.desk, intent_id)
        if not hmac.compare_digest(intent.client_secret.encode(), fields.get("client_secret", "").encode()):
            raise NotFoundError(kind="payment_intent", record_id=intent_id)
        return intent

    def _fault(self, intent: Intent) -> FaultRule | None:
        return self._engine.faults.take("payment_intents.confirm", metadata=intent.metadata, kinds=OUTCOMES)

    def _send_on(self, intent: Intent) -> Answer:
        status = {"requires_payment_method": "failed", "processing": "pending"}.get(intent.status, "succeeded")
        query = {
            "payment_intent": intent.id,
            "payment_intent_client_secret": intent.client_secret,
            "redirect_status": status,
        }
        if intent.return_url:
            parts = urlsplit(intent.return_url)
            joined = "&".join(filter(None, [parts.query, urlencode(query)]))
            return _redirect(urlunsplit(parts._replace(query=joined)))
        secret = urlencode({"client_secret": intent.client_secret})
        return _redirect(f"/pay/{intent.id}?{secret}")


def _payment_form(intent: Intent, return_url: str, *, problem: str = "") -> str:
    if intent.last_error and not problem:
        problem = f"{intent.last_error['message']} No money was taken."
    options = "".join(
        f'<option value="{escape(card.token, quote=True)}">{escape(card.label)} ({card.number[-4:]})</option>'
        for card in CARDS.values()
    )
    shown_problem = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    description = f'<p class="quiet">{escape(intent.description)}</p>' if intent.description else ""
    return (
        f'<div class="card"><h1>Pay by card</h1>{description}{_amount(intent)}{shown_problem}'
        '<form method="post">'
        f'<input type="hidden" name="client_secret" value="{escape(intent.client_secret)}">'
        f'<input type="hidden" name="return_url" value="{escape(return_url)}">'
        f'<label for="card">Test card</label><select id="card" name="card">{options}</select>'
        '<label for="number">or a test card number</label>'
        '<input id="number" name="number" inputmode="numeric" autocomplete="off" maxlength="23">'
        f"<button>Pay {money(intent.amount, intent.currency)}</button></form>"
        f"{_back(return_url, label='Back to the shop without paying')}</div>"
    )


def _amount(intent: Intent) -> str:
    return f'<p class="amount">{money(intent.amount, intent.currency)}</p>'


def _return_url(fields: dict[str, str]) -> str:
    """The address the shop sent along, "" for one that no browser should be sent to."""
    wanted = fields.get("return_url", "")
    return wanted if is_address(wanted) else ""


def _back(return_url: str, *, label: str) -> str:
    if not return_url:
        return ""
    return f'<p class="back"><a href="{escape(return_url, quote=True)}">{escape(label)}</a></p>'


def _redirect(location: str) -> Answer:
    return Answer(303, {**HEADERS, "location": location}, b"")
