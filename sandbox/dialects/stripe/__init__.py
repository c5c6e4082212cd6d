"""Stripe's wire format, as its own SDK speaks it."""

from sandbox.dialects.stripe.dialect import StripeDialect, StripeSettings

__all__ = ["StripeDialect", "StripeSettings"]
