"""Dying on purpose: at the n-th passage of a named point, as a power cut would."""

import os
import subprocess
import sys
from pathlib import Path

from core import killpoints

ROOT = Path(__file__).parents[2]
PASSING = """
from core import killpoints
{before}
try:
    for number in range(1, 4):
        print(number, flush=True)
        killpoints.reach("tx:other:commit")
        killpoints.reach("tx:checkout:commit")
finally:
    print("cleaned up", flush=True)
"""


def passing(before: str = "", **env: str) -> tuple[int, list[str]]:
    """This will let a process of its own pass two points three times; returns its exit code and what it said."""
    argv = [sys.executable, "-c", PASSING.format(before=before)]
    ended = subprocess.run(argv, check=False, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True)
    return ended.returncode, ended.stdout.split("\n")[:-1]


class TestCrashAt:
    def test_ends_the_process_at_that_passage_without_any_cleanup(self) -> None:
        assert passing(CRASH_AT="tx:checkout:commit:2") == (137, ["1", "2"])

    def test_of_a_point_that_is_not_passed_so_often_ends_nothing(self) -> None:
        assert passing(CRASH_AT="tx:checkout:commit:4") == (0, ["1", "2", "3", "cleaned up"])


class TestArm:
    def test_counts_from_now(self) -> None:
        before = 'killpoints.reach("tx:checkout:commit")\nkillpoints.arm("tx:checkout:commit", passage=3)'

        assert passing(before) == (137, ["1", "2", "3"])


class TestListen:
    def test_hears_every_point_inside_the_block_and_none_outside(self) -> None:
        heard: list[str] = []

        killpoints.reach("tx:before:begin")
        with killpoints.listen(heard.append):
            killpoints.reach("tx:checkout:begin")
        killpoints.reach("tx:after:begin")

        assert heard == ["tx:checkout:begin"]
