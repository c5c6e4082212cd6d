"""`./run bench [NAME …]`: measure on a throw-away database and print each figure beside what it is compared with.

Absolute values depend on the machine and on who else uses it; the ratio of the two columns is what counts.
"""

import argparse
import os
import secrets
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
django.setup()

from tests import databases  # noqa: E402 - Django first
from tests.bench.measuring import Figure  # noqa: E402
from tests.bench.written import measure_written  # noqa: E402

BENCHES = {"written": measure_written}


def main() -> int:
    """This will measure what the words ask for and return the exit code."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], metavar="NAME", help=f"of {', '.join(BENCHES)}")
    for name in parser.parse_args().names or BENCHES:
        with databases.migrated(f"bench_{secrets.randbits(20)}"):
            _show(name, BENCHES[name]())
    return 0


def _show(name: str, figures: list[Figure]) -> None:
    print(f"\n{name:<34}{'before':>10}{'now':>10}{'ratio':>8}   ms of processor, median of rounds in turns")
    for one in figures:
        print(f"{one.name:<34}{one.before_ms:>10.2f}{one.now_ms:>10.2f}{one.ratio:>8.2f}")


if __name__ == "__main__":
    sys.exit(main())
