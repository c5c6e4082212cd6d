"""The crash matrix: every point is on the committed list, every death is recovered from, a planted defect is found."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crashes.matrix import Point, recorded
from tests.crashes.reporting import show_differences

ROOT = Path(__file__).parents[2]
APPS = ("catalog", "checkout", "orders", "payments", "reconciliation", "webhooks")
# Transactions in which no checkout can die, and why.
LEFT_OUT = {
    "checkout.start.record": "after a lease was lost, of which tests/journeys/test_slow_provider.py has the tests",
    "checkout.resume.record": "the same",
    "webhooks.park": "about a payment that is nobody's here",
    "reconciliation.unapproved_refund": "one transaction about a refund that was never sent",
    "reconciliation.slow_refund": "one transaction that tells people",
    "reconciliation.close": "one transaction about an order of which nothing is open",
    **dict.fromkeys(
        (
            "checkout.add_coupon", "checkout.archive_cart", "checkout.change_cart", "checkout.choose_shipping_method",
            "checkout.claim_cart", "checkout.copy_cart", "checkout.create_cart", "checkout.payment_link",
            "checkout.payment_link.trade", "checkout.remove_coupon", "checkout.set_addresses", "checkout.set_line",
            "checkout.set_lines",
        ),
        "one transaction about a cart or a link, which moves neither money nor stock",
    ),
}  # fmt: skip


def crashes(database: str, *words: str) -> tuple[int, str]:
    """This will run the command in an interpreter of its own, whose forks no thread of pytest's can meet."""
    argv = [sys.executable, "-m", "tests.crashes", "--database", database, *words]
    ended = subprocess.run(argv, check=False, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return ended.returncode, ended.stdout + ended.stderr


class TestMatrix:
    @pytest.mark.pains("J2")
    def test_every_death_is_recovered_from(self, database: str) -> None:
        code, said = crashes(database, "--alternate")

        print(said)
        assert (code, said.splitlines()[-1]) == (0, "0 not recovered")

    @pytest.mark.parametrize(
        ("defect", "scenario", "broken"),
        [
            ("new key for each call", "start", "call:POST:payment_intents:during:1"),
            ("sweep passes over lapsed leases", "void", "call:POST:payment_intents:before:1"),
        ],
    )
    def test_a_planted_defect_is_found(self, defect: str, scenario: str, broken: str, database: str) -> None:
        code, said = crashes(database, "--plant", defect, "--scenario", scenario, "--first", "house")

        assert code == 1
        assert f'again: ./run crashes --scenario "{scenario}" --point {broken} --first house' in said
        assert said.splitlines()[-1] != "0 not recovered"

    def test_one_death_can_be_played_alone(self, database: str) -> None:
        words = ("--scenario", "start", "--point", "tx:checkout.start.open:committed:1", "--first", "customer")

        code, said = crashes(database, *words)

        assert code == 0, said
        assert re.search(r"^1 deaths in \d+ s\n0 not recovered$", said, re.MULTILINE)


class TestList:
    def test_has_every_transaction_of_a_checkout(self) -> None:
        sources = [
            path.read_text()
            for app in APPS
            for path in (ROOT / app).rglob("*.py")
            if not {"tests", "migrations"} & set(path.parts)
        ]
        named = {name for text in sources for name in re.findall(r'\btransaction\("([a-z_.]+)"\)', text)}
        named |= {name for text in sources for name in re.findall(r'\border_transaction\("([a-z_.]+)"\)', text)}
        named |= {name for text in sources for name in re.findall(r'reach\("tx:([a-z_.]+):begin"\)', text)}
        keyed = {name for text in sources for name in re.findall(r'\bname="(checkout\.[a-z]+)"', text)}
        named |= {f"{name}.{step}" for name in keyed for step in ("open", "finish", "record")}

        passed = {point.point.removeprefix("tx:").rpartition(":")[0] for point in recorded()}

        assert len(keyed) == 2
        assert named - passed - set(LEFT_OUT) == set()
        assert set(LEFT_OUT) - named == set()

    def test_has_each_side_of_every_commit_and_call(self) -> None:
        sides: dict[tuple[str, str], set[str]] = {}
        for point in recorded():
            name, _, side = point.point.rpartition(":")
            sides.setdefault((point.scenario, name), set()).add(side)

        lacking = {
            key: found
            for key, found in sides.items()
            if not found >= ({"begin", "committed"} if key[1].startswith("tx:") else {"before"})
        }

        assert lacking == {}
        assert len(recorded()) >= 60

    def test_says_which_points_disappeared_and_which_are_new(self, capsys: pytest.CaptureFixture[str]) -> None:
        gone, kept, new = (Point("start", f"tx:{name}:begin", 1) for name in ("gone", "kept", "new"))

        is_changed = show_differences([kept, new], [gone, kept])

        assert is_changed
        assert capsys.readouterr().out.splitlines() == [
            "disappeared: start, tx:gone:begin:1",
            "not recorded: start, tx:new:begin:1",
            "If that is meant: ./run crashes --record",
        ]
        assert not show_differences([kept], [kept])
        assert capsys.readouterr().out == ""
