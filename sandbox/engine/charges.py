"""Looking up and changing intents and charges. Every function expects the caller's transaction."""

from dataclasses import replace
from typing import Any

from sandbox.engine.desk import Desk
from sandbox.errors import NotFoundError
from sandbox.records import Charge, Intent


def get_intent(desk: Desk, intent_id: str) -> Intent:
    """This will return the intent. Raises `NotFoundError`."""
    intent = desk.store.find(Intent, intent_id)
    if intent is None:
        raise NotFoundError(kind="payment_intent", record_id=intent_id, parameter="intent")
    return intent


def change_intent(desk: Desk, intent: Intent, **changes: Any) -> Intent:
    """This will store and return the intent with those fields changed."""
    changed = replace(intent, **changes)
    desk.store.update(changed)
    return changed


def get_charge(desk: Desk, charge_id: str) -> Charge:
    """This will return the charge. Raises `NotFoundError`."""
    charge = desk.store.find(Charge, charge_id)
    if charge is None:
        raise NotFoundError(kind="charge", record_id=charge_id)
    return charge
