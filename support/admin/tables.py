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
    def named_rows(self) -> list[list[tuple[str, Cell]]]:
        """The rows' cells with their columns' names, for screens that have no room for a head."""
        names = [column.removesuffix("*") for column in self.columns]
        return [list(zip(names, row, strict=True)) for row in self.rows]

    @property
    def is_cut(self) -> bool:
        """Whether there may be more rows than are shown."""
        return len(self.rows) >= ROWS_MAX
