"""`./run chaos --minutes T [--seed N]`: real processes under load, killed and frozen, then quiet and the books.

Exit code 0 only when nothing is broken and enough was killed.
"""

import argparse
import os
import secrets
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commerce.settings")
django.setup()

from tests.chaos.storm import KILLS_A_MINUTE_MIN, weather  # noqa: E402 - Django first


def main() -> int:
    """This will do what the words ask for and return the exit code."""
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, help="draws the load and the troubles again; the machine plays its part")
    words = parser.parse_args()
    seed = secrets.randbits(31) if words.seed is None else words.seed
    print(f"seed {seed}, {words.minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as place:
        outcome = weather(Path(place), seed=seed, minutes=words.minutes)
    outcome.show()
    if outcome.kills < KILLS_A_MINUTE_MIN * words.minutes:
        print(f"only {outcome.kills} kills: this proves too little")
        return 1
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
