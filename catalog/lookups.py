"""Parts of queries that the catalog's reads share: units left, words in a language."""

from collections.abc import Sequence

from django.db.models import F, FilteredRelation, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, NullIf

AVAILABLE = F("stock__received") - F("stock__held") - F("stock__committed")


def translations(thing: str, *, locales: Sequence[str]) -> dict[str, FilteredRelation]:
    """This will return annotations that join the texts of `thing` in each of `locales`, for `words` to choose from.

    `thing` is the relation whose texts are meant, as in "product", or "" for the rows themselves. Each is joined by its
    unique index, so that a language more is no query more.
    """
    texts = f"{thing}__texts" if thing else "texts"
    return {
        _joined(thing, number): FilteredRelation(texts, condition=Q(**{f"{texts}__locale": locale}))
        for number, locale in enumerate(locales)
    }


def words(field: str, *, thing: str = "", locales: Sequence[str]) -> Combinable:
    """This will return the field in the first of `locales` that has it, else as it was typed in."""
    typed_in = F(f"{thing}__{field}" if thing else field)
    text = TextField()
    translated = [
        NullIf(F(f"{_joined(thing, number)}__{field}"), Value(""), output_field=text) for number in range(len(locales))
    ]
    return Coalesce(*translated, typed_in, output_field=text) if translated else typed_in


def _joined(thing: str, number: int) -> str:
    return f"{thing or 'own'}_text_{number}"
