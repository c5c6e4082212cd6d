"""How the tests play a seed, and which seeds nobody has seen."""

import logging
import os

from tests.simulation.director import Director, Run

# Half of what `./run simulate` plays: twice as many seeds in the same time see more.
STEPS = 100
# One half for each of two workers.
FIXED = range(1, 151)
FIXED_HALF = len(FIXED) // 2
FRESH_COUNT = 50
FIRST_FRESH = int(os.environ["SIMULATION_FRESH"])


def play(seed: int) -> Run:
    """This will play a seed in the tests' own database, without a word: faults are the point here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with Director(seed=seed) as director:
            return director.draw(STEPS)
    finally:
        logging.disable(before)


def holds(seed: int) -> None:
    """This will play a seed and fail with what plays it again."""
    assert play(seed).broken == [], f"./run simulate --seed {seed} --steps {STEPS}"
