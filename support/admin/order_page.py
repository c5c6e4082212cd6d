"""The evidence on an order's page, as tables of cells that are already safe to show."""

from dataclasses import dataclass

from django.utils.safestring import SafeString

from orders.models import OrderEvent
from support.admin.order_terms import charges, taxes
from support.admin.shown import (
    amount,
    at,
    change_of,
    facts_text,
    figure,
    initials,
    masked_email,
    masked_phone,
    sign,
    to_row,
    words,
)
from support.admin.tables import Cell, Table
from support.selectors import OrderFile


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the timeline."""

    when: SafeString
    title: str
    change: SafeString | str
    by: str
    facts: str


def money_of(file: OrderFile) -> list[tuple[str, SafeString]]:
    """This will return the order's money columns with their names."""
    order = file.order
    columns = {
        "Total": order.total_minor,
        "Due": order.due_minor,
        "Held at the provider": order.authorized_minor,
        "Taken": order.captured_minor,
        "Taken beyond what is due": order.excess_minor,
        "Of that gone back": order.excess_returned_minor,
        "Accepted for this order": order.accepted_minor,
        "Gone back of what was due": order.returned_minor,
    }
    return [(name, amount(value, order.currency)) for name, value in columns.items()]


def contact_of(file: OrderFile) -> list[tuple[str, Cell]]:
    """This will return as much of the contact as support needs to recognise a customer."""
    contact, snapshot = file.contact, file.order.snapshot
    where = " ".join(filter(None, [snapshot.get("postcode_prefix", ""), snapshot.get("country", "")]))
    facts: list[tuple[str, Cell]] = [
        ("Customer", to_row(file.order.customer, "Has an account") if file.order.customer else "Guest"),
        ("Goes to", where or "not said"),
    ]
    if contact is None:
        return [*facts, ("Contact", "none was given")]
    if contact.erased_at is not None:
        return [*facts, ("Contact erased", at(contact.erased_at))]
    return [
        *facts,
        ("Name", initials(contact.name) or "not said"),
        ("E-mail", masked_email(contact.email) or "not said"),
        ("Telephone", masked_phone(contact.phone) or "not said"),
    ]


def timeline_of(file: OrderFile) -> list[Moment]:
    """This will return the order's history, oldest first."""
    return [_moment(event, file.order.currency) for event in file.history]


def _moment(event: OrderEvent, currency: str) -> Moment:
    source = "" if event.actor.endswith(f":{event.source}") else event.source
    by = " · ".join(
        filter(None, [event.actor, source, event.provider, event.provider_event_id, event.attempt_public_id])
    )
    change = change_of(event.from_state, event.to_state)
    return Moment(at(event.recorded_at), words(event.reason), change, by, facts_text(event.facts, currency))


def tables_of(file: OrderFile) -> list[Table]:
    """This will return the tables in the order support reads them."""
    return [
        _lines(file), charges(file), taxes(file), _attempts(file), _operations(file), _claims(file), _refunds(file),
        _disputes(file), _holds(file), _cases(file), _ledger(file), _reservation(file), _events(file), _refused(file),
        _adjustments(file),
    ]  # fmt: skip


def _lines(file: OrderFile) -> Table:
    currency, rows = file.order.currency, []
    for position, line in enumerate(file.order.snapshot["lines"], start=1):
        counters = file.counters.get(position)
        name = " · ".join(filter(None, [line["product_name"], line["variant_name"]]))
        rows.append((
            name, line["sku"], figure(line["quantity"]), amount(line["unit_price_minor"], currency),
            amount(-line["discount_minor"], currency), amount(line["total_minor"], currency),
            figure(counters.units_cancelled if counters else 0), figure(counters.units_fulfilled if counters else 0),
        ))  # fmt: skip
    columns = ("Article", "SKU", "Units*", "Each*", "Discount*", "Total*", "Cancelled*", "Sent*")
    return Table("Lines, as the customer agreed to them", columns, rows, "The snapshot has no lines.")


def _attempts(file: OrderFile) -> Table:
    rows = [
        (
            to_row(each, each.public_id), sign(each.status), "current" if each.is_current else "past",
            f"{each.account.provider}/{each.account.slug}", amount(each.amount_minor, each.currency),
            amount(each.captured_minor, each.currency), each.failure_code, at(each.created_at),
        )
        for each in file.attempts
    ]  # fmt: skip
    columns = ("Attempt", "Status", "Is", "Account", "Amount*", "Taken*", "Failure", "Opened")
    return Table("Payment attempts", columns, rows, "Nobody has tried to pay yet.")


