"""The keeper: a process between the user's `./run` and the servers, which starts them, restarts them, stops them.

It runs in a session of its own, so neither Ctrl-C nor a closed terminal reaches it; the front tells it to stop by a
signal, or by dying: then the pipe between them ends. Both ways lead to the same orderly stop.
"""

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from .apps import SANDBOX, WEB, WEBHOOKS, WORKER, app_recipes, as_owner, manage, seed_recipe
from .children import Child, Recipe, Stage, describe_exit
from .console import Console, tail
from .environment import STAFF_EMAIL, Ports, address_env, base_env, database_env, redis_env, secret_env, short
from .places import SetupError
from .postgres import prepare_cluster, provision
from .processes import Account, adopt_orphans, find_server_account, reap_orphans, sweep
from .state import Phase, State
from .valkey import prepare_valkey

TICK_SECONDS = 0.1
SERVICE_SECONDS_MAX = 30.0
PAGE_SECONDS_MAX = 60.0
DOOR_SECONDS_MAX = 15.0
STOP_SECONDS = {Stage.APPS: 9.0, Stage.VALKEY: 1.5, Stage.POSTGRES: 3.0}
"""How long each stage may take to stop before its groups are killed: below 15 seconds in all."""


class StopAskedError(Exception):
    """The user wants the stack to end."""


@dataclass(frozen=True)
class Plan:
    """What a stack consists of. A whole one is for people: it tells what it does and brings the demo data."""

    ports: Ports
    surety_env: str
    apps: tuple[str, ...] = ()
    is_durable: bool = True
    migrates: bool = True
    is_whole: bool = False


