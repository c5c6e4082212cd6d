"""Early fraud warnings: the network's word before any dispute. Every function expects the caller's transaction."""

from dataclasses import replace

from sandbox.engine.charges import get_charge, get_intent
from sandbox.engine.desk import Desk
from sandbox.errors import MoveRefusedError
from sandbox.records import Charge, FraudWarning

FRAUD_TYPES = (
    "card_never_received",
    "fraudulent_card_application",
    "made_with_counterfeit_card",
    "made_with_lost_card",
    "made_with_stolen_card",
    "misc",
    "unauthorized_use_of_card",
)


def open_warning(desk: Desk, *, charge_id: str, fraud_type: str) -> FraudWarning:
    """This will warn of a payment that succeeded. Raises `NotFoundError`, `MoveRefusedError`."""
    charge = get_charge(desk, charge_id)
    if charge.status != "succeeded" or not charge.amount_captured:
        raise MoveRefusedError(f"{charge.id} is not a captured charge that succeeded")
    warning = FraudWarning(
        id=desk.new_id("issfr"),
        charge_id=charge.id,
        intent_id=charge.intent_id,
        fraud_type=fraud_type,
        is_actionable=charge.dispute_id is None and charge.amount_refunded < charge.amount_captured,
        created=desk.now(),
    )
    desk.store.insert(warning)
    intent = get_intent(desk, charge.intent_id)
    desk.publish("radar.early_fraud_warning.created", subject=warning, intent=intent)
    return warning


def settle_warnings(desk: Desk, *, charge: Charge) -> None:
    """This will call a charge's warnings past acting on, once it is disputed or wholly given back."""
    if charge.dispute_id is None and charge.amount_refunded < charge.amount_captured:
        return
    for warning in desk.store.select(FraudWarning, "WHERE charge_id = ? AND is_actionable = 1", (charge.id,)):
        settled = replace(warning, is_actionable=False)
        desk.store.update(settled)
        intent = get_intent(desk, charge.intent_id)
        desk.publish("radar.early_fraud_warning.updated", subject=settled, intent=intent)
