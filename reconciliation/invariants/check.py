"""What a check of an invariant is, and what it finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """A SELECT of (subject, detail): one row per violation, none on a sound database.

    `invariant` is the number in the list of invariants. The SQL may read the instant of the check as `moment.now` and
    must not contain a percent sign. A check with `is_liveness` also fails while work is merely late, so a simulation
    that holds workers back asks it at the end only.
    """

    invariant: str
    name: str
    proves: str
    sql: str
    is_liveness: bool = False

    @property
    def select(self) -> str:
        """The check as a SELECT of (invariant, subject, detail, name of the check)."""
        columns = f"'{self.invariant}' AS invariant, subject, detail, '{self.name}' AS name"
        return f"SELECT {columns} FROM ({self.sql}) AS {self.name}"  # noqa: S608


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """What is wrong, about which subject, in words; `check` is the name of what found it."""

    invariant: str
    subject: str
    detail: str
    check: str = ""

    def __str__(self) -> str:
        """One line for people and logs."""
        return f"{self.invariant} {self.subject} {self.detail}"
