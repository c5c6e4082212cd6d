"""Our records against the sandbox's own truth: every penny captured or returned is known on both sides.

Fetching is the caller's. The truth is read first and our rows after it, so ours may be ahead; and a webhook may still
be on its way. Therefore nothing that moved at or after `since`, on either side, is judged.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, Sum

from ledger import chart
from ledger.models import Entry
from orders.models import Order
from oversight.models import Case, CaseType
from payments.models import AttemptStatus, PaymentAttempt
from payments.selectors import minor_of_truth
from reconciliation.invariants.check import Violation

ROWS_AT_ONCE = 500


# Movements that take money of a payment, and that take it back from us.
TAKING = {"charge", "charge_failure", "partial_capture_reversal"}


@dataclass(slots=True)
class ProviderPayment:
    """One payment as the provider knows it. Minor units; ids of ours as they stand in its metadata."""

    reference: str
    attempt_id: str
    order_id: str
    currency: str
    captured_minor: int
    moved_at: datetime
    returned_minor: int = 0
    owed_minor: int = 0
    # Whether its movements say what it took: a payment that was tried again shows its last try alone.
    is_told_by_movements: bool = False


@dataclass(slots=True)
class Truth:
    """Everything the provider says: payments by its reference, with what it owes us for each.

    That leaves out refunds under way, which our books know once they succeeded; `recent_minor` is the sum of what moved
    at or after `since`, by size and currency.
    """

    since: datetime
    payments: dict[str, ProviderPayment] = field(default_factory=dict)
    recent_minor: Counter[str] = field(default_factory=Counter)


def read_truth(records: Iterable[Mapping[str, Any]], *, since: datetime) -> Truth:
    """This will take in the provider's records in the order it gives them: intents, charges, refunds, balance
    transactions.
    """
    truth = Truth(since=since)
    payment_of: dict[str, str] = {}
    pending: set[str] = set()
    for record in records:
        match record["kind"]:
            case "intent":
                truth.payments[record["id"]] = _payment(record)
            case "charge":
                payment_of[record["id"]] = record["intent"]
            case "refund":
                payment_of[record["id"]] = record["intent"]
                if record["status"] == "succeeded":
                    payment = truth.payments[record["intent"]]
                    payment.returned_minor += minor_of_truth(record["amount"], payment.currency)
                if record["status"] in {"pending", "requires_action"}:
                    pending.add(record["id"])
            case "balance_transaction" if record["source"] not in pending:
                # A payout moves what a provider owes us to the bank, which is no payment's.
                intent = record.get("intent") or payment_of.get(record["source"])
                if intent is not None:
                    _take_in_movement(truth, record, payment=truth.payments[intent])
    return truth


def differences(truth: Truth) -> Iterator[Violation]:
    """This will yield what one side knows and the other does not. Streams our rows."""
    known = without_told(truth)
    for compare in COMPARISONS.values():
        yield from compare(known)


def without_told(truth: Truth) -> Truth:
    """This will leave out payments that are no attempt's and that people were told of, one by one: somebody else's, or
    one that the provider made twice. Their money waits for those people and is in no books of ours.
    """
    cases = Case.objects.filter(type__in=[CaseType.UNKNOWN_PROVIDER_OBJECT, CaseType.AMOUNT_MISMATCH])
    told = set(cases.values_list("subject_id", flat=True)) & set(truth.payments)
    ours = PaymentAttempt.objects.filter(provider_reference__in=told).values_list("provider_reference", flat=True)
    told -= set(ours)
    return replace(truth, payments={name: row for name, row in truth.payments.items() if name not in told})


def _payment(intent: Mapping[str, Any]) -> ProviderPayment:
    return ProviderPayment(
        reference=intent["id"],
        attempt_id=intent["metadata"].get("attempt_id", ""),
        order_id=intent["metadata"].get("order_id", ""),
        currency=intent["currency"].upper(),
        captured_minor=minor_of_truth(intent["amount_received"], intent["currency"]),
        moved_at=_instant(intent["created"]),
    )


def _take_in_movement(truth: Truth, movement: Mapping[str, Any], *, payment: ProviderPayment) -> None:
    net_minor = minor_of_truth(movement["amount"] - movement["fee"], payment.currency)
    moved_at = _instant(movement["created"])
    payment.moved_at = max(payment.moved_at, moved_at)
    if movement["reporting_category"] in TAKING:
        before_minor = payment.captured_minor if payment.is_told_by_movements else 0
        payment.captured_minor = before_minor + minor_of_truth(movement["amount"], payment.currency)
        payment.is_told_by_movements = True
    payment.owed_minor += net_minor
    if moved_at >= truth.since:
        truth.recent_minor[payment.currency] += abs(net_minor)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _not_ours(truth: Truth) -> Iterator[Violation]:
    """Money the provider took under no attempt of ours (I3)."""
    settled = [row for row in truth.payments.values() if row.captured_minor and row.moved_at < truth.since]
    for start in range(0, len(settled), ROWS_AT_ONCE):
        batch = settled[start : start + ROWS_AT_ONCE]
        known = set(
            PaymentAttempt.objects.filter(public_id__in=[row.attempt_id for row in batch]).values_list(
                "public_id", flat=True
            )
        )
        for row in batch:
            if row.attempt_id not in known:
                subject = row.order_id or row.reference
                yield Violation(
                    "I3", subject, f"{row.reference} captured {row.captured_minor} {row.currency}: no attempt of ours"
                )


def _attempts(truth: Truth) -> Iterator[Violation]:
    """Attempts whose amounts differ from the provider's (I3)."""
    by_attempt: dict[str, list[ProviderPayment]] = {}
    for payment in truth.payments.values():
        by_attempt.setdefault(payment.attempt_id, []).append(payment)
    attempts = (
        PaymentAttempt.objects.filter(account__is_livemode=False)
        .exclude(status=AttemptStatus.REVERSED)
        .annotate(settled_at=Max("operations__settled_at"))
        .select_related("order")
        .order_by("id")
    )
    for attempt in attempts.iterator(chunk_size=ROWS_AT_ONCE):
        theirs = by_attempt.get(attempt.public_id, [])
        moved = [row.moved_at for row in theirs] + ([attempt.settled_at] if attempt.settled_at else [])
        if any(instant >= truth.since for instant in moved):
            continue
        provider_side = (sum(row.captured_minor for row in theirs), sum(row.returned_minor for row in theirs))
        returned = attempt.returned_minor + attempt.excess_returned_minor + attempt.beyond_minor
        by_provider = returned - attempt.offline_minor - attempt.lost_minor
        # What had been refunded when the provider took the rest back counts as captured here, and as nothing there.
        our_side = (0 if attempt.status == "reversed" else attempt.captured_minor, by_provider)
        currencies = {row.currency for row in theirs if row.captured_minor} - {attempt.currency}
        references = {row.reference for row in theirs if row.captured_minor} - {attempt.provider_reference}
        if provider_side != our_side or currencies or references:
            yield Violation(
                "I3",
                attempt.order.public_id,
                f"{attempt.public_id} captured {our_side[0]} and returned {our_side[1]} {attempt.currency} under "
                f"{attempt.provider_reference}; the provider says {provider_side[0]} and {provider_side[1]}"
                + "".join(f" under {row.reference} in {row.currency}" for row in theirs),
            )


