"""What the engine refuses, in its own words; each dialect says it in its provider's words."""

from sandbox.records import Charge, Intent


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


class ConnectionLostError(Exception):
    """The client must not get an answer. Not an `EngineError`: no dialect may translate it."""

    def __init__(self, *, is_executed: bool) -> None:
        super().__init__("the connection breaks here")
        self.is_executed = is_executed
