"""What users of other engines complain about, and whether a test keeps it out of this one.

`tests/pains.csv` has a code, who owes its test and a title for each; `@pytest.mark.pains("A1")` says that a test holds
it. The marks are read from the source, so that tests which are not run here count too.
"""

import ast
import csv
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.test_house import trees

TABLE = Path(__file__).parent / "pains.csv"
# Whose codes must all be held by now; the others' are built later and counted.
DUE = {"depth", "proof"}


@cache
def table() -> dict[str, dict[str, str]]:
    """This will return the rows of the table by their code."""
    with TABLE.open(newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


def codes_in(marks: list[ast.expr]) -> Iterator[str]:
    """This will return the codes that decorators, or the items of a `pytestmark`, name."""
    for mark in marks:
        if isinstance(mark, ast.List | ast.Tuple):
            yield from codes_in(mark.elts)
        elif isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.pains":
            yield from (str(ast.literal_eval(argument)) for argument in mark.args)


@cache
def held() -> dict[str, list[str]]:
    """This will return the tests that hold each code."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                marks, owner = node.decorator_list, node.name
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
                marks, owner = [node.value], "the whole file"
            else:
                continue
            for code in codes_in(marks):
                found[code].append(f"{name}:{owner}")
    return dict(found)


class TestPains:
    def test_the_table_has_78_of_them_each_with_an_owner(self) -> None:
        assert len(table()) == 78
        assert {len(row["title"]) > 10 and row["owner"].isalpha() for row in table().values()} == {True}

    def test_no_mark_names_one_that_is_not_in_the_table(self) -> None:
        assert {code: tests for code, tests in held().items() if code not in table()} == {}

    def test_none_that_is_due_is_missing(self, capsys: pytest.CaptureFixture[str]) -> None:
        missing = {code: row for code, row in table().items() if code not in held()}

        with capsys.disabled():
            later = sorted(code for code, row in missing.items() if row["owner"] not in DUE)
            print(f"\npains: {len(table()) - len(missing)} of {len(table())} held; not yet: {' '.join(later)}")
        assert {code: row["title"] for code, row in missing.items() if row["owner"] in DUE} == {}
