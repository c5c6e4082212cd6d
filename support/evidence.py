"""What a bank is shown about a disputed payment: one archive of everything we know, each part under its SHA-256.

What was delivered, which messages were sent and where from an account was used are added by the parts of the shop that
know it. Amounts are minor units beside their currency.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.models import StaffRole, User
from core.cause import Cause
from core.db import transaction_required
from core.errors import DomainError
from core.wire import instant_json
from orders.models import Order, OrderEvent
from oversight.services import record_audit
from payments.models import Dispute, Operation, PaymentAttempt, Refund, RefundClaim
from support.selectors import ROWS_MAX, OrderFile, order_file

# It names the customer in full, which lists and pages of the console never do.
ROLES = frozenset({StaffRole.SUPERVISOR, StaffRole.FINANCE, StaffRole.ADMINISTRATOR})


class NotForYourRole(DomainError):
    """Evidence holds personal data, and the role does not answer banks."""

    code = "not_for_your_role"
    title = "Your role does not answer banks. Ask somebody of finance."


def may_gather(user: User) -> bool:
    """This will tell whether somebody may read evidence."""
    return user.role in ROLES


@transaction_required
def gather_evidence(order: Order, *, staff: User, cause: Cause) -> bytes:
    """This will return an order's evidence as a ZIP archive and note in the audit trail who took it.

    Raises: NotForYourRole.
    """
    if not may_gather(staff):
        raise NotForYourRole(order_id=order.public_id, role=staff.role)
    file = order_file(order)
    parts = {name: _json(content) for name, content in _parts(file).items()}
    parts["about.txt"] = _about(file, now=cause.now).encode()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(parts.items())}
    parts["sha256.json"] = _json(digests)
    archive = _zip(parts, now=cause.now)
    record_audit(
        action="evidence_gathered", subject_id=order.public_id, cause=cause,
        after={"sha256": hashlib.sha256(archive).hexdigest(), "parts": digests},
    )  # fmt: skip
    return archive


def _about(file: OrderFile, *, now: datetime) -> str:
    order = file.order
    is_cut = max(len(file.history), len(file.operations), len(file.attempts)) == ROWS_MAX
    lines = [
        f"Order {order.number} ({order.public_id})",
        f"Placed {instant_json(order.created_at)}, paid {instant_json(order.paid_at) or 'never'}",
        f"Gathered {instant_json(now)}",
        "",
        "order.json      what the customer agreed to, unchanged since, with its hash",
        "customer.json   who bought, as they said",
        "payments.json   each try to pay: what the bank asked (3-D Secure) and was answered, and how risky it looked",
        "operations.json what we asked the provider, and its references",
        "history.json    everything that happened to the order, in our order of events",
        "refunds.json    what went back or was asked back",
        "disputes.json   what the bank told us",
        "sha256.json     the SHA-256 of each part",
    ]
    return "\n".join([*lines, *([f"Cut after {ROWS_MAX} rows of a part."] if is_cut else [])]) + "\n"


def _parts(file: OrderFile) -> Mapping[str, Any]:
    return {
        "order.json": {"snapshot": file.order.snapshot, "snapshot_hash": file.order.snapshot_hash},
        "customer.json": _customer(file),
        "payments.json": [_payment(each) for each in file.attempts],
        "operations.json": [_operation(each) for each in file.operations],
        "history.json": [_event(each) for each in file.history],
        "refunds.json": {
            "requests": [_request(each) for each in file.claims],
            "refunds": [_refund(each) for each in file.refunds],
        },
        "disputes.json": [_dispute(each) for each in file.disputes],
    }


def _payment(each: PaymentAttempt) -> dict[str, Any]:
    return {
        "attempt": each.public_id, "provider": each.account.provider, "account": each.account.slug,
        "provider_reference": each.provider_reference, "method": each.method, "status": each.status,
        "amount_minor": each.amount_minor, "captured_minor": each.captured_minor, "currency": each.currency,
        "three_d_secure": each.three_d_secure, "exemption_asked": each.exemption, "risk": each.risk,
        "failure_code": each.failure_code, "paths": each.path_flags, "began": instant_json(each.created_at),
    }  # fmt: skip


def _operation(each: Operation) -> dict[str, Any]:
    return {
        "operation": each.public_id, "kind": each.kind, "status": each.status,
        "provider_reference": each.provider_reference, "amount_minor": each.amount_minor, "currency": each.currency,
        "asked": instant_json(each.created_at), "settled": instant_json(each.settled_at),
    }  # fmt: skip


def _event(each: OrderEvent) -> dict[str, Any]:
    return {
        "sequence": each.sequence, "recorded_at": instant_json(each.recorded_at),
        "occurred_at": instant_json(each.occurred_at), "from": each.from_state, "to": each.to_state,
        "reason": each.reason, "actor": each.actor, "source": each.source, "provider": each.provider,
        "provider_event_id": each.provider_event_id, "facts": each.facts,
    }  # fmt: skip


def _request(each: RefundClaim) -> dict[str, Any]:
    return {
        "request": each.public_id, "status": each.status, "reason": each.reason_code, "note": each.note,
        "amount_minor": each.amount_minor, "currency": each.currency, "asked": instant_json(each.requested_at),
        "decided": instant_json(each.decided_at), "answer": each.decision_note,
    }  # fmt: skip


def _refund(each: Refund) -> dict[str, Any]:
    return {
        "refund": each.public_id, "status": each.status, "origin": each.origin, "reason": each.reason_code,
        "amount_minor": each.amount_minor, "currency": each.currency, "asked": instant_json(each.requested_at),
        "settled": instant_json(each.settled_at),
    }  # fmt: skip


def _dispute(each: Dispute) -> dict[str, Any]:
    return {
        "dispute": each.public_id, "provider_reference": each.provider_reference, "status": each.status,
        "reason": each.reason, "amount_minor": each.amount_minor, "currency": each.currency,
        "opened": instant_json(each.opened_at), "respond_by": instant_json(each.respond_by),
        "closed": instant_json(each.closed_at),
    }  # fmt: skip


def _customer(file: OrderFile) -> dict[str, Any]:
    contact = file.contact
    if contact is None or contact.erased_at is not None:
        return {"contact": None}
    return {
        "account": file.order.customer.public_id if file.order.customer else None,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "address": contact.address,
        "billing_address": contact.billing_address,
    }


def _json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _zip(parts: Mapping[str, bytes], *, now: datetime) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(parts.items()):
            archive.writestr(zipfile.ZipInfo(name, date_time=now.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
