"""The house's rules that no linter knows, as a ratchet over the syntax trees."""

import ast
import re
from collections.abc import Iterator
from functools import cache
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
# What lets a message wait at a worker, who loses it with its life: with a date, or for a while.
DATES = {"eta", "retry_backoff"}
DELAYS = {"countdown", "default_retry_delay", "retry_backoff_max"}
DELAY_SECONDS_MAX = 300
# What writes columns of rows; that of an order is its state's `move`, which names its columns in a variable.
WRITES = {"update", "bulk_update", "update_or_create", "save", "bulk_create"}
STATE_IN_SQL = re.compile(r"UPDATE\s+orders_order\s+SET[^;]*\bstate\s*=", re.IGNORECASE)


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


@cache
def transitions() -> set[str]:
    """This will return the names of an order's transition methods."""
    model = ast.parse((ROOT / "orders/models/order.py").read_text())
    return {
        node.name
        for node in functions(model)
        if any(
            isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "transition" for mark in node.decorator_list
        )
    }


def is_transition(node: ast.AST) -> bool:
    """This will tell whether an `order`'s transition is named here, to be called or to be given to whoever calls it."""
    return isinstance(node, ast.Attribute) and node.attr in transitions() and getattr(node.value, "id", "") == "order"


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
        elsewhere = [
            f"{name}:{ast.unparse(node)}"
            for name, tree in trees(*APPS, "commerce", with_tests=False)
            if not name.startswith("orders/services/")
            for node in ast.walk(tree)
            if is_transition(node)
        ]

        assert len(transitions()) > 20
        assert elsewhere == []

    @pytest.mark.pains("J5")
    def test_transitions_are_taken_by_the_one_function_that_saves_them(self) -> None:
        forgotten = [
            f"{name}:{ast.unparse(node)}"
            for name, tree in trees("orders", with_tests=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and is_transition(node.func)
        ]

        assert forgotten == []


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


def sent_for_later(tree: ast.Module) -> Iterator[str]:
    """This will return what lets a message wait at a worker: for a time nobody can read here, or for too long a one."""
    for node in ast.walk(tree):
        pairs: list[tuple[str | None, ast.expr]] = []
        if isinstance(node, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Dict):
            pairs = [
                (str(key.value), value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            ]
        for word, value in pairs:
            is_short = (
                isinstance(value, ast.Constant) and isinstance(value.value, int) and value.value <= DELAY_SECONDS_MAX
            )
            if word in DATES or (word in DELAYS and not is_short):
                yield f"{word}={ast.unparse(value)}"


class TestMessages:
    @pytest.mark.pains("J1")
    def test_wait_at_no_worker_for_longer_than_five_minutes(self) -> None:
        late = [f"{name}:{delay}" for name, tree in trees(*APPS, "commerce") for delay in sent_for_later(tree)]

        assert late == []

    @pytest.mark.parametrize(
        "source",
        [
            "task.apply_async(eta=when)",
            "task.apply_async(countdown=301)",
            "task.apply_async(countdown=wait_seconds)",
            "self.retry(countdown=60 * 60)",
            "send_task(name, **{'eta': when})",
            "{'task': name, 'options': {'countdown': 3600}}",
            "shared_task(name=name, default_retry_delay=600)",
            "shared_task(name=name, retry_backoff=True)",
        ],
    )
    def test_that_would_wait_longer_are_seen(self, source: str) -> None:
        assert len(list(sent_for_later(ast.parse(source)))) == 1

    def test_that_wait_for_a_moment_are_let_pass(self) -> None:
        assert list(sent_for_later(ast.parse("task.apply_async(countdown=300)"))) == []


def set_by_hand(tree: ast.Module) -> Iterator[str]:
    """This will return every statement that writes an order's state past the machine, whose guards it would not ask."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names = {keyword.arg for keyword in node.keywords} | {
                element.value
                for argument in [*node.args, *(keyword.value for keyword in node.keywords)]
                if isinstance(argument, ast.List | ast.Tuple | ast.Dict)
                for element in (argument.keys if isinstance(argument, ast.Dict) else argument.elts)
                if isinstance(element, ast.Constant)
            }
            if node.func.attr in WRITES and "state" in names:
                yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and STATE_IN_SQL.search(node.value):
            yield node.value


class TestStates:
    @pytest.mark.pains("J5")
    def test_change_in_no_statement_past_their_machine(self) -> None:
        found = [
            f"{name}:{what}" for name, tree in trees(*APPS, "commerce", with_tests=False) for what in set_by_hand(tree)
        ]

        assert found == []

    @pytest.mark.parametrize(
        "source",
        [
            "Order.objects.filter(pk=1).update(state='paid')",
            "Order.objects.filter(pk=1).update(**{'state': 'paid'})",
            "Order.objects.bulk_update(orders, ['state'])",
            "Order.objects.bulk_update(orders, fields=('version', 'state'))",
            "Order.objects.update_or_create(pk=1, defaults={'state': 'paid'})",
            "order.save(update_fields=['state'])",
            'cursor.execute("UPDATE orders_order SET version = 2, state = %s")',
        ],
    )
    def test_that_would_change_so_are_seen(self, source: str) -> None:
        assert len(list(set_by_hand(ast.parse(source)))) == 1


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
