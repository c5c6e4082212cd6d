"""What the engine refuses, in its own words; each dialect says it in its provider's words."""

from sandbox.records import Charge, Dispute, Intent, Refund


class EngineError(Exception):
    """The base of everything the engine refuses."""


class NotFoundError(EngineError):
    """There is no such record."""

    def __init__(self, *, kind: str, record_id: str, parameter: str = "id") -> None:
        super().__init__(f"No such {kind}: '{record_id}'")
        self.kind = kind
        self.record_id = record_id
        self.parameter = parameter


class WrongStateError(EngineError):
    """The intent's status does not permit the action."""

    def __init__(self, *, intent: Intent, action: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{intent.id} is {intent.status}, so it cannot be {action}")
        self.intent = intent
        self.action = action
        self.allowed = allowed


class CaptureRefusedError(EngineError):
    """The bank holds the money and does not hand it over; the hold stays."""

    def __init__(self, intent: Intent) -> None:
        super().__init__(f"The bank refused to hand over what it holds for {intent.id}.")
        self.intent = intent


class HoldOverError(EngineError):
    """The bank holds the money no longer, though the intent is not canceled yet."""

    def __init__(self, intent: Intent) -> None:
        super().__init__(f"The hold of {intent.id} is over.")
        self.intent = intent


class NotMulticaptureError(EngineError):
    """A capture that leaves the rest held needs a payment that was made for it."""

    def __init__(self, intent: Intent) -> None:
        super().__init__(f"{intent.id} was not made for several captures.")
        self.intent = intent


class NothingCapturedError(EngineError):
    """A capture of nothing only ends a hold that was captured in part."""

    def __init__(self, intent: Intent) -> None:
        super().__init__(f"Nothing of {intent.id} was captured, so there is no last capture of nothing.")
        self.intent = intent


class AmountTooLargeError(EngineError):
    """More was asked for than is there."""

    def __init__(self, *, asked: int, available: int, currency: str, parameter: str) -> None:
        super().__init__(f"{asked} {currency} is more than {available} {currency}")
        self.asked = asked
        self.available = available
        self.currency = currency
        self.parameter = parameter


class AlreadyRefundedError(EngineError):
    """Nothing of the charge is left to give back."""

    def __init__(self, charge: Charge) -> None:
        super().__init__(f"Charge {charge.id} has already been refunded.")
        self.charge = charge


class NotCapturedError(EngineError):
    """A charge that only holds money cannot be refunded; its intent must be canceled."""

    def __init__(self, charge: Charge) -> None:
        super().__init__(f"Charge {charge.id} is not captured")
        self.charge = charge


class DisputedError(EngineError):
    """A dispute has the charge's money."""

    def __init__(self, *, charge: Charge, dispute: Dispute) -> None:
        super().__init__(f"Charge {charge.id} is disputed by {dispute.id}, which is {dispute.status}")
        self.charge = charge
        self.dispute = dispute


class RefundStateError(EngineError):
    """The refund's status does not permit the action."""

    def __init__(self, *, refund: Refund, action: str) -> None:
        super().__init__(f"{refund.id} is {refund.status}, so it cannot be {action}")
        self.refund = refund
        self.action = action


class DisputeStateError(EngineError):
    """The dispute's status does not permit the action."""

    def __init__(self, *, dispute: Dispute, action: str) -> None:
        super().__init__(f"{dispute.id} is {dispute.status}, so it cannot be {action}")
        self.dispute = dispute
        self.action = action


class MoveRefusedError(EngineError):
    """What the control API asked for cannot happen in this state."""


class ConnectionLostError(Exception):
    """The client must not get an answer. Not an `EngineError`: no dialect may translate it."""

    def __init__(self, *, is_executed: bool) -> None:
        super().__init__("the connection breaks here")
        self.is_executed = is_executed
