"""The three commands of `./run`: everything, test, manage."""

import contextlib
import fcntl
import os
import time

from .apps import EVERY_APP, OWNER_COMMANDS, as_owner, find_need, manage
from .checks import pytest_argv, run_checks
from .console import complain, show
from .environment import STAFF_EMAIL, Ports, free_ports, require_ports, usual_or_free_ports
from .front import Signals, fork_keeper, run_at_terminal, running_stack
from .install import install, is_installed
from .keeper import Plan
from .places import STATE, CannotGoOn
from .state import Phase, State, claim, clear_up_tests, read_entry, waiting_lock

DEVELOPMENT = "dev"


def main(words: list[str], *, usage: str) -> int:
    """Run what the words ask for and answer the exit code."""
    try:
        if words and words[0] not in {"test", "manage"}:
            (show if words[0] in {"-h", "--help", "help"} else complain)(usage.strip())
            return 0 if words[0] in {"-h", "--help", "help"} else 2
        if words == ["manage"]:
            words = ["manage", "help"]
        prepare_venv()
        if not words:
            return run_everything()
        return run_tests(words[1:]) if words[0] == "test" else run_command(words[1:])
    except CannotGoOn as error:
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
    """Start the whole stack, say where it is, and keep it until somebody stops it."""
    signals = Signals()
    signals.listen()
    state = claim_development(mode="run", signals=signals)
    if state is None:
        entry = read_entry(DEVELOPMENT)
        if entry.get("mode") != "run":
            raise CannotGoOn(f"`./run {entry.get('mode', '…')}` is using the development database. Wait for it to end.")
        address = entry.get("env", {}).get("SURETY_URL", "its address follows when it is up")
        raise CannotGoOn(f"Surety is running already in this checkout: {address}")
    ports = require_ports()
    show("Starting Surety.")
    plan = Plan(ports=ports, surety_env="development", apps=EVERY_APP, seeds=True, echoes=True)
    stack = fork_keeper(plan, state, stream=open_stdout())
    try:
        if stack.wait_until_ready(signals):
            show(welcome(stack.env))
        while not signals.received and not stack.has_ended():
            time.sleep(0.1)
        if signals.received:
            show("Stopping …")
    finally:
        code = stack.stop()
    if signals.received:
        show("Stopped.")
        return signals.exit_code()
    return code or 1


def run_tests(words: list[str]) -> int:
    """Run every check, or pytest with these words, on a throw-away stack of its own."""
    signals = Signals()
    signals.listen()
    clear_up_tests()
    state = claim(f"test-{os.getpid()}", mode="test", is_durable=False)
    if state is None:
        raise CannotGoOn("The directory of this test run is in use. Start it again.")
    plan = Plan(ports=free_ports(), surety_env="test", is_durable=False, migrates=False)
    with running_stack(plan, state, signals=signals) as stack:
        if stack is None:
            code = 1
        elif words:
            code = run_at_terminal(pytest_argv(words), env=stack.env, token=state.token, signals=signals)
        else:
            code = run_checks(env=stack.env, token=state.token, signals=signals)
    return 128 + signals.received[0] if signals.received else code


def run_command(words: list[str]) -> int:
    """Run one management command, inside the running stack if there is one, else with a stack for its time."""
    signals = Signals()
    signals.listen()
    need = find_need(words)
    state = claim_development(mode=f"manage {words[0]}", signals=signals, attaches=True)
    if signals.received:
        return 128 + signals.received[0]
    if state is None:
        env: dict[str, str] = read_entry(DEVELOPMENT)["env"]
        return run_at_terminal(command_argv(words), env=command_env(words, env), token=new_token(), signals=signals)
    ports = usual_or_free_ports()
    plan = Plan(ports=ports, surety_env="development", apps=need.apps, migrates=need.is_migrated)
    with running_stack(plan, state, signals=signals) as stack:
        if stack is None:
            return 128 + signals.received[0] if signals.received else 1
        return run_at_terminal(
            command_argv(words), env=command_env(words, stack.env), token=state.token, signals=signals
        )
