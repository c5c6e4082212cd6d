"""A store that an older sandbox wrote."""

import sqlite3
from pathlib import Path

from sandbox.records import Intent
from sandbox.schema import ADDED
from sandbox.store import Store


class TestOlderStore:
    def test_gets_the_columns_that_came_later_and_keeps_its_payments(self, tmp_path: Path) -> None:
        path = str(tmp_path / "sandbox.sqlite3")
        intent = Intent("pi_1", "stripe", 1000, "gbp", "automatic", "succeeded", "pi_1_secret", 1, {})
        store = Store(path)
        store.insert(intent)
        store.close()
        with sqlite3.connect(path) as older:
            for table, column, _ in ADDED:
                older.execute(f"ALTER TABLE {table} DROP COLUMN {column}")

        store = Store(path)

        assert store.find(Intent, "pi_1") == intent
        store.close()
