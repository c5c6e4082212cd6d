"""How far the replay is: a bar that is drawn over itself on a terminal, a line now and then anywhere else."""

import time

from django.core.management.base import OutputWrapper

BAR_CHARACTERS = 30
DRAW_SECONDS = 0.2
LINE_SECONDS = 10.0


class Progress:
    """Counts up to a total, in the words of what is counted."""

    def __init__(self, stream: OutputWrapper, *, word: str, total: int) -> None:
        """Begin at nothing."""
        self._stream = stream
        self._word = word
        self._total = total
        self._is_terminal = stream.isatty()
        self._started_at = self._shown_at = time.monotonic()
        self._is_drawn = False

    def show(self, count: int) -> None:
        """This will show how far it is, unless that was shown a moment ago."""
        now = time.monotonic()
        if now - self._shown_at >= (DRAW_SECONDS if self._is_terminal else LINE_SECONDS):
            self._shown_at = now
            self._write(count)

    def finish(self, count: int) -> None:
        """This will show the end and leave the line."""
        self._write(count)
        if self._is_drawn:
            self._stream.write("")
            self._stream.flush()

    def _write(self, count: int) -> None:
        seconds = max(time.monotonic() - self._started_at, 0.001)
        share = count / self._total if self._total else 1.0
        text = f"{count:,} of {self._total:,} {self._word} ({share:.0%}), {count / seconds:.1f}/s"
        if self._is_terminal:
            filled = round(BAR_CHARACTERS * share)
            self._stream.write(f"\r[{'█' * filled}{'·' * (BAR_CHARACTERS - filled)}] {text}\x1b[K", ending="")
            self._is_drawn = True
        else:
            self._stream.write(text)
        self._stream.flush()
