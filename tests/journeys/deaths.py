"""Processes that die at a named point: nothing is caught, nothing cleaned up, and somebody else goes on."""

from collections.abc import Callable

import pytest

from core import killpoints


class Killed(BaseException):
    """The process died here."""


def die_at(point: str, *, passage: int = 1) -> Callable[[str], None]:
    """This will return a hook that ends who reaches `point` for the n-th time, without any cleanup of ours."""
    passed: list[str] = []

    def hook(reached: str) -> None:
        if reached == point:
            passed.append(reached)
            if len(passed) == passage:
                raise Killed

    return hook


def kill(act: Callable[[], object], point: str, *, passage: int = 1) -> None:
    """This will let `act` die at the n-th passage of a point; it fails if the point is never reached."""
    with killpoints.listen(die_at(point, passage=passage)), pytest.raises(Killed):
        act()


def points_of(act: Callable[[], object]) -> list[tuple[str, int]]:
    """This will run `act` and return every point it passed, with how often it had been passed by then."""
    passed: list[tuple[str, int]] = []

    def note(reached: str) -> None:
        passed.append((reached, 1 + sum(point == reached for point, _ in passed)))

    with killpoints.listen(note):
        act()
    return passed
