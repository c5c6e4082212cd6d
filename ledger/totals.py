"""What a closed period sums up to, and the hash over it. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

FIRST_PREVIOUS = "0" * 64

# An account and whether its money is real.
Side = tuple[int, bool]


@dataclass(frozen=True, slots=True)
class Moved:
    """What was debited and credited, both as positive amounts, in minor units."""

    entries_count: int
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class Total:
    """What one account did in a period, in one mode; `closing_minor` is its balance at the end."""

    account_id: int
    code: str
    currency: str
    is_livemode: bool
    entries_count: int
    debit_minor: int
    credit_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True)
class Heading:
    """Which period it is; the hash covers it too."""

    legal_entity: str
    kind: str
    starts_on: date
    ends_on: date


NOTHING = Moved(0, 0, 0)


def carry_forward(
    opening_minor: Mapping[Side, int], moved: Mapping[Side, Moved], *, names: Mapping[int, tuple[str, str]]
) -> list[Total]:
    """This will return the totals of a period from the balances before it and what moved in it, by currency and code.

    `names` has code and currency of each account.
    """
    totals = []
    for account_id, is_livemode in set(opening_minor) | set(moved):
        side = (account_id, is_livemode)
        move = moved.get(side, NOTHING)
        closing_minor = opening_minor.get(side, 0) + move.debit_minor - move.credit_minor
        totals.append(
            Total(
                account_id,
                *names[account_id],
                is_livemode,
                move.entries_count,
                move.debit_minor,
                move.credit_minor,
                closing_minor,
            )
        )
    return sorted(totals, key=lambda total: (total.currency, total.code, total.is_livemode))


def hash_of(heading: Heading, totals: Sequence[Total], *, previous_sha256: str) -> str:
    """This will return the SHA-256 over the hash of the period before, the heading and one line per total."""
    lines: Iterable[object] = [
        [
            total.code,
            total.currency,
            total.is_livemode,
            total.entries_count,
            total.debit_minor,
            total.credit_minor,
            total.closing_minor,
        ]
        for total in totals
    ]
    head = [heading.legal_entity, heading.kind, heading.starts_on.isoformat(), heading.ends_on.isoformat()]
    text = "\n".join([previous_sha256, *(json.dumps(line, ensure_ascii=False) for line in [head, *lines])])
    return hashlib.sha256(text.encode()).hexdigest()
