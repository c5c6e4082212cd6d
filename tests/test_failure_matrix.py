"""docs/failure-matrix.md says which test holds which row: every name there is a test, and every test stands there."""

import ast
import re

import pytest

from tests.running import ROOT

PAGE = (ROOT / "docs" / "failure-matrix.md").read_text()
FILES = re.findall(r"Held by `(tests/\S+\.py)`", PAGE)
# What judges the whole file has no row of its own.
WITHOUT_A_ROW = "TestAfterwards"


def named_in_table(path: str) -> list[str]:
    """This will return the tests named in the table of a file."""
    table = PAGE.partition(f"Held by `{path}`")[2].partition("\n## ")[0]
    return re.findall(r"`(Test\w+::test_\w+)` \|$", table, flags=re.MULTILINE)


def defined_in(path: str) -> list[str]:
    """This will return the tests of a file, by class."""
    return [
        f"{each.name}::{test.name}"
        for each in ast.parse((ROOT / path).read_text()).body
        if isinstance(each, ast.ClassDef) and each.name != WITHOUT_A_ROW
        for test in each.body
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_")
    ]


class TestFailureMatrix:
    def test_it_speaks_of_both_files(self) -> None:
        assert FILES == ["tests/stack/test_failure_matrix.py", "tests/stack/test_eight_journeys.py"]

    @pytest.mark.parametrize("path", FILES)
    def test_every_row_names_a_test_and_every_test_has_a_row(self, path: str) -> None:
        named = named_in_table(path)

        assert sorted(named) == sorted(defined_in(path))
        assert len(named) >= 8
