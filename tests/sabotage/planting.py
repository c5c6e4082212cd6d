"""Defects in memory: the text of one of our functions or statements is changed, or a guard of the database is lost.

A defect is written as a developer would have made it: these lines instead of those. The product knows nothing of it,
and when its text has changed so that the lines are gone, planting fails instead of testing nothing.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from unittest.mock import patch

from django.apps import apps
from django.db import connections
from psycopg import sql

from tests import databases

RELATION = """
SELECT conrelid::regclass::text AS relation, 'constraint' AS kind, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE conname = %(name)s AND contype <> 't'
UNION ALL SELECT tablename, 'index', indexdef FROM pg_indexes WHERE indexname = %(name)s
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = %(name)s)
UNION ALL SELECT tgrelid::regclass::text, 'trigger', '' FROM pg_trigger WHERE tgname = %(name)s
"""
# On a function that was edited: its text, which no file has.
SOURCE = "__sabotaged_source__"


class Plant(Protocol):
    """One change and how it is taken back."""

    def planted(self, database: str) -> Any:
        """This will return the context in which the change stands."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Other lines in a function, a method or a text constant of ours, named by its dotted path.

    `uses` are modules that the new lines name and the original did not import.
    """

    path: str
    old: str
    new: str
    uses: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def planted(self, database: str) -> Iterator[None]:
        """This will put the changed object wherever the product holds the original."""
        owner, name = _owner_of(self.path)
        original = inspect.getattr_static(owner, name)
        changed = self._changed(owner, name, original)
        with ExitStack() as stack:
            for alias, path in self.uses.items():
                module = sys.modules[inspect.unwrap(original).__module__]
                stack.enter_context(patch.object(module, alias, sys.modules[path], create=True))
            for holder, attribute in _holders(original, owner=owner, name=name):
                stack.enter_context(patch.object(holder, attribute, changed))
            yield

    def _changed(self, owner: Any, name: str, original: Any) -> Any:
        if isinstance(original, str):
            return _edited(original, self.old, self.new, where=self.path)
        source = vars(original).get(SOURCE) or textwrap.dedent(inspect.getsource(inspect.unwrap(original)))
        source = _edited(source, self.old, self.new, where=self.path)
        module = sys.modules[inspect.unwrap(original).__module__]
        made: dict[str, Any] = {}
        exec(compile(source, f"<{self.path}, sabotaged>", "exec"), vars(module), made)
        vars(made[name])[SOURCE] = source
        return made[name]


@dataclass(frozen=True, slots=True)
class Lost:
    """A constraint, unique index or trigger of the database that some migration forgot."""

    name: str

    @contextmanager
    def planted(self, database: str) -> Iterator[None]:
        """This will drop it; the caller has emptied the database before it comes back."""
        _end_sessions()
        with databases.superuser(database) as connection:
            row = connection.execute(RELATION, {"name": self.name}).fetchone()
            assert row is not None, f"there is no guard {self.name}"
            relation, kind, definition = (str(value) for value in row)
            table, guard = sql.SQL(relation), sql.Identifier(self.name)
            there_again: dict[str, sql.SQL | sql.Composed] = {
                "constraint": sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(table, guard, sql.SQL(definition)),
                "index": sql.SQL(definition),
                "trigger": sql.SQL("ALTER TABLE {} ENABLE TRIGGER {}").format(table, guard),
            }
            gone: dict[str, sql.SQL | sql.Composed] = {
                "constraint": sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(table, guard),
                "index": sql.SQL("DROP INDEX {}").format(guard),
                "trigger": sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(table, guard),
            }
            connection.execute(gone[kind])
        try:
            yield
        finally:
            _end_sessions()
            with databases.superuser(database) as connection:
                databases.empty(database, statement=databases.emptying_statement())
                connection.execute(there_again[kind])


@dataclass(frozen=True, slots=True)
class Routine:
    """Other lines in one of our functions inside the database."""

    name: str
    old: str
    new: str

    @contextmanager
    def planted(self, database: str) -> Iterator[None]:
        """This will replace the function."""
        _end_sessions()
        with databases.superuser(database) as connection:
            row = connection.execute("SELECT pg_get_functiondef(%s::regproc)", [self.name]).fetchone()
            assert row is not None
            original = str(row[0])
            connection.execute(_edited(original, self.old, self.new, where=self.name))
        try:
            yield
        finally:
            _end_sessions()
            with databases.superuser(database) as connection:
                connection.execute(original)


def _edited(text: str, old: str, new: str, *, where: str) -> str:
    found = text.count(old)
    assert found == 1, f"{where} has the lines to change {found} times:\n{old}"
    return text.replace(old, new)


def _end_sessions() -> None:
    # A session keeps plans and locks; what follows sees the tables as they are then.
    connections["default"].close()


def _owner_of(path: str) -> tuple[Any, str]:
    """The module or class that holds the last name of a dotted path."""
    *parts, name = path.split(".")
    for length in range(len(parts), 0, -1):
        module = sys.modules.get(".".join(parts[:length]))
        if module is not None:
            owner: Any = module
            for part in parts[length:]:
                owner = getattr(owner, part)
            return owner, name
    raise LookupError(path)


def _holders(original: Any, *, owner: Any, name: str) -> Iterator[tuple[Any, str]]:
    """Every name of our modules that means the original: `from … import` gave it many."""
    if inspect.isclass(owner):
        yield owner, name
        return
    ours = {config.name for config in apps.get_app_configs() if "." not in config.name}
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] in ours:
            for attribute, value in list(vars(module).items()):
                if value is original:
                    yield module, attribute


@dataclass(frozen=True)
class Defect:
    """A mistake somebody could make: its name, what is wrong in a sentence, the changes that make it.

    `race` is a test of `tests/concurrency` where it concerns locks, which only real threads can break. A run that has
    found something ends soon after, unless the mistake is also there to show what is found when all has come to rest.
    `more` makes what the mistake needs that many times as likely, by the names of the simulation's acts and happenings.
    One that shows only when somebody stands or dies in the middle of something `is_between`; `dies_at` are the
    transactions and calls in which that has to be, by their names without begin, commit or committed. `mood` is the
    seeds', of tests.simulation.odds.MOODS, where theirs would show it too seldom.
    """

    name: str
    what: str
    plants: tuple[Plant, ...]
    race: Callable[[Any], None] | None = None
    is_played_to_the_end: bool = False
    more: Mapping[str, float] = field(default_factory=dict)
    is_between: bool = False
    dies_at: frozenset[str] = frozenset()
    mood: str = ""

    @contextmanager
    def planted(self, database: str) -> Iterator[None]:
        """This will make the mistake for the length of the block."""
        with ExitStack() as stack:
            for plant in self.plants:
                stack.enter_context(plant.planted(database))
            yield
