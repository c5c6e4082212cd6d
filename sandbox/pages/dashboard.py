"""The dashboard: what happened lately, what is on its way, which faults are in force."""

from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from sandbox.engine import Engine
from sandbox.faults import FaultRule
from sandbox.pages.html import money, table
from sandbox.records import Charge, Event, Intent, Refund

LATEST = "ORDER BY seq DESC LIMIT 20"


def render_dashboard(engine: Engine) -> str:
    """This will return the dashboard's content."""
    return (
        "<h1>Payment sandbox</h1>"
        '<p class="quiet">Raw facts: <a href="/_control/truth">truth</a> · '
        '<a href="/_control/health">health</a> · <a href="/_control/faults">faults</a></p>'
        f"<h2>Payment intents</h2>{_intents(engine)}"
        f"<h2>Charges</h2>{_charges(engine)}"
        f"<h2>Refunds</h2>{_refunds(engine)}"
        f"<h2>Events</h2>{_events(engine)}"
        f"<h2>Faults in force</h2>{_faults(engine)}"
    )


def _intents(engine: Engine) -> str:
    rows: list[tuple[str, ...]] = [
        (
            _when(intent.created),
            _pay_link(intent),
            money(intent.amount, intent.currency),
            _state(intent.status),
            escape(intent.card or ""),
        )
        for intent in engine.store.select(Intent, LATEST)
    ]
    return table(("When", "Intent", "Amount", "Status", "Card"), rows)


def _charges(engine: Engine) -> str:
    rows: list[tuple[str, ...]] = [
        (
            _when(charge.created),
            escape(charge.id),
            escape(charge.intent_id),
            money(charge.amount_captured, charge.currency),
            money(charge.amount_refunded, charge.currency),
            _state("released" if charge.released else charge.status),
        )
        for charge in engine.store.select(Charge, LATEST)
    ]
    return table(("When", "Charge", "Intent", "Captured", "Refunded", "Status"), rows)


def _refunds(engine: Engine) -> str:
    rows: list[tuple[str, ...]] = [
        (
            _when(refund.created),
            escape(refund.id),
            escape(refund.charge_id),
            money(refund.amount, refund.currency),
            _state(refund.status),
        )
        for refund in engine.store.select(Refund, LATEST)
    ]
    return table(("When", "Refund", "Charge", "Amount", "Status"), rows)


def _faults(engine: Engine) -> str:
    rules = (*engine.faults.rules, *engine.webhook_faults.rules)
    heads = ("Fault", "Where", "Every", "Left out first", "At most", "Seen", "Hit")
    return table(heads, [_fault(rule) for rule in rules])


def _events(engine: Engine) -> str:
    events = engine.store.select(Event, LATEST)
    rows: list[tuple[str, ...]] = []
    for event in events:
        sent = engine.store.rows(
            "SELECT state, attempts, last_status, fault FROM deliveries WHERE event_id = ? ORDER BY seq",
            (event.id,),
        )
        deliveries = ", ".join(
            _state(state) + escape(f" ({attempts} tries, last {status or 'no answer'}{_by(fault)})")
            for state, attempts, status, fault in sent
        )
        rows.append(
            (
                _when(event.created),
                escape(event.kind),
                escape(event.subject_id),
                deliveries or "no endpoint",
            )
        )
    return table(("When", "Event", "About", "Delivery"), rows)


def _by(fault: str | None) -> str:
    return f", fault {fault}" if fault else ""


def _fault(rule: FaultRule) -> tuple[str, ...]:
    where = ", ".join(rule.types) or rule.operation
    times = "no limit" if rule.times is None else str(rule.times)
    numbers = (str(rule.every), str(rule.after), times, str(rule.seen), str(rule.hits))
    return (escape(rule.kind), escape(where), *numbers)


def _pay_link(intent: Intent) -> str:
    address = f"/pay/{quote(intent.id)}?client_secret={quote(intent.client_secret)}"
    return f'<a href="{escape(address, quote=True)}">{escape(intent.id)}</a>'


def _state(state: str) -> str:
    words = escape(state.replace("_", " "))
    if state in {"succeeded", "delivered"}:
        return f'<span class="good">✓ {words}</span>'
    if state in {"failed", "canceled", "released"}:
        return f'<span class="bad">✕ {words}</span>'
    return f"<span>… {words}</span>"


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%d %b %H:%M:%S")
