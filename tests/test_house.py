"""The house's rules that no linter knows, as a ratchet over the syntax trees."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from commerce.celery import app

ROOT = Path(__file__).parent.parent
APPS = [
    "accounts", "catalog", "checkout", "core", "ledger", "orders", "oversight", "payments", "reconciliation",
    "storefront", "support", "webhooks",
]  # fmt: skip
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
PARAMETERS_MAX = 7
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "managers.py", "signals.py"}
SKIPPED = {".venv", ".surety", "migrations", "node_modules", "staticfiles", ".git"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def sources(*folders: str) -> Iterator[Path]:
    """This will return every Python file of the folders (all by default), `run` included, migrations excluded."""
    if not folders:
        yield ROOT / "run"
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        if not SKIPPED & set(parts) and (not folders or parts[0] in folders):
            yield path


def trees(*folders: str, with_tests: bool = True) -> Iterator[tuple[str, ast.Module]]:
    """This will return the syntax tree of each file by its path."""
    for path in sources(*folders):
        name = str(path.relative_to(ROOT))
        if with_tests or "tests" not in path.parts:
            yield name, ast.parse(path.read_text())


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """This will return every function of a tree."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            yield node


class TestSizes:
    def test_files_stay_under_400_lines(self) -> None:
        long = {str(path): len(path.read_text().splitlines()) for path in sources()}

        assert {name: lines for name, lines in long.items() if lines > FILE_LINES_MAX} == {}

    def test_functions_stay_under_60_lines(self) -> None:
        long = [
            f"{name}:{node.name}"
            for name, tree in trees()
            for node in functions(tree)
            if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
        ]

        assert long == []

    def test_functions_take_at_most_seven_parameters(self) -> None:
        many = [
            f"{name}:{node.name}"
            for name, tree in trees(with_tests=False)
            for node in functions(tree)
            if len([a for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs] if a.arg != "self"])
            > PARAMETERS_MAX
        ]

        assert many == []


class TestPlaces:
    def test_no_import_stands_inside_a_function(self) -> None:
        inside = [
            f"{name}:{node.name}"
            for name, tree in trees()
            for node in functions(tree)
            if any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node))
        ]

        assert inside == []

    def test_rows_are_locked_in_selectors_alone(self) -> None:
        elsewhere = [
            name
            for name, tree in trees(*APPS, with_tests=False)
            if Path(name).name != "selectors.py"
            and any(isinstance(node, ast.Attribute) and node.attr == "select_for_update" for node in ast.walk(tree))
        ]

        assert elsewhere == []

    def test_rules_read_no_settings_and_know_no_http(self) -> None:
        edges = {
            "api",
            "api.py",
            "tasks.py",
            "urls.py",
            "views.py",
            "middleware.py",
            "authentication.py",
            "admin",
            "http.py",
        }
        known = {"django.http", "django.shortcuts", "django.conf"}
        knowing = [
            f"{name}:{node.module}"
            for name, tree in trees(*[app for app in APPS if app != "support"], with_tests=False)
            if not edges & set(Path(name).parts)
            for node in ast.walk(tree)
            # A foreign key to the user model is Django's own way to name it.
            if isinstance(node, ast.ImportFrom) and node.module in known and "models" not in name
        ]

        assert knowing == []

    def test_no_file_has_a_name_that_says_nothing(self) -> None:
        assert [str(path) for path in sources() if path.name in FORBIDDEN_NAMES] == []

    def test_admin_classes_live_in_support(self) -> None:
        admins = [path.relative_to(ROOT).parts for path in sources() if path.name == "admin.py"]

        assert [parts for parts in admins if parts[0] != "support"] == []

    def test_transitions_are_called_by_the_orders_services_alone(self) -> None:
        model = ast.parse((ROOT / "orders/models/order.py").read_text())
        transitions = {
            node.name
            for node in functions(model)
            if any(
                isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "transition"
                for mark in node.decorator_list
            )
        }
        assert len(transitions) > 20

        elsewhere = [
            f"{name}:{node.attr}"
            for name, tree in trees(*APPS, "commerce", with_tests=False)
            if not name.startswith("orders/services/")
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in transitions and getattr(node.value, "id", "") == "order"
        ]

        assert elsewhere == []


class TestTime:
    FORBIDDEN = {"auto_now", "auto_now_add", "db_default"}

    def test_no_column_takes_its_time_from_the_database_or_the_machine(self) -> None:
        found = [
            f"{name}:{keyword.arg}"
            for name, tree in trees(*APPS, with_tests=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg in self.FORBIDDEN
        ]

        assert found == []

    def test_nobody_reads_the_machine_s_clock_past_core_clock(self) -> None:
        readers = re.compile(r"timezone\.now\(|datetime\.now\(|datetime\.utcnow\(|\bNow\(\)")
        found = [
            str(path.relative_to(ROOT))
            for path in sources(*APPS)
            if "tests" not in path.parts and path.name != "clock.py" and readers.search(path.read_text())
        ]

        assert found == []


class TestNames:
    def test_every_job_that_is_woken_is_a_registered_task(self) -> None:
        app.loader.import_default_modules()
        app.autodiscover_tasks(force=True)
        woken = {
            node.args[0].value
            for _, tree in trees(*APPS, with_tests=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "wake"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        }
        beaten = {entry["task"] for entry in app.conf.beat_schedule.values()}

        assert woken
        assert (woken | beaten) - set(app.tasks) == set()

    def test_every_setting_stands_in_the_readme(self) -> None:
        calls = re.compile(
            r"""(?:env(?:\.\w+)?|environ\.get|environ\.setdefault|secret)\(\s*["']([A-Z][A-Z0-9_]+)["']"""
        )
        read = {
            match
            for path in [*sources("commerce", *APPS)]
            if "tests" not in path.parts and "devstack" not in path.parts
            for match in calls.findall(path.read_text())
        }
        table = set(re.findall(r"^\| `([A-Z0-9_]+)`", (ROOT / "README.md").read_text(), flags=re.MULTILINE))

        assert read - table == set()

    def test_public_functions_say_what_they_will_do(self) -> None:
        silent = [
            f"{name}:{node.name}"
            for name, tree in trees(*APPS, with_tests=False)
            if Path(name).parts[1] in {"services.py", "selectors.py", "services"} or Path(name).name == "selectors.py"
            for node in tree.body
            if isinstance(node, FUNCTIONS)
            and not node.name.startswith("_")
            and not (ast.get_docstring(node) or "").startswith("This will")
        ]

        assert silent == []


@pytest.mark.parametrize("app_name", APPS)
def test_every_app_has_tests(app_name: str) -> None:
    assert list((ROOT / app_name / "tests").glob("test_*.py"))
