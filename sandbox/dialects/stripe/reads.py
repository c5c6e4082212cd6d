"""Stripe's GET operations: objects, lists with cursors, and `expand`."""

import json
from typing import Any

from sandbox.dialects.stripe.errors import InvalidParametersError, StripeError
from sandbox.dialects.stripe.forms import (
    Form,
    read_boolean,
    read_integer,
    read_list,
    read_text,
    refuse_unknown,
)
from sandbox.dialects.stripe.operations import read_since
from sandbox.dialects.stripe.render import Rendered, Renderer, render_payment_method
from sandbox.records import BalanceTransaction, Charge, Dispute, Event, FraudWarning, Intent, Payout, Record, Refund
from sandbox.store import Store

# Resource name in the address -> what it is called in "No such ...", its records, its filters.
RESOURCES: dict[str, tuple[str, type[Record], dict[str, str]]] = {
    "payment_intents": ("payment_intent", Intent, {}),
    "charges": ("charge", Charge, {"payment_intent": "intent_id"}),
    "refunds": ("refund", Refund, {"payment_intent": "intent_id", "charge": "charge_id"}),
    "balance_transactions": (
        "balance_transaction",
        BalanceTransaction,
        {"source": "source", "type": "kind", "currency": "currency", "payout": "payout"},
    ),
    "disputes": ("dispute", Dispute, {"payment_intent": "intent_id", "charge": "charge_id"}),
    "early_fraud_warnings": (
        "early_fraud_warning",
        FraudWarning,
        {"payment_intent": "intent_id", "charge": "charge_id"},
    ),
    "payouts": ("payout", Payout, {"status": "status"}),
    "events": ("event", Event, {"type": "kind"}),
}
EXPANDABLE: dict[str, type[Record]] = {
    "latest_charge": Charge,
    "charge": Charge,
    "payment_intent": Intent,
    "dispute": Dispute,
    "balance_transaction": BalanceTransaction,
    "failure_balance_transaction": BalanceTransaction,
}
SOURCES: dict[str, type[Record]] = {"ch_": Charge, "re_": Refund, "du_": Dispute, "po_": Payout}
PREFIXES = {"early_fraud_warnings": "radar/"}
PAGING = frozenset({"limit", "starting_after", "ending_before", "expand", "created"})


