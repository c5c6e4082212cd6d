"""A store that an older sandbox wrote."""

import sqlite3
from pathlib import Path

from sandbox.records import Intent
from sandbox.schema import ADDED
from sandbox.store import Store
from sandbox.tests.clients import InProcess


class TestOlderStore:
    def test_gets_the_columns_that_came_later_and_keeps_its_payments(self, tmp_path: Path) -> None:
        path = str(tmp_path / "sandbox.sqlite3")
        intent = Intent("pi_1", "stripe", 1000, "gbp", "automatic", "succeeded", "pi_1_secret", 1, {})
        store = Store(path)
        store.insert(intent)
        store.close()
        with sqlite3.connect(path) as older:
            older.execute("DROP INDEX balance_transactions_payout")
            for table, column, _ in ADDED:
                older.execute(f"ALTER TABLE {table} DROP COLUMN {column}")

        store = Store(path)

        assert store.find(Intent, "pi_1") == intent
        store.close()

    def test_from_before_captures_were_rows_gets_them(self, tmp_path: Path) -> None:
        path = str(tmp_path / "sandbox.sqlite3")
        before = InProcess(path=path)
        intent = before.pay(700)
        before.sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 200})
        told = before.truth("capture")
        before.engine.store.close()
        with sqlite3.connect(path) as older:
            older.execute("DROP INDEX balance_transactions_payout")
            for table, column, _ in ADDED:
                older.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
            for table in ("captures", "disputes", "fraud_warnings", "payouts"):
                older.execute(f"DROP TABLE {table}")

        after = InProcess(path=path)

        assert after.truth("capture") == told
        assert {line["intent"] for line in after.truth("balance_transaction")} == {intent.id}
        assert after.make("disputes", payment_intent=intent.id)["amount"] == 500
        after.engine.store.close()
