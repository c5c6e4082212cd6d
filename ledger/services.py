"""Every write to the books. Debit is positive, credit negative, in minor units; each posting sums to zero.

Note [Before the sale]: until an order is paid no sale is recognised and nothing is receivable. Money that arrives
earlier, in part or for an order that ended, is a debt of ours: it stands in customer_credit (`post_unowed_capture`)
and leaves by `post_give_back`, or becomes the order's by `reclassify_unowed` when the order turns out to be paid
after all. So a give-back before any sale has one route, and receivable is never negative.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from django.db import connection

from core.cause import Cause
from core.db import transaction_required
from core.errors import Invalid
from core.ids import new_public_id
from core.models import ProviderAccount, SalesChannel
from core.money import Money
from ledger import chart, selectors
from ledger.models import Account, Posting


class DoesNotBalance(Invalid):
    """The sides of a posting do not sum to zero, or there is nothing to post: the database would refuse it too."""

    code = "posting_does_not_balance"
    title = "The figures do not add up, so nothing was posted."


@dataclass(frozen=True, slots=True)
class Line:
    """One side: debit positive, credit negative. A line of zero is left out."""

    code: str
    amount_minor: int
    attempt_public_id: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened, once: `source_kind`, `source_id` and `event` together name it for ever."""

    source_kind: str
    source_id: str
    event: str
    channel: SalesChannel
    currency: str
    is_livemode: bool
    lines: Sequence[Line]
    order_public_id: str = ""


@dataclass(frozen=True, slots=True)
class Sale:
    """A paid order in figures of its snapshot, all in minor units of `currency` and ≥ 0 but the last two.

    `sales_minor` is net of tax and before discounts, `taxes_minor` goes by jurisdiction (empty when a provider
    collects the tax), `rounding_minor` is what the total has beyond its parts, `due_adjustment_minor` the sum of the
    approved changes of the amount due. Together they make `due_minor`, which becomes receivable.
    """

    channel: SalesChannel
    order_public_id: str
    is_livemode: bool
    currency: str
    due_minor: int
    sales_minor: int
    discounts_minor: int = 0
    shipping_minor: int = 0
    fees_minor: int = 0
    taxes_minor: Mapping[str, int] = field(default_factory=dict)
    rounding_minor: int = 0
    due_adjustment_minor: int = 0

    @property
    def has_figures(self) -> bool:
        """Whether there is anything to post: not for goods whose price is zero."""
        parts = (self.due_minor, self.sales_minor, self.discounts_minor, self.shipping_minor, self.fees_minor)
        return any(parts) or any(self.taxes_minor.values())


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved at a provider for an attempt. The source is what it is posted once for, for example the
    operation.

    `account` is read with its channel. `money` is positive; the verb gives it its direction.
    """

    source_kind: str
    source_id: str
    account: ProviderAccount
    order_public_id: str
    attempt_public_id: str
    money: Money


@transaction_required
def post_sale(sale: Sale, *, cause: Cause) -> Posting:
    """This will recognise the sale and its tax, in the transaction that makes the order paid; once for an order.

    Dr receivable, discounts / Cr sales, shipping, fees, tax. Raises: DoesNotBalance when the figures do not make
    `due_minor`.
    """
    lines = [
        Line(chart.RECEIVABLE, sale.due_minor),
        Line(chart.DISCOUNTS, sale.discounts_minor),
        Line(chart.DUE_ADJUSTMENTS, -sale.due_adjustment_minor),
        Line(chart.SALES, -sale.sales_minor),
        Line(chart.SHIPPING, -sale.shipping_minor),
        Line(chart.FEES, -sale.fees_minor),
        *(Line(chart.tax(jurisdiction), -amount) for jurisdiction, amount in sorted(sale.taxes_minor.items())),
        Line(chart.ROUNDING, -sale.rounding_minor),
    ]
    fact = Fact(
        source_kind="order",
        source_id=sale.order_public_id,
        event="sale",
        channel=sale.channel,
        currency=sale.currency,
        is_livemode=sale.is_livemode,
        lines=lines,
        order_public_id=sale.order_public_id,
    )
    return post(fact, cause=cause)


@transaction_required
def post_capture(movement: Movement, *, cause: Cause) -> Posting:
    """This will note money taken for an order whose sale is recognised: Dr clearing / Cr receivable."""
    return _post_movement(movement, event="capture", debit=_clearing_of(movement), credit=chart.RECEIVABLE, cause=cause)


@transaction_required
def post_unowed_capture(movement: Movement, *, cause: Cause) -> Posting:
    """This will note money taken that no sale is owed: Dr clearing / Cr customer_credit. See Note [Before the sale]."""
    return _post_movement(
        movement, event="unowed_capture", debit=_clearing_of(movement), credit=chart.CUSTOMER_CREDIT, cause=cause
    )


@transaction_required
def reclassify_unowed(movement: Movement, *, cause: Cause) -> Posting:
    """This will turn money first booked as unowed into the order's: Dr customer_credit / Cr receivable."""
    return _post_movement(
        movement, event="became_owed", debit=chart.CUSTOMER_CREDIT, credit=chart.RECEIVABLE, cause=cause
    )


@transaction_required
def post_give_back(movement: Movement, *, cause: Cause) -> Posting:
    """This will note money given back that no sale is owed: Dr customer_credit / Cr clearing."""
    return _post_movement(
        movement, event="give_back", debit=chart.CUSTOMER_CREDIT, credit=_clearing_of(movement), cause=cause
    )


