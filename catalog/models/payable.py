"""What the database asks of typed amounts: that they can be paid to the last minor unit (core.money.PAYABLE_STEPS)."""

from django.db.models import F, Q
from django.db.models.lookups import Exact

from core.money import PAYABLE_STEPS


def payable(field: str) -> Q:
    """This will be the condition that the amount `field` is a multiple of the step of the row's `currency`."""
    condition = ~Q(currency__in=sorted(PAYABLE_STEPS))
    for step in sorted(set(PAYABLE_STEPS.values())):
        currencies = sorted(currency for currency, each in PAYABLE_STEPS.items() if each == step)
        condition |= Q(currency__in=currencies) & Q(Exact(F(field) % step, 0))
    return condition
