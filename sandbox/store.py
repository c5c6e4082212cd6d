"""One SQLite file behind one lock. SQLite has one writer anyway; the lock keeps the order fair."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

from sandbox.records import Record
from sandbox.schema import ADDED, ADDED_INDEXES, BACKFILL, SCHEMA, TABLES

Kind = TypeVar("Kind", bound=Record)


_COLUMNS: dict[str, tuple[str, ...]] = {}


def columns_of(kind: type[Record]) -> tuple[str, ...]:
    """This will return the column names of a record's table, in the record's order."""
    if kind.table not in _COLUMNS:
        _COLUMNS[kind.table] = tuple(field.name for field in fields(kind))
    return _COLUMNS[kind.table]


def select_of(kind: type[Record]) -> str:
    """This will return the SELECT that reads whole records of a kind, without a condition."""
    return f"SELECT {', '.join(columns_of(kind))} FROM {kind.table}"  # noqa: S608 (constants)


def encode(record: Record) -> list[Any]:
    """This will return a record's values as SQLite stores them."""
    json_fields = record.json_fields
    return [
        json.dumps(value) if name in json_fields and value is not None else value
        for name, value in ((name, getattr(record, name)) for name in columns_of(type(record)))
    ]


def decode(kind: type[Kind], row: Sequence[Any]) -> Kind:
    """This will return the record that a row of `select_of(kind)` holds."""
    values = dict(zip(columns_of(kind), row, strict=True))
    for name in kind.json_fields:
        if values[name] is not None:
            values[name] = json.loads(values[name])
    for name in kind.bool_fields:
        values[name] = bool(values[name])
    return kind(**values)


class Store:
    """The sandbox's memory. `path` may be `:memory:`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives a killed process; only a power cut may lose the last commits, and the
        # sandbox's money is not real.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA busy_timeout = 5000")
        self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        """Note [Older stores]: there is no version number; whatever is missing is added, nothing is taken away."""
        tables = {row[0] for row in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self._connection.executescript(SCHEMA)
        for table, column, kind in ADDED:
            names = {row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")}
            if column not in names:
                self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        self._connection.executescript(ADDED_INDEXES)
        if "charges" in tables and "captures" not in tables:
            self._connection.executescript(f"BEGIN IMMEDIATE; {BACKFILL} COMMIT;")

    def close(self) -> None:
        """This will close the file."""
        with self.lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """This will run the block in one transaction; inside another one it simply joins it."""
        with self.lock:
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth = 0

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """This will undo the block alone when it raises; the transaction around it goes on."""
        self._connection.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO step")
            raise
        finally:
            self._connection.execute("RELEASE step")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """This will run one statement and return the number of rows it changed."""
        with self.lock:
            return self._connection.execute(sql, values).rowcount

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """This will return all rows of a query."""
        with self.lock:
            return self._connection.execute(sql, values).fetchall()

    def insert(self, record: Record) -> None:
        """This will add a record."""
        names = columns_of(type(record))
        marks = ", ".join("?" * len(names))
        self.execute(
            f"INSERT INTO {record.table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
            encode(record),
        )

    def update(self, record: Record) -> None:
        """This will write every field of a record that is already stored."""
        assignments = ", ".join(f"{name} = ?" for name in columns_of(type(record)))
        self.execute(
            f"UPDATE {record.table} SET {assignments} WHERE id = ?",  # noqa: S608 (constants)
            [*encode(record), record.id],
        )

    def find(self, kind: type[Kind], record_id: str) -> Kind | None:
        """This will return the record with that id, or None where there is no such record."""
        found = self.rows(f"{select_of(kind)} WHERE id = ?", (record_id,))
        return decode(kind, found[0]) if found else None

    def select(self, kind: type[Kind], tail: str, values: Sequence[Any] = ()) -> list[Kind]:
        """This will return records; `tail` is SQL after FROM, written by us, never by a caller."""
        return [decode(kind, row) for row in self.rows(f"{select_of(kind)} {tail}", values)]

    def pages(self, kind: type[Kind], *, size: int = 500) -> Iterator[list[Kind]]:
        """This will yield all records in order of creation, releasing the lock between pages."""
        last_seq = 0
        statement = select_of(kind).replace("SELECT ", "SELECT seq, ", 1)
        while True:
            found = self.rows(f"{statement} WHERE seq > ? ORDER BY seq LIMIT ?", (last_seq, size))
            if not found:
                return
            last_seq = found[-1][0]
            yield [decode(kind, row[1:]) for row in found]

    def seq_of(self, kind: type[Record], record_id: str) -> int | None:
        """This will return a record's place in the order of creation, for list cursors."""
        found = self.rows(f"SELECT seq FROM {kind.table} WHERE id = ?", (record_id,))  # noqa: S608
        return int(found[0][0]) if found else None

    def read_setting(self, name: str) -> str | None:
        """This will return a remembered setting."""
        found = self.rows("SELECT value FROM settings WHERE name = ?", (name,))
        return str(found[0][0]) if found else None

    def forget_setting(self, name: str) -> None:
        """This will forget one setting."""
        self.execute("DELETE FROM settings WHERE name = ?", (name,))

    def write_setting(self, name: str, value: str) -> None:
        """This will remember a setting across restarts."""
        self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def clear(self) -> None:
        """This will forget everything but the settings."""
        with self.transaction():
            for table in TABLES:
                self.execute(f"DELETE FROM {table}")  # noqa: S608 (constants)
