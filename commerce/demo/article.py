"""What an article of the demo shop is, before it is in any database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

PICTURE_WIDTH, PICTURE_HEIGHT = 400, 500


class Said(NamedTuple):
    """An article in one language: its name, what is said of it, and what its picture shows."""

    name: str
    description: str
    picture: str


class Named(NamedTuple):
    """A category or a variant in both languages."""

    english: str
    german: str


NAMELESS = Named("", "")


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category."""

    slug: str
    position: int
    name: Named


@dataclass(frozen=True, slots=True)
class Piece:
    """A variant. Prices are pence and cents, tax included."""

    sku: str
    pence: int
    cents: int
    units: int
    grams: int = 0
    name: Named = NAMELESS

    @property
    def prices(self) -> Mapping[str, int]:
        """Minor units by currency."""
        return {"GBP": self.pence, "EUR": self.cents}


@dataclass(frozen=True, slots=True)
class Article:
    """A product. Its picture is named as its slug. Without grams it comes by wire: a code, a file or a seat."""

    slug: str
    shelf: str
    pieces: tuple[Piece, ...]
    english: Said
    german: Said
    tax_category: str = "standard"

    @property
    def picture(self) -> str:
        """This will return the path of the static file."""
        return f"demo/{self.slug}.svg"
