"""Which tables a statement reads or writes, by its text.

# Note [Asked again]
A check of our tables says what it said before unless a table it reads was written since. A step writes a few of them,
so most checks need not be asked after most steps: that looks at all of them as well and takes a tenth of the time.
What is not among an actor's statements (what the director does itself) counts as having changed everything.
"""

import re
from functools import cache

from django.apps import apps

# The one function of ours that writes and is called by a SELECT.
STORE = "webhooks_store"
_WRITTEN = re.compile(r'\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?"?(\w+)', re.IGNORECASE)
_WORD = re.compile(r"\w+")


def only_reads(sql: str) -> bool:
    """This will tell whether a statement cannot have changed anything."""
    return sql.startswith("SELECT") and STORE not in sql


@cache
def written_by(sql: str) -> frozenset[str]:
    """This will return the tables a statement writes."""
    if only_reads(sql):
        return frozenset()
    stored = {table for table in _tables() if table.startswith("webhooks_")} if STORE in sql else set()
    return _tables() & {*_WRITTEN.findall(sql), *stored}


@cache
def read_by(sql: str) -> frozenset[str]:
    """This will return the tables a statement names."""
    return _tables() & set(_WORD.findall(sql))


@cache
def _tables() -> frozenset[str]:
    return frozenset(model._meta.db_table for model in apps.get_models(include_auto_created=True))
