"""The order's money in columns, and what its transitions ask of them. Pure reads; the payment funnel alone writes."""

from collections.abc import Callable
from typing import Any

from django.db import models


class OrderState(models.TextChoices):
    """The states of order_transitions.csv."""

    DRAFT = "draft"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_AUTHORIZED = "payment_authorized"
    PAID = "paid"
    PAYMENT_FAILED = "payment_failed"
    EXPIRED = "expired"
    CAPTURE_FAILED = "capture_failed"
    CANCELLED = "cancelled"
    CANCELLED_WITH_REFUND = "cancelled_with_refund"
    FULFILLMENT_PENDING = "fulfillment_pending"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CLOSED = "closed"


S = OrderState
BEFORE_PAYMENT = (S.DRAFT, S.PAYMENT_PENDING, S.PAYMENT_AUTHORIZED, S.PAYMENT_FAILED, S.EXPIRED, S.CAPTURE_FAILED)
# In these accepted = due (invariant I4), unless the provider took money back after something had left the house.
PAID_STATES = (S.PAID, S.FULFILLMENT_PENDING, S.PARTIALLY_FULFILLED, S.FULFILLED, S.PARTIALLY_REFUNDED, S.REFUNDED)
CANCELLED_STATES = (S.CANCELLED, S.CANCELLED_WITH_REFUND)
MONEY_COLUMNS = (
    "total_minor",
    "due_minor",
    "authorized_minor",
    "captured_minor",
    "excess_minor",
    "excess_returned_minor",
    "returned_minor",
)


class OrderMoney(models.Model):
    """Amounts in minor units of `currency`; accepted = captured − excess."""

    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    due_minor = models.BigIntegerField()
    authorized_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    excess_minor = models.BigIntegerField(default=0)
    excess_returned_minor = models.BigIntegerField(default=0)
    returned_minor = models.BigIntegerField(default=0)
    is_capture_reversed = models.BooleanField(
        default=False, help_text="An open capture_reversed case says why paid < due."
    )

    class Meta:
        """Columns of the order itself."""

        abstract = True

    @property
    def accepted_minor(self) -> int:
        """Captured for this order and owed: captured less what was reported beyond the due amount."""
        return self.captured_minor - self.excess_minor

    def is_paid_in_full(self) -> bool:
        """Guard: accepted = due in its currency."""
        return self.accepted_minor == self.due_minor

    def is_covered(self) -> bool:
        """Guard: accepted + authorized = due in its currency."""
        return self.accepted_minor + self.authorized_minor == self.due_minor

    def has_nothing_captured(self) -> bool:
        """Guard: nothing captured is owed; what was captured leaves by cancellation_refunded only."""
        return self.captured_minor == 0

    def is_given_back(self) -> bool:
        """Guard: all that was taken was given back, before or after the order was paid; a free order owes nothing."""
        if self.captured_minor == 0:
            return self.due_minor == 0 and getattr(self, "paid_at", None) is not None
        return self.captured_minor == self.excess_minor == self.excess_returned_minor or (
            self.returned_minor == self.accepted_minor and self.excess_returned_minor == self.excess_minor
        )

    def is_partly_returned(self) -> bool:
        """Guard: 0 < returned < accepted."""
        return 0 < self.returned_minor < self.accepted_minor

    def is_fully_returned(self) -> bool:
        """Guard: returned = accepted."""
        return self.returned_minor == self.accepted_minor > 0

    def is_unreturned(self) -> bool:
        """Guard: returned = 0."""
        return self.returned_minor == 0

    def has_money_owed_again(self) -> bool:
        """Guard: a give-back failed or came back, so that money is owed."""
        return self.returned_minor < self.accepted_minor or self.excess_returned_minor < self.excess_minor


def when(guard: Callable[[Any], bool]) -> list[Callable[[models.Model], bool]]:
    """This will return a transition's condition from a guard above."""
    return [guard]
