"""Children that live and die for one piece of work; what they say reaches the parent line by line.

The parent holds no session of ours and starts no thread, so a fork is clean: each child opens its own connections.
"""

import json
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DEAD = 137
# Far more than any piece of work takes: who waits longer waits for a lock that nobody gives back.
STUCK_SECONDS = 60

Say = Callable[[Any], None]


@dataclass(frozen=True)
class Ended:
    """How a child ended and all it said until then. `code` is negative when a signal ended it."""

    code: int
    said: list[Any]


def in_child(work: Callable[[Say], None]) -> Ended:
    """This will run `work` in a child of its own and wait for its end; what it raises is said as text, with code 1."""
    assert threading.active_count() == 1, "a fork copies no other thread, but the locks it holds"
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _live(work, writer)
    os.close(writer)
    with os.fdopen(reader) as lines:
        said = [json.loads(line) for line in lines]
    _, status = os.waitpid(pid, 0)
    return Ended(os.waitstatus_to_exitcode(status), said)


def _live(work: Callable[[Say], None], writer: int) -> None:
    code = 1
    try:
        signal.alarm(STUCK_SECONDS)
        work(lambda word: _say(writer, word))
        code = 0
    except BaseException:  # noqa: BLE001 - the parent judges it
        _say(writer, traceback.format_exc())
    finally:
        # Never back into the parent's code: no handlers, no buffers, no good-bye to anybody.
        os._exit(code)


def _say(writer: int, word: Any) -> None:
    os.write(writer, json.dumps(word).encode() + b"\n")
