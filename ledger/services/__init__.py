"""Every write to the books. Debit is positive, credit negative, in minor units; each posting sums to zero."""

from ledger.services.movements import (
    Movement,
    post_capture,
    post_capture_reversed,
    post_give_back,
    post_give_back_returned,
    post_unowed_capture,
    reclassify_unowed,
)
from ledger.services.posting import DoesNotBalance, Fact, Line, post
from ledger.services.sales import Sale, post_sale

__all__ = [
    "DoesNotBalance",
    "Fact",
    "Line",
    "Movement",
    "Sale",
    "post",
    "post_capture",
    "post_capture_reversed",
    "post_give_back",
    "post_give_back_returned",
    "post_sale",
    "post_unowed_capture",
    "reclassify_unowed",
]