class Reads:
    """Answers from the store; never changes anything."""

    def __init__(self, store: Store, *, renderer: Renderer) -> None:
        self._store = store
        self._renderer = renderer

    def retrieve(self, resource: str, record_id: str, form: Form) -> Rendered:
        """This will return one object. Raises `StripeError` 404."""
        refuse_unknown(form, known=frozenset({"expand", "client_secret"}))
        name, kind, _ = RESOURCES[resource]
        record = self._store.find(kind, record_id)
        if record is None:
            raise StripeError(404, f"No such {name}: '{record_id}'", code="resource_missing", parameter="id")
        return self._shown(record)

    def page(self, resource: str, form: Form) -> Rendered:
        """This will return a page, newest first."""
        _, kind, filters = RESOURCES[resource]
        known = PAGING | frozenset(filters) | {"customer"}
        if kind is Event:
            known |= {"types", "delivery_success"}
        refuse_unknown(form, known=known)
        limit = read_integer(form, "limit")
        limit = 10 if limit is None else limit
        if not 1 <= limit <= 100:
            raise InvalidParametersError(
                "This value must be between 1 and 100.",
                parameter="limit",
                code="parameter_invalid_integer",
            )
        if kind is BalanceTransaction:
            self._refuse_manual_payout(read_text(form, "payout"))
        after, before = read_text(form, "starting_after"), read_text(form, "ending_before")
        conditions, values = self._conditions(kind, filters, form)
        if after:
            conditions.append("seq < ?")
            values.append(self._cursor(resource, after, parameter="starting_after"))
        if before:
            conditions.append("seq > ?")
            values.append(self._cursor(resource, before, parameter="ending_before"))
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        direction = "ASC" if before else "DESC"
        found = self._store.select(kind, f"{where}ORDER BY seq {direction} LIMIT ?", [*values, limit + 1])
        page = found[:limit][::-1] if before else found[:limit]
        return {
            "object": "list",
            "url": f"/v1/{PREFIXES.get(resource, '')}{resource}",
            "has_more": len(found) > limit,
            "data": [self._shown(record) for record in page],
        }

    def balance(self) -> Rendered:
        """This will return the merchant's balance by currency."""
        now = self._renderer.now()
        sums = self._store.rows(
            "SELECT currency, SUM(CASE WHEN available_on <= ? THEN amount - fee ELSE 0 END),"
            " SUM(CASE WHEN available_on > ? THEN amount - fee ELSE 0 END)"
            " FROM balance_transactions GROUP BY currency ORDER BY currency",
            (now, now),
        )
        return {
            "object": "balance",
            "livemode": False,
            "available": [_balance(currency, available) for currency, available, _ in sums],
            "pending": [_balance(currency, pending) for currency, _, pending in sums],
        }

    def expand(self, rendered: Rendered, form: Form) -> Rendered:
        """This will put whole objects where the form's `expand` asks for them."""
        paths = read_list(form, "expand")
        if len(paths) > 20 or any(path.count(".") > 4 for path in paths):
            raise InvalidParametersError("You cannot expand that much.", parameter="expand")
        for path in paths:
            self._expand_path(rendered, path.split("."), path=path)
        return rendered

    def _expand_path(self, place: Any, names: list[str], *, path: str) -> None:
        if isinstance(place, list):
            for item in place:
                self._expand_path(item, names, path=path)
            return
        if place is None:
            return
        name, rest = names[0], names[1:]
        if not isinstance(place, dict) or name not in place:
            raise InvalidParametersError(f"This property cannot be expanded ({path}).", parameter="expand")
        if isinstance(place[name], str):
            place[name] = self._expanded(name, place[name], path=path)
        if rest:
            self._expand_path(place[name], rest, path=path)

    def _expanded(self, name: str, record_id: str, *, path: str) -> Rendered:
        if name == "payment_method":
            return render_payment_method(record_id, self._renderer.now())
        kind = SOURCES.get(record_id[:3]) if name == "source" else EXPANDABLE.get(name)
        record = self._store.find(kind, record_id) if kind else None
        if record is None:
            raise InvalidParametersError(f"This property cannot be expanded ({path}).", parameter="expand")
        return self._renderer.render(record)

    def _conditions(self, kind: type[Record], filters: dict[str, str], form: Form) -> tuple[list[str], list[Any]]:
        conditions: list[str] = []
        values: list[Any] = []
        for name, column in filters.items():
            value = read_text(form, name)
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        for comparison, seconds in read_since(form):
            conditions.append(f"created {comparison} ?")
            values.append(seconds)
        types = read_list(form, "types") if kind is Event else []
        if len(types) > 20:
            raise InvalidParametersError("You may pass up to 20 types.", parameter="types")
        if types:
            conditions.append(f"kind IN ({', '.join('?' * len(types))})")
            values.extend(types)
        if kind is Event and "delivery_success" in form:
            conditions.append(f"is_delivered = {int(read_boolean(form, 'delivery_success'))}")
        return conditions, values

    def _refuse_manual_payout(self, payout_id: str | None) -> None:
        """Only an automatic payout says what it consists of. Source: docs.stripe.com/payouts/reconciliation."""
        payout = self._store.find(Payout, payout_id) if payout_id else None
        if payout_id and payout is None:
            raise InvalidParametersError(f"No such payout: '{payout_id}'", parameter="payout", code="resource_missing")
        if payout and not payout.is_automatic:
            raise InvalidParametersError(
                "Balance transaction history can only be filtered on automatic transfers, not manual.",
                parameter="payout",
            )

    def _cursor(self, resource: str, record_id: str, *, parameter: str) -> int:
        name, kind, _ = RESOURCES[resource]
        seq = self._store.seq_of(kind, record_id)
        if seq is None:
            raise InvalidParametersError(f"No such {name}: '{record_id}'", parameter=parameter, code="resource_missing")
        return seq

    def _shown(self, record: Record) -> Rendered:
        if not isinstance(record, Event):
            return self._renderer.render(record)
        shown: Rendered = json.loads(record.body)
        shown["pending_webhooks"] = 0 if record.is_delivered else shown["pending_webhooks"]
        return shown


def _balance(currency: str, amount: int) -> Rendered:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
