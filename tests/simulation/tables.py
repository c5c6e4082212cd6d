"""Which apps' tables a statement reads or writes, by its text.

# Note [Asked again]
A check of our tables says what it said before unless a table it reads was written since. A step writes those of a few
apps, so most checks need not be asked after most steps: that looks at all of them as well and takes a sixth of the
time. What is not among an actor's statements (what the director does itself) counts as having changed everything.
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
    """This will return the apps whose tables a statement writes."""
    if only_reads(sql):
        return frozenset()
    named = {"webhooks"} if STORE in sql else set()
    return frozenset(named | {_apps()[table] for table in _WRITTEN.findall(sql) if table in _apps()})


@cache
def read_by(sql: str) -> frozenset[str]:
    """This will return the apps whose tables a statement names."""
    return frozenset(_apps()[word] for word in _WORD.findall(sql) if word in _apps())


@cache
def _apps() -> dict[str, str]:
    models = apps.get_models(include_auto_created=True)
    return {model._meta.db_table: model._meta.app_label for model in models}