@transaction_required
def post_give_back_returned(movement: Movement, *, cause: Cause) -> Posting:
    """This will note a give-back that came back to us, so that we owe it again: Dr clearing / Cr customer_credit."""
    return _post_movement(
        movement, event="give_back_returned", debit=_clearing_of(movement), credit=chart.CUSTOMER_CREDIT, cause=cause
    )


@transaction_required
def post_capture_reversed(movement: Movement, *, cause: Cause) -> Posting:
    """This will note a capture of a recognised sale that the provider took back: Dr receivable / Cr clearing."""
    return _post_movement(
        movement, event="capture_reversed", debit=chart.RECEIVABLE, credit=_clearing_of(movement), cause=cause
    )


@transaction_required
def post(fact: Fact, *, cause: Cause) -> Posting:
    """This will write a posting and its entries once; a fact already posted is returned as it stands.

    Two statements, whatever the number of lines; more only when one of the accounts is used for the first time. The
    business day is the day in the channel's zone when it happened. Raises: DoesNotBalance.
    """
    lines = [line for line in fact.lines if line.amount_minor]
    total_minor = sum(line.amount_minor for line in lines)
    if total_minor or not lines:
        raise DoesNotBalance(source_id=fact.source_id, event=fact.event, off_by_minor=total_minor)
    posting = _insert_posting(fact, cause=cause)
    if posting is None:
        return selectors.find_posting(source_kind=fact.source_kind, source_id=fact.source_id, event=fact.event)
    missing = _insert_entries(posting, replace(fact, lines=lines))
    if missing:
        _create_accounts(missing, fact=fact, cause=cause)
        later = [line for line in lines if line.code in missing]
        still_missing = _insert_entries(posting, replace(fact, lines=later))
        assert not still_missing, f"accounts {still_missing} were just created"
    return posting


def _post_movement(movement: Movement, *, event: str, debit: str, credit: str, cause: Cause) -> Posting:
    amount_minor = movement.money.amount_minor
    if amount_minor <= 0:
        raise DoesNotBalance(detail="Money that moved is more than nothing.", source_id=movement.source_id, event=event)
    fact = Fact(
        source_kind=movement.source_kind,
        source_id=movement.source_id,
        event=event,
        channel=movement.account.channel,
        currency=movement.money.currency,
        is_livemode=movement.account.is_livemode,
        lines=[
            Line(debit, amount_minor, movement.attempt_public_id),
            Line(credit, -amount_minor, movement.attempt_public_id),
        ],
        order_public_id=movement.order_public_id,
    )
    return post(fact, cause=cause)


def _clearing_of(movement: Movement) -> str:
    return chart.clearing(provider=movement.account.provider, account=movement.account.slug)


def _insert_posting(fact: Fact, *, cause: Cause) -> Posting | None:
    # A parallel posting of the same fact makes this wait until the other transaction ended, so that what is not
    # inserted here can be read by the next statement.
    business_on = cause.happened_at.astimezone(ZoneInfo(fact.channel.time_zone)).date()
    inserted = Posting.objects.raw(
        """
        INSERT INTO ledger_posting (public_id, channel_id, source_kind, source_id, event, order_public_id, is_livemode,
            business_on, occurred_at, recorded_at, trace_id, schema_version)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1)
        ON CONFLICT (source_kind, source_id, event) DO NOTHING
        RETURNING *
        """,
        [
            new_public_id("pst"), fact.channel.pk, fact.source_kind, fact.source_id, fact.event, fact.order_public_id,
            fact.is_livemode, business_on, cause.happened_at, cause.now, cause.trace_id,
        ],
    )  # fmt: skip
    return next(iter(inserted), None)


# Note [No cache of accounts]: the entries find their accounts by code in the statement that inserts them. That costs
# a look into a small index and nothing else, while ids remembered by a process would outlive a rolled-back first use.
def _insert_entries(posting: Posting, fact: Fact) -> set[str]:
    """Insert the lines whose account exists; return the codes of the others."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH line AS (
                SELECT line.code, line.amount_minor, line.attempt_public_id, line.position, account.id AS account_id
                FROM unnest(%s::text[], %s::bigint[], %s::text[]) WITH ORDINALITY
                    AS line (code, amount_minor, attempt_public_id, position)
                LEFT JOIN ledger_account AS account
                    ON account.legal_entity = %s AND account.code = line.code AND account.currency = %s
            ), inserted AS (
                INSERT INTO ledger_entry (posting_id, account_id, currency, amount_minor, order_public_id,
                    attempt_public_id, recorded_at)
                SELECT %s::bigint, account_id, %s, amount_minor, %s, attempt_public_id, %s
                FROM line WHERE account_id IS NOT NULL ORDER BY position
            )
            SELECT code FROM line WHERE account_id IS NULL
            """,
            [
                [line.code for line in fact.lines],
                [line.amount_minor for line in fact.lines],
                [line.attempt_public_id for line in fact.lines],
                fact.channel.legal_entity, fact.currency,
                posting.pk, fact.currency, fact.order_public_id, posting.recorded_at,
            ],
        )  # fmt: skip
        return {code for (code,) in cursor.fetchall()}


def _create_accounts(codes: set[str], *, fact: Fact, cause: Cause) -> None:
    # One creator at a time, until its transaction ends: two that need the same accounts in another order would
    # otherwise wait for each other's unique index entries.
    selectors.lock_chart()
    Account.objects.bulk_create(
        [
            Account(
                legal_entity=fact.channel.legal_entity,
                code=code,
                currency=fact.currency,
                nature=chart.nature(code),
                created_at=cause.now,
            )
            for code in sorted(codes)
        ],
        ignore_conflicts=True,
    )
