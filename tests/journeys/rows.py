"""Rows written past every service, as a mistaken script would write them."""

import psycopg
from django.db import IntegrityError, connection
from django.db.models import Model


def constraint_of_copy(row: Model, **changes: str) -> str:
    """This will insert a second row like this one, with some columns changed, by SQL.

    Returns the name of the constraint that refuses it; "" if none does.
    """
    table = row._meta.db_table
    columns = [str(field.column) for field in row._meta.concrete_fields if field.column != "id"]
    values = ", ".join("%s" if name in changes else name for name in columns)
    statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE id = %s"
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, [*(changes[name] for name in columns if name in changes), row.pk])
    except IntegrityError as refusal:
        cause = refusal.__cause__
        return (cause.diag.constraint_name or "") if isinstance(cause, psycopg.Error) else ""
    return ""
