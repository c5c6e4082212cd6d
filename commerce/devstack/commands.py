"""The commands of `./run`: everything, test, the harnesses, manage."""

import os
import secrets
import sys
import time
from collections.abc import Callable

from .apps import EVERY_APP, OWNER_COMMANDS, as_owner, find_need, manage
from .checks import pytest_argv, run_checks
from .console import complain, show
from .environment import base_env, free_ports, require_ports, usual_or_free_ports
from .front import Signals, fork_keeper, run_at_terminal, running_stack
from .install import install, is_installed
from .keeper import Plan
from .places import PYTHON, STATE, SetupError
from .state import Phase, State, claim, clear_up_tests, read_entry, waiting_lock

DEVELOPMENT = "dev"
RUN = "run"

HARNESSES = {
    "simulate": "tests.simulation",
    "crashes": "tests.crashes",
    "chaos": "tests.chaos",
    "sabotage": "tests.sabotage",
    "bench": "tests.bench",
}
"""Commands that break or measure on a throw-away stack, each a package of `tests` that reads the other words itself."""


def main(words: list[str], *, usage: str) -> int:
    """Run what the words ask for and answer the exit code."""
    try:
        if words and words[0] not in {"test", "manage", *HARNESSES}:
            (show if words[0] in {"-h", "--help", "help"} else complain)(usage.strip())
            return 0 if words[0] in {"-h", "--help", "help"} else 2
        if words == ["manage"]:
            words = ["manage", "help"]
        prepare_venv()
        if not words:
            return run_everything()
        if words[0] == "manage":
            return run_command(words[1:])
        return run_tests(words[1:]) if words[0] == "test" else run_harness(HARNESSES[words[0]], words[1:])
    except SetupError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def prepare_venv() -> None:
    """Install the requirements unless they are there; only one of several starts does it, the others wait."""
    if not is_installed():
        waiting = "Another ./run is installing the requirements; waiting for it."
        with waiting_lock(STATE / "install.lock", say_waiting=waiting):
            if not is_installed():
                install()


def run_everything() -> int:
    """Start the whole stack and keep it until somebody stops it. All that is shown comes from the keeper."""
    signals = Signals()
    signals.listen()
    state = claim_development(mode=RUN, signals=signals)
    if signals.received:
        return signals.exit_code()
    if state is None:
        entry = read_entry(DEVELOPMENT)
        if entry.get("mode") != RUN:
            raise SetupError(f"`./run {entry.get('mode', '…')}` is using the development database. Wait for it to end.")
        address = entry.get("env", {}).get("SURETY_URL", "still starting")
        raise SetupError(f"Surety is running already in this checkout: {address}")
    try:
        ports = require_ports()
    except SetupError:
        state.clear()
        raise
    plan = Plan(ports=ports, surety_env="development", apps=EVERY_APP, is_whole=True)
    stack = fork_keeper(plan, state, stream=sys.stdout)
    try:
        stack.wait_until_ready(signals)
        while not signals.received and not stack.has_ended():
            time.sleep(0.1)
    finally:
        code = stack.stop()
    return signals.exit_code() if signals.received else code or 1


def claim_development(*, mode: str, signals: Signals) -> State | None:
    """Take the development stack's lock; nothing when a running stack has it that we shall use or leave alone.

    Waits for a stack that is stopping, and, for a management command, for one that is starting or is in use by
    another management command.
    """
    has_said = False
    while not signals.received:
        state = claim(DEVELOPMENT, mode=mode, is_durable=True)
        if state is not None:
            return state
        entry = read_entry(DEVELOPMENT)
        phase, holder = entry.get("phase"), entry.get("mode")
        is_ending = phase == Phase.STOPPING or not is_alive(entry.get("front_pid", 0))
        if not is_ending and ((mode == RUN and phase) or (holder == RUN and phase == Phase.READY)):
            return None
        if not has_said and holder:
            complain(f"Waiting for `./run{'' if holder == RUN else f' {holder}'}` ({phase}) in this checkout.")
            has_said = True
        time.sleep(0.2)
    return None


def is_alive(pid: int) -> bool:
    """Tell whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def run_tests(words: list[str]) -> int:
    """Run every check, or pytest with these words, on a throw-away stack of its own."""

    def check(env: dict[str, str], token: str, signals: Signals) -> int:
        if words:
            return run_at_terminal(pytest_argv(words), env=env, token=token, signals=signals)
        return run_checks(env=env, token=token, signals=signals)

    return on_throw_away_stack(check)


def run_harness(package: str, words: list[str]) -> int:
    """Run one of the harnesses on a throw-away stack of its own."""

    def play(env: dict[str, str], token: str, signals: Signals) -> int:
        return run_at_terminal([str(PYTHON), "-m", package, *words], env=env, token=token, signals=signals)

    return on_throw_away_stack(play)


def on_throw_away_stack(work: Callable[[dict[str, str], str, Signals], int]) -> int:
    """Start a stack that nothing survives, do the work with its environment, stop it, and answer the work's code."""
    signals = Signals()
    signals.listen()
    clear_up_tests()
    state = claim(f"test-{os.getpid()}", mode="test", is_durable=False)
    if state is None:
        raise SetupError("The directory of this test run is in use. Start it again.")
    plan = Plan(ports=free_ports(), surety_env="test", is_durable=False, migrates=False)
    with running_stack(plan, state, signals=signals) as stack:
        code = 1 if stack is None else work(stack.env, state.token, signals)
    return 128 + signals.received[0] if signals.received else code


def run_command(words: list[str]) -> int:
    """Run one management command, inside the running stack if there is one, else with a stack for its time."""
    signals = Signals()
    signals.listen()
    state = claim_development(mode=f"manage {words[0]}", signals=signals)
    if signals.received:
        return 128 + signals.received[0]
    if state is None:
        env = {**base_env(), **read_entry(DEVELOPMENT)["env"]}
        token = secrets.token_hex(12)
        return run_at_terminal(manage(*words), env=for_command(words, env), token=token, signals=signals)
    need = find_need(words)
    ports = usual_or_free_ports()
    plan = Plan(ports=ports, surety_env="development", apps=need.apps, migrates=need.is_migrated)
    with running_stack(plan, state, signals=signals) as stack:
        if stack is None:
            return 128 + signals.received[0] if signals.received else 1
        return run_at_terminal(manage(*words), env=for_command(words, stack.env), token=state.token, signals=signals)


def for_command(words: list[str], env: dict[str, str]) -> dict[str, str]:
    """Choose the database role for a command."""
    return as_owner(env) if words[0] in OWNER_COMMANDS else env
