"""The virtual environment: filled from the hash-locked requirements, with progress, when they change."""

import hashlib
import importlib.util
import os
import re
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from .console import complain
from .places import PYTHON, ROOT, VENV, SetupError
from .processes import ask

LOCK = ROOT / "requirements-dev.txt"
STAMP = VENV / ".surety-stamp"
PLAIN_LINE_SECONDS = 1.0
DISTRIBUTION_BIN = Path("/usr/bin")


def is_installed() -> bool:
    """Tell whether the environment was filled from this lock by this Python."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted_stamp()


def wanted_stamp() -> str:
    """Hash what the environment depends on: the lock and the Python version."""
    return hashlib.sha256(LOCK.read_bytes() + python_version().encode()).hexdigest()


def python_version() -> str:
    """Name the Python that runs us as far as wheels care: another patch release needs no new environment."""
    return f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"


def install() -> None:
    """Create and fill the environment. Safe to run again after it was interrupted."""
    began = time.monotonic()
    wanted = wanted_stamp()
    STAMP.unlink(missing_ok=True)
    uv = None if os.environ.get("RUN_NO_UV") == "1" else shutil.which("uv")
    if uv is None:
        install_with_pip()
    else:
        try:
            install_with_uv(uv)
        except SetupError as error:
            complain(f"{error}\nuv did not manage; trying pip.")
            install_with_pip()
    STAMP.write_text(wanted)
    complain(f"Installed in {time.monotonic() - began:.0f} s.")


def install_with_uv(uv: str) -> None:
    """Have uv make the environment equal to the lock."""
    complain("Installing the locked requirements into .venv with uv; this happens once.")
    make_venv_with_uv(uv)
    # Companies and laboratories add certificates of their own to the system's; uv looks there only when told.
    env = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1", **os.environ}
    follow([uv, "pip", "sync", "--require-hashes", "--python", str(PYTHON), str(LOCK)], env=env)


def install_with_pip() -> None:
    """Have pip install what the lock names, binaries only."""
    complain("Installing the locked requirements into .venv with pip; this happens once.")
    make_venv()
    options = ["--require-hashes", "--only-binary", ":all:", "--no-compile", "--no-input", "--progress-bar", "off"]
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install"]
    follow([*pip, *options, "-r", str(LOCK)], env=dict(os.environ))


def quickest_python() -> str:
    """Name the Python the environment is made from: the distribution's of our version if it can make one, else ours.

    Distributions build theirs with profile-guided optimisation, version managers usually without: a simulated step or
    a test takes a fifth longer there.
    """
    theirs = DISTRIBUTION_BIN / f"python{sys.version_info.major}.{sys.version_info.minor}"
    can_make = theirs.exists() and ask([str(theirs), "-c", "import ensurepip, venv"]).returncode == 0
    return str(theirs) if can_make else sys.executable


def make_venv_with_uv(uv: str) -> None:
    """Create the environment with uv, in place of one of another Python."""
    if not is_same_python():
        made = ask([uv, "venv", "--quiet", "--clear", "--python", quickest_python(), str(VENV)])
        if made.returncode != 0:
            raise SetupError(f"uv could not create {VENV}: {made.stderr}")


def make_venv() -> None:
    """Create the environment with Python's own `venv`, pip included, in place of one of another Python.

    One of our Python is kept and given pip if it has none. It is not made again over itself: two builds of one
    version do not mix.
    """
    if is_same_python() and ask([str(PYTHON), "-m", "ensurepip", "--default-pip"]).returncode == 0:
        return
    python = quickest_python()
    if python == sys.executable and importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise SetupError(
            f"This Python lacks ensurepip, so it cannot create a virtual environment. "
            f"On Debian or Ubuntu: sudo apt install {package}. Or install uv. Then start again."
        )
    complain("  creating the virtual environment")
    made = ask([python, "-m", "venv", "--clear", str(VENV)])
    if made.returncode != 0:
        raise SetupError(f"{python} could not create {VENV}: {made.stdout}{made.stderr}. Delete it and start again.")


def is_same_python() -> bool:
    """Tell whether an existing environment belongs to a Python of our version."""
    if not PYTHON.exists():
        return False
    question = "import sys; print(sys.implementation.name, '{0.major}.{0.minor}'.format(sys.version_info))"
    return ask([str(PYTHON), "-c", question]).stdout.strip() == python_version()


@dataclass
class Progress:
    """How far an installation is, told as one moving line on a terminal and as a line per second elsewhere."""

    pins: int
    before: int
    collected: int = 0
    to_install: int = 0
    package: str = ""
    said: list[str] = field(default_factory=list)
    shown: str = ""
    shown_at: float = 0.0

    def read(self, line: str) -> None:
        """Learn from a line of pip or uv."""
        self.said.append(line)
        if found := re.match(r"\s*Collecting ([A-Za-z0-9._-]+)", line):
            self.collected += 1
            self.package = found[1]
        elif found := re.match(r"\s*Downloading (\S+)", line):
            self.package = found[1].split("/")[-1].split("-")[0]
        elif line.startswith("Installing collected packages:"):
            self.to_install = line.count(",") + 1
        elif found := re.match(r"Prepared (\d+) packages", line):
            self.to_install = int(found[1])

    def show(self) -> None:
        """Say where we are, if that is news."""
        installed = count_installed() - self.before
        if self.to_install or installed > 0:
            text = f"  installing {max(installed, 0)} of {self.to_install or self.pins} packages"
        else:
            text = f"  collecting {self.collected} of {self.pins} packages {self.package}".rstrip()
        is_terminal = sys.stderr.isatty()
        if text == self.shown or (not is_terminal and time.monotonic() - self.shown_at < PLAIN_LINE_SECONDS):
            return
        self.shown, self.shown_at = text, time.monotonic()
        sys.stderr.write(f"\r\033[K{text}" if is_terminal else f"{text}\n")
        sys.stderr.flush()


def follow(argv: list[str], *, env: dict[str, str]) -> None:
    """Run the installer, showing its progress; what it said is shown whole when it fails."""
    pins = len(re.findall(r"^[A-Za-z0-9][^\s=]*==", LOCK.read_text(), flags=re.MULTILINE))
    progress = Progress(pins=pins, before=count_installed())
    # Its own warnings about PATH or a root user would only puzzle a newcomer: they are kept for a failure.
    installer = subprocess.Popen(  # noqa: S603 - argv is ours
        argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert installer.stdout is not None
    rest = b""
    try:
        while True:
            progress.show()
            if not select.select([installer.stdout], [], [], 0.2)[0]:
                continue
            if not (chunk := os.read(installer.stdout.fileno(), 65536)):
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                progress.read(line.decode(errors="replace"))
    except BaseException:
        installer.terminate()
        raise
    finally:
        code = installer.wait()
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
    if code != 0:
        said = "\n".join(progress.said[-40:])
        raise SetupError(f"{said}\nThe requirements could not be installed (see above). Starting again carries on.")


def count_installed() -> int:
    """Count the distributions that lie in the environment."""
    return sum(1 for _ in Path(VENV).glob("lib/python*/site-packages/*.dist-info"))
