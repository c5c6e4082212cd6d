"""Where the development stack keeps things, and the errors it shows as one line."""

import os
import stat
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".surety"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

SOCKET_PATH_BYTES_MAX = 104
"""The shortest limit for a Unix socket's path among the systems we know (macOS)."""


class SetupError(Exception):
    """Something only the user can change: shown as one clear line, without a traceback."""


def make_private_directory(path: Path) -> Path:
    """Create a directory of ours that nobody else may read, or refuse one that is somebody else's."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_owned(path, uid=os.geteuid())
    except PermissionError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}. Did another user start ./run here?") from error
    path.chmod(0o700)
    return path


def require_owned(path: Path, *, uid: int) -> None:
    """Refuse a path that is a link, no directory, or owned by somebody else."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise SetupError(f"{path} is not a directory of ours. Move it away and start again.")


def make_socket_directory(*, uid: int, gid: int) -> Path:
    """Create a fresh 0700 directory under /tmp for one server's socket, owned by that server's user.

    The name is new each time, so nobody can have put a directory or a link there before us.
    """
    path = Path(tempfile.mkdtemp(prefix="surety-", dir="/tmp"))
    if uid != os.geteuid():
        os.chown(path, uid, gid)
    require_owned(path, uid=uid)
    longest = path / ".s.PGSQL.5432.lock"
    assert len(os.fsencode(longest)) <= SOCKET_PATH_BYTES_MAX
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step with text that only we may read."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).replace(path)
