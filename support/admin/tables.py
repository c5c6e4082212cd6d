"""Tables of cells that are already safe to show."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from support.selectors import ROWS_MAX

Cell = str | SafeString


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, its columns and rows; `none` is said in place of rows. Columns that end in * hold figures."""

    heading: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    none: str

    @property
    def is_cut(self) -> bool:
        """Whether there may be more rows than are shown."""
        return len(self.rows) >= ROWS_MAX