def _operations(file: OrderFile) -> Table:
    rows = [
        (
            to_row(each, words(each.kind)), sign(each.status), amount(each.amount_minor, each.currency),
            each.provider_reference, each.error_code, figure(each.sends_count), at(each.created_at),
            at(each.settled_at),
        )
        for each in file.operations
    ]  # fmt: skip
    columns = ("Operation", "Status", "Amount*", "Provider's reference", "Error", "Sent*", "Made", "Settled")
    return Table("What we asked the provider", columns, rows, "Nothing was asked of a provider.")


def _claims(file: OrderFile) -> Table:
    rows = [
        (
            each.public_id, sign(each.status), amount(each.amount_minor, each.currency), words(each.reason_code),
            each.note, words(each.rule), each.decided_by or "nobody yet", at(each.requested_at), at(each.decided_at),
        )
        for each in file.claims
    ]  # fmt: skip
    columns = ("Request", "Status", "Amount*", "Why", "In their words", "Rule", "Decided by", "Asked", "Decided")
    return Table("What the customer asked back", columns, rows, "Nothing was asked back.")


def _refunds(file: OrderFile) -> Table:
    rows = [
        (
            each.public_id, sign(each.status), amount(each.amount_minor, each.currency), words(each.origin),
            words(each.reason_code), each.note, each.requested_by, each.failure_code, at(each.requested_at),
            at(each.settled_at),
        )
        for each in file.refunds
    ]  # fmt: skip
    columns = ("Refund", "Status", "Amount*", "Origin", "Why", "Note", "Asked by", "Failure", "Asked", "Settled")
    return Table("Refunds", columns, rows, "Nothing was refunded.")


def _disputes(file: OrderFile) -> Table:
    rows = [
        (
            each.public_id, sign(each.status), amount(each.amount_minor, each.currency), each.reason,
            each.provider_reference, at(each.opened_at), at(each.respond_by), at(each.closed_at),
        )
        for each in file.disputes
    ]  # fmt: skip
    columns = ("Dispute", "Status", "Amount*", "Reason", "Provider's reference", "Opened", "Answer by", "Closed")
    return Table("Disputes", columns, rows, "No bank disputes it.")


def _holds(file: OrderFile) -> Table:
    rows = [
        (
            sign("escalated" if each.released_at is None else "resolved", label=words(each.reason)), each.detail,
            each.opened_by, at(each.opened_at), each.released_by or "still open", at(each.released_at),
        )
        for each in file.holds
    ]  # fmt: skip
    return Table("Holds", ("Reason", "Detail", "By", "Opened", "Released by", "Released"), rows, "It was never held.")


def _cases(file: OrderFile) -> Table:
    rows = [(to_row(each, each.summary), sign(each.status), at(each.opened_at), at(each.due_at)) for each in file.cases]
    return Table("Cases", ("Case", "Status", "Opened", "Due"), rows, "No case is about this order.")


def _ledger(file: OrderFile) -> Table:
    rows = [
        (
            to_row(each.posting, words(each.posting.event)), each.account.code,
            amount(each.amount_minor, each.currency) if each.amount_minor > 0 else "",
            amount(-each.amount_minor, each.currency) if each.amount_minor < 0 else "", at(each.posting.recorded_at),
        )
        for each in file.entries
    ]  # fmt: skip
    columns = ("Posting", "Account", "Debit*", "Credit*", "Recorded")
    return Table("In the books", columns, rows, "Nothing was posted for this order.")


def _reservation(file: OrderFile) -> Table:
    rows = [
        (
            to_row(each.stock, each.stock.variant.sku), figure(each.quantity), sign(each.reservation.status),
            at(each.reservation.created_at), at(each.reservation.expires_at),
        )
        for each in file.reserved
    ]  # fmt: skip
    return Table("Units reserved", ("SKU", "Units*", "Status", "Since", "Until"), rows, "No units were reserved.")


def _events(file: OrderFile) -> Table:
    rows = [
        (
            to_row(each, each.type), sign(each.status), each.event_key, figure(each.tries_count), each.status_reason,
            at(each.occurred_at), at(each.received_at),
        )
        for each in file.events
    ]  # fmt: skip
    columns = ("Event", "Status", "Provider's id", "Tries*", "Why", "Happened", "Received")
    return Table("Webhook events about it", columns, rows, "No webhook spoke of this order.")


def _refused(file: OrderFile) -> Table:
    rows = [
        (words(each.transition), words(each.from_state), each.detail, each.actor, at(each.recorded_at))
        for each in file.refused
    ]
    return Table("Refused transitions", ("Asked for", "From", "Why not", "By", "When"), rows, "None was refused.")


def _adjustments(file: OrderFile) -> Table:
    rows = [
        (amount(each.amount_minor, file.order.currency), each.reason, each.requested_by, each.approved_by,
         at(each.recorded_at))
        for each in file.due_adjustments
    ]  # fmt: skip
    return Table(
        "Changes of the amount due",
        ("By*", "Why", "Asked by", "Approved by", "When"),
        rows,
        "The amount never changed.",
    )
