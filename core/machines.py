"""The committed tables of every state machine, read once: the code, the database triggers and the tests compare
with them.
"""

import csv
from collections import defaultdict
from pathlib import Path

MACHINES_CSV = Path(__file__).with_name("machines.csv")
ORDER_CSV = Path(__file__).parent.parent / "orders" / "order_transitions.csv"


def load_machines() -> dict[str, set[tuple[str, str]]]:
    """This will return the moves (source, target) of every machine but the order's, by machine."""
    moves: dict[str, set[tuple[str, str]]] = defaultdict(set)
    with MACHINES_CSV.open(newline="") as table:
        for row in csv.DictReader(table):
            moves[row["machine"]].add((row["source"], row["target"]))
    return dict(moves)


def load_order_transitions() -> list[dict[str, str]]:
    """This will return the order's table: source, target, transition, guard."""
    with ORDER_CSV.open(newline="") as table:
        return list(csv.DictReader(table))


MOVES = load_machines()


def may_move(machine: str, source: str, target: str) -> bool:
    """This will tell whether a machine's table has the move; staying is always allowed."""
    return source == target or (source, target) in MOVES[machine]
