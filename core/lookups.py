"""Conditions on many values that are one parameter, so one statement whatever their number."""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, F, Func, TextField, Value


class AnyOf(Func):
    """`column = ANY(array)`: one parameter, so one prepared statement for any number of values, where IN needs many."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def id_in(column: str, ids: Iterable[int]) -> AnyOf:
    """This will return a condition that holds for these row ids."""
    return AnyOf(F(column), Value(list(ids), output_field=ArrayField(BigIntegerField())))


def text_in(column: str, texts: Iterable[str]) -> AnyOf:
    """This will return a condition that holds for these texts."""
    return AnyOf(F(column), Value(list(texts), output_field=ArrayField(TextField())))