@dataclass
class Keeper:
    """Runs one stack from its start to its end."""

    plan: Plan
    state: State
    console: Console
    report_ready: Callable[[dict[str, str]], None]
    children: list[Child] = field(default_factory=list)
    is_stop_asked: bool = False

    def run(self, *, lifeline: int) -> int:
        """Start everything, keep it running until somebody asks to stop, stop everything; answers the exit code."""
        for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(asked, self._note_stop)
        adopt_orphans()
        threading.Thread(target=stop_when_closed, args=(lifeline,), daemon=True).start()
        try:
            env = self._start()
            own_env = {name: text for name, text in env.items() if os.environ.get(name) != text}
            self.state.update(phase=Phase.READY, env=own_env)
            self.report_ready(env)
            if self.plan.is_whole:
                self.console.say(welcome(env, logs=self.state.directory / "log"))
                self._add(seed_recipe(env=env, state=self.state.directory))
            while not self.is_stop_asked:
                self._tick()
        except StopAskedError:
            pass
        except SetupError as error:
            self.console.say(str(error))
            return 1
        finally:
            self._stop()
        return 0

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_stop_asked = True

    def _start(self) -> dict[str, str]:
        env = self._start_services()
        if self.plan.migrates:
            self._run_step("Migrating the database", manage("migrate", "--no-input"), env=as_owner(env))
            self._run_step("Granting the roles", manage("provision_roles"), env=as_owner(env))
        for recipe in app_recipes(self.plan.apps, env=env, state=self.state.directory):
            self._add(recipe)
        self._wait_for_answer(WEB, self.plan.ports.web, seconds_max=PAGE_SECONDS_MAX)
        self._wait_for_answer(SANDBOX, self.plan.ports.sandbox, seconds_max=DOOR_SECONDS_MAX)
        self._wait_for_answer(WEBHOOKS, self.plan.ports.webhooks, seconds_max=DOOR_SECONDS_MAX)
        return env

    def _start_services(self) -> dict[str, str]:
        directory, is_durable = self.state.directory, self.plan.is_durable
        cluster, valkey = None, None
        if not os.environ.get("DATABASE_URL"):
            account = find_server_account()
            sockets = self.state.add_socket_directory(account)
            cluster = prepare_cluster(state=directory, sockets=sockets, account=account, is_durable=is_durable)
            if not is_durable and not cluster.data_directory.is_relative_to(directory):
                self.state.remember_directory(cluster.data_directory.parent)
            self._add(cluster.recipe())
        if not os.environ.get("REDIS_URL"):
            sockets = self.state.add_socket_directory(Account(uid=os.geteuid(), gid=os.getegid()))
            valkey = prepare_valkey(state=directory, sockets=sockets)
            self._add(valkey.recipe())
            self._wait_for("Valkey", lambda: None if valkey.answers() else "no answer", log_name="valkey")
        if cluster is not None:
            self._wait_for("PostgreSQL", lambda: provision(cluster), log_name="postgres")
        given = "".join(f"; {name} is yours" for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name))
        started = " and ".join(title for title, server in (("PostgreSQL", cluster), ("Valkey", valkey)) if server)
        self._tell(f"Started {started or 'no server'}{given}")
        return {
            **base_env(),
            **database_env(cluster),
            **redis_env(valkey),
            **address_env(self.plan.ports),
            **secret_env(directory),
            "SURETY_ENV": self.plan.surety_env,
        }

    def _add(self, recipe: Recipe) -> None:
        child = Child(recipe=recipe, token=self.state.token, console=self.console if self.plan.is_whole else None)
        self.children.append(child)
        child.start()

    def _run_step(self, title: str, argv: list[str], *, env: dict[str, str]) -> None:
        began = time.monotonic()
        log = self.state.directory / "log" / "setup.log"
        step = Child(recipe=Recipe(name="setup", argv=argv, env=env, log=log), token=self.state.token, console=None)
        self.children.append(step)
        step.start()
        while (code := step.poll()) is None:
            self._pause()
        self.children.remove(step)
        if code != 0:
            time.sleep(TICK_SECONDS)  # its last lines are on their way into the log
            raise SetupError(f"{tail(log)}\n{title} failed: `{' '.join(argv[1:])}` {describe_exit(code)}.")
        self._tell(f"{title}: done in {time.monotonic() - began:.1f} s")

    def _wait_for(self, title: str, ask: Callable[[], str | None], *, log_name: str) -> None:
        child = next(child for child in self.children if child.recipe.name == log_name)
        deadline = time.monotonic() + SERVICE_SECONDS_MAX
        while (trouble := ask()) is not None:
            if (code := child.poll()) is not None:
                trouble = f"it {describe_exit(code)}"
            if code is not None or time.monotonic() > deadline:
                raise SetupError(f"{tail(child.recipe.log)}\n{title} does not start: {trouble}.")
            self._pause()

    def _wait_for_answer(self, name: str, port: int, *, seconds_max: float) -> None:
        if name not in self.plan.apps:
            return
        child = next(child for child in self.children if child.recipe.name == name)
        deadline = time.monotonic() + seconds_max
        while not (child.listens(port=port) and answers(port, accepts_errors=name != WEB)):
            if time.monotonic() > deadline:
                log = short(self.state.directory / "log" / f"{name}.log")
                self.console.tell(f"{name} does not answer on port {port} yet; its log is {log}")
                return
            self._tick()

    def _tell(self, text: str) -> None:
        if self.plan.is_whole:
            self.console.tell(text)

    def _pause(self) -> None:
        if self.is_stop_asked:
            raise StopAskedError
        time.sleep(TICK_SECONDS / 2)

    def _tick(self) -> None:
        if self.is_stop_asked:
            raise StopAskedError
        for child in list(self.children):
            code = child.poll()
            if code is not None and child.recipe.is_restarted:
                pause_seconds = child.plan_restart()
                self.console.tell(
                    f"{child.recipe.name} {describe_exit(code)}; starting it again in {pause_seconds:.1f} s"
                )
            elif code is not None:
                self.children.remove(child)
                name, log = child.recipe.name, short(child.recipe.log)
                self.console.tell(f"{name} is done" if code == 0 else f"{name} {describe_exit(code)}; its log is {log}")
            elif time.monotonic() >= child.starts_again_at:
                child.start()
                if child.recipe.stage is Stage.VALKEY:
                    self._renew_worker()
        reap_orphans(known_pids=self._pids())
        time.sleep(TICK_SECONDS)

    def _renew_worker(self) -> None:
        # A Celery worker can stay alive and consume nothing after its broker restarted.
        for child in self.children:
            if child.recipe.name == WORKER:
                child.renew()

    def _pids(self) -> set[int]:
        return {child.process.pid for child in self.children if child.process is not None}

    def _stop(self) -> None:
        self._tell("Stopping")
        self.state.update(phase=Phase.STOPPING)
        sweep(f"{self.state.token}.command.", grace_seconds=2)
        for stage in Stage:
            group = [child for child in self.children if child.recipe.stage is stage]
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + STOP_SECONDS[stage]
            while time.monotonic() < deadline and any(child.process and child.poll() is None for child in group):
                reap_orphans(known_pids=self._pids())
                time.sleep(TICK_SECONDS / 2)
            for child in group:
                child.kill_group()
                sweep(child.mark, grace_seconds=0)
        sweep(f"{self.state.token}.", grace_seconds=0)
        self.state.clear()
        self._tell("Stopped")


def stop_when_closed(lifeline: int) -> None:
    """Wait until the front closes its end of the pipe, on purpose or by dying, and ask ourselves to stop."""
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def welcome(env: dict[str, str], *, logs: Path) -> str:
    """Write what a newcomer wants to know once the first page answers."""
    shop = env["SURETY_URL"]
    return f"""
Surety is running.

  Shop         {shop}/
  Developers   {shop}/developers
  API          {shop}/api/v1/docs
  Console      {shop}/console/
               {STAFF_EMAIL}, password {env["DEMO_STAFF_PASSWORD"]}
               second factor: `./run manage demo_code` prints a code, or add the secret
               {env["DEMO_STAFF_TOTP_SECRET"]} to an authenticator
  Sandbox      {env["SANDBOX_URL"]}/   (the payment provider)

  The demo data is on its way. Ctrl-C stops everything. Logs: {short(logs)}/
"""


def answers(port: int, *, accepts_errors: bool) -> bool:
    """Ask for the first page on this port. A door without a first page answers well with an error too."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return accepts_errors or connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
