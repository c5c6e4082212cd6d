"""Named points at which a process can be made to die, or a simulation to switch actors; free when unused.

`CRASH_AT=<point>:<n>` ends the process at the n-th passage of a point, as a power cut would: no cleanup, no rollback.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Hook = Callable[[str], None]


class _State:
    hook: Hook | None = None
    crash_point, _, crash_count = os.environ.get("CRASH_AT", "").rpartition(":")
    passages = 0


def reach(point: str) -> None:
    """This will tell whoever listens that execution reached `point`, for example `tx:checkout.start:commit`."""
    if _State.hook is not None:
        _State.hook(point)
    if _State.crash_point and point == _State.crash_point:
        _State.passages += 1
        if _State.passages == int(_State.crash_count):
            os._exit(137)


def arm(point: str, *, passage: int) -> None:
    """This will let this process die at the n-th passage of a point from now on, as `CRASH_AT` does from its start."""
    _State.crash_point, _State.crash_count, _State.passages = point, str(passage), 0


@contextmanager
def listen(hook: Hook) -> Iterator[None]:
    """This will call `hook` with every point reached inside the block, in the whole process."""
    before, _State.hook = _State.hook, hook
    try:
        yield
    finally:
        _State.hook = before