def _orders(truth: Truth) -> Iterator[Violation]:
    """Orders for which the provider took more than is due, without our having marked it as excess (I1)."""
    captured: Counter[str] = Counter()
    recent = set()
    for payment in truth.payments.values():
        captured[payment.order_id] += payment.captured_minor
        if payment.moved_at >= truth.since:
            recent.add(payment.order_id)
    orders = (
        Order.objects.filter(is_livemode=False).order_by("id").values_list("public_id", "due_minor", "excess_minor")
    )
    for public_id, due_minor, excess_minor in orders.iterator(chunk_size=ROWS_AT_ONCE):
        if captured[public_id] > due_minor + excess_minor and public_id not in recent:
            detail = (
                f"the provider captured {captured[public_id]}, {due_minor} is due and {excess_minor} marked as excess"
            )
            yield Violation("I1", public_id, detail)


def balance_differences(truth: Truth) -> Iterator[Violation]:
    """This will yield the currencies in which the clearing accounts of test money differ from the provider's balance
    (I9).
    """
    entries = Entry.objects.filter(
        account__code__startswith=chart.CLEARING_PREFIX, posting__is_livemode=False, recorded_at__lt=truth.since
    )
    books = dict(entries.values_list("currency").annotate(total=Sum("amount_minor")))
    owed: Counter[str] = Counter()
    for payment in truth.payments.values():
        owed[payment.currency] += payment.owed_minor
    for currency in sorted(set(books) | set(owed)):
        clearing_minor, balance_minor = int(books.get(currency, 0)), owed[currency]
        if abs(clearing_minor - balance_minor) > truth.recent_minor[currency]:
            detail = f"clearing is {clearing_minor}, the provider's balance {balance_minor}"
            yield Violation("I9", f"clearing:{currency}", detail)


COMPARISONS: dict[str, Callable[[Truth], Iterator[Violation]]] = {
    "provider_took_nothing_unknown": _not_ours,
    "attempts_are_the_providers": _attempts,
    "provider_took_what_is_due_or_excess": _orders,
    "clearing_is_the_providers_balance": balance_differences,
}
