"""Which append-only tables are sealed, and how a row of each is written down before it is hashed.

The tables of other apps are known by name alone, because oversight stands below them. Columns are named one by one. A
column added later is nullable and stands in `later_columns`: a row in which all of these are empty reads as it did
before they existed, so the seals that exist hold, and filling one in afterwards breaks them. A row becomes the text of
JSON arrays whose instants are in UTC, so that the time zone and format settings of a session change nothing.
"""

from dataclasses import dataclass

from oversight.models import Seal

FIRST_PREVIOUS = "0" * 64


@dataclass(frozen=True, slots=True)
class Chain:
    """`table` gives the ids and is what writers lock; `row_source` is the FROM clause and `row_columns` what is
    hashed.
    """

    name: Seal.Chain
    table: str
    row_source: str
    row_columns: tuple[str, ...]
    later_columns: tuple[str, ...] = ()

    @property
    def row_text(self) -> str:
        """The SQL expression of one row's canonical text."""
        text = f"json_build_array({', '.join(self.row_columns)})::text"
        if not self.later_columns:
            return text
        later = ", ".join(self.later_columns)
        return f"{text} || CASE WHEN num_nonnulls({later}) > 0 THEN json_build_array({later})::text ELSE '' END"


AUDIT = Chain(
    name=Seal.Chain.AUDIT,
    table="oversight_auditentry",
    row_source="oversight_auditentry AS entry",
    row_columns=(
        "entry.id", "entry.recorded_at AT TIME ZONE 'UTC'", "entry.actor", "entry.action", "entry.subject_id",
        "entry.reason", "entry.before", "entry.after", "entry.trace_id", "entry.schema_version",
    ),
)  # fmt: skip
# An entry is hashed with its posting and its account: moving money by renaming an account breaks the seal as well.
LEDGER = Chain(
    name=Seal.Chain.LEDGER,
    table="ledger_entry",
    row_source="""ledger_entry AS entry
        LEFT JOIN ledger_posting AS posting ON posting.id = entry.posting_id
        LEFT JOIN ledger_account AS account ON account.id = entry.account_id""",
    row_columns=(
        "entry.id", "entry.currency", "entry.amount_minor", "entry.order_public_id", "entry.attempt_public_id",
        "entry.recorded_at AT TIME ZONE 'UTC'", "account.legal_entity", "account.code", "account.currency",
        "posting.public_id", "posting.channel_id", "posting.source_kind", "posting.source_id", "posting.event",
        "posting.order_public_id", "posting.is_livemode", "posting.business_on",
        "posting.occurred_at AT TIME ZONE 'UTC'", "posting.recorded_at AT TIME ZONE 'UTC'", "posting.trace_id",
        "posting.schema_version",
    ),
    later_columns=("posting.reverses", "posting.late_for"),
)  # fmt: skip
HISTORY = Chain(
    name=Seal.Chain.HISTORY,
    table="orders_orderevent",
    row_source="orders_orderevent AS entry",
    row_columns=(
        "entry.id", "entry.public_id", "entry.order_id", "entry.sequence", "entry.kind", "entry.from_state",
        "entry.to_state", "entry.reason", "entry.facts", "entry.actor", "entry.source", "entry.provider",
        "entry.provider_event_id", "entry.attempt_public_id", "entry.trace_id",
        "entry.occurred_at AT TIME ZONE 'UTC'", "entry.recorded_at AT TIME ZONE 'UTC'", "entry.schema_version",
    ),
)  # fmt: skip
CHAINS = (AUDIT, LEDGER, HISTORY)
