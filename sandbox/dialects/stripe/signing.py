"""Stripe's webhook signature.

Source: stripe-python `stripe/_webhook.py`: HMAC-SHA256 with the raw `whsec_…` string over
`"{t}." + body`, lowercase hex; several active secrets give several `v1`.
"""

import hmac
from hashlib import sha256


def signature_header(body: bytes, *, secrets: tuple[str, ...], signed_at: int) -> str:
    """This will return the value of the `Stripe-Signature` header."""
    signed = f"{signed_at}.".encode() + body
    parts = [f"v1={hmac.new(secret.encode(), signed, sha256).hexdigest()}" for secret in secrets]
    return ",".join([f"t={signed_at}", *parts])
