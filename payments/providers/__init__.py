"""Adapters to payment providers. Only the payments app imports this package."""
