"""The inbox's writes: let a delivery in, give each event its effect once, and never lose one that failed.

Every event goes received → processing → processed | ignored | parked | failed → dead. The row is the queue:
`next_try_at` says when the sweep looks again, whatever happened to the wake-up or to the worker.
"""

from webhooks.services.processing import BytesGone, LeaseLost, process
from webhooks.services.receiving import (
    PROCESS_JOB,
    NoSecret,
    NoSuchAddress,
    OtherMode,
    Stored,
    UnusableNotice,
    ingest,
    receive,
    refusals,
)
from webhooks.services.sweeping import sweep

__all__ = [
    "PROCESS_JOB",
    "BytesGone",
    "LeaseLost",
    "NoSecret",
    "NoSuchAddress",
    "OtherMode",
    "Stored",
    "UnusableNotice",
    "ingest",
    "process",
    "receive",
    "refusals",
    "sweep",
]
