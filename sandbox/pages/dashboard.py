"""The dashboard: what happened lately, what is on its way, which faults are in force, and buttons for the bank."""

from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from sandbox.engine import Engine
from sandbox.engine import disputes as dispute_rules
from sandbox.engine.payouts import MOVES as PAYOUT_MOVES
from sandbox.engine.refunds import UNDER_WAY
from sandbox.faults import FaultRule
from sandbox.pages.html import money, table
from sandbox.records import Charge, Dispute, Event, FraudWarning, Intent, Payout, Refund

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
        f"<h2>Disputes</h2>{_disputes(engine)}"
        f"<h2>Early fraud warnings</h2>{_warnings(engine)}"
        f"<h2>Payouts</h2>{_payouts(engine)}{_move('payouts', {}, 'Pay out what is available')}"
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
            _charge_moves(charge),
        )
        for charge in engine.store.select(Charge, LATEST)
    ]
    return table(("When", "Charge", "Intent", "Captured", "Refunded", "Status", "Let happen"), rows)


def _refunds(engine: Engine) -> str:
    rows: list[tuple[str, ...]] = [
        (
            _when(refund.created),
            escape(refund.id),
            escape(refund.charge_id),
            money(refund.amount, refund.currency),
            _state(refund.status),
            _moves(f"refunds/{refund.id}", _refund_moves(refund)),
        )
        for refund in engine.store.select(Refund, LATEST)
    ]
    return table(("When", "Refund", "Charge", "Amount", "Status", "Let happen"), rows)


def _disputes(engine: Engine) -> str:
    rows: list[tuple[str, ...]] = [
        (
            _when(dispute.created),
            escape(dispute.id),
            escape(dispute.charge_id),
            money(dispute.amount, dispute.currency),
            escape(dispute.reason.replace("_", " ")),
            _state(dispute.status),
            _when(dispute.due_by),
            _moves(f"disputes/{dispute.id}", _dispute_moves(dispute)),
        )
        for dispute in engine.store.select(Dispute, LATEST)
    ]
    return table(("When", "Dispute", "Charge", "Amount", "Reason", "Status", "Answer by", "Let happen"), rows)


def _warnings(engine: Engine) -> str:
    rows: list[tuple[str, ...]] = [
        (
            _when(warning.created),
            escape(warning.id),
            escape(warning.charge_id),
            escape(warning.fraud_type.replace("_", " ")),
            "can be acted on" if warning.is_actionable else "past acting on",
        )
        for warning in engine.store.select(FraudWarning, LATEST)
    ]
    return table(("When", "Warning", "Charge", "Kind", "State"), rows)


def _payouts(engine: Engine) -> str:
    rows: list[tuple[str, ...]] = [
        (
            _when(payout.created),
            escape(payout.id),
            money(payout.amount, payout.currency),
            _state(payout.status),
            _when(payout.arrival_date),
            _moves(f"payouts/{payout.id}", [to for to, origins in PAYOUT_MOVES.items() if payout.status in origins]),
        )
        for payout in engine.store.select(Payout, LATEST)
    ]
    return table(("When", "Payout", "Amount", "Status", "Arrives", "Let happen"), rows)


def _charge_moves(charge: Charge) -> str:
    if charge.status != "succeeded" or not charge.amount_captured:
        return ""
    named = {"charge": charge.id}
    buttons = [
        _move("disputes", named, "Dispute"),
        _move("disputes", {**named, "stage": "warning_needs_response"}, "Inquiry"),
        _move("fraud_warnings", named, "Fraud warning"),
        _move("refunds", named, "Refund by hand"),
        _move("reversals", named, "Bank takes it back"),
        _move("duplicates", {"payment_intent": charge.intent_id}, "Charge it again"),
    ]
    return "".join(buttons)


def _refund_moves(refund: Refund) -> list[str]:
    if refund.status in UNDER_WAY:
        return ["succeeded", "failed", "canceled"]
    return ["failed"] if refund.status == "succeeded" else []


def _dispute_moves(dispute: Dispute) -> list[str]:
    moves = [to for to, origins in dispute_rules.MOVES.items() if dispute.status in origins]
    return [*moves, "withdrawn"] if dispute.status in dispute_rules.OPEN else moves


def _moves(name: str, statuses: list[str]) -> str:
    return "".join(_move(name, {"status": status}, status.replace("_", " ")) for status in statuses)


def _move(name: str, fields: dict[str, str], label: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{escape(field, quote=True)}" value="{escape(value, quote=True)}">'
        for field, value in fields.items()
    )
    return (
        f'<form class="move" method="post" action="/_control/{quote(name)}">{hidden}'
        f'<button class="second">{escape(label)}</button></form>'
    )


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
    if state in {"succeeded", "delivered", "won", "paid"}:
        return f'<span class="good">✓ {words}</span>'
    if state in {"failed", "canceled", "released", "lost"}:
        return f'<span class="bad">✕ {words}</span>'
    return f"<span>… {words}</span>"


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%d %b %H:%M:%S")
