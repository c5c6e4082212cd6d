"""How far a long command is, on a terminal and elsewhere."""

import io

from django.core.management.base import OutputWrapper

from commerce.retail.progress import DRAW_SECONDS, Progress


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


class TestProgress:
    def test_draws_a_bar_over_itself_on_a_terminal(self) -> None:
        terminal = Terminal()
        progress = Progress(OutputWrapper(terminal), word="orders", total=60)
        progress._shown_at -= DRAW_SECONDS

        progress.show(30)
        progress.show(31)
        progress.finish(60)

        drawn = terminal.getvalue()
        assert drawn.count("\r[") == 2
        assert "[" + "█" * 15 + "·" * 15 + "] 30 of 60 orders (50%)" in drawn
        assert drawn.endswith("\n")

    def test_writes_plain_lines_elsewhere(self) -> None:
        stream = io.StringIO()
        progress = Progress(OutputWrapper(stream), word="orders", total=1578)

        progress.show(30)
        progress.finish(1578)

        assert stream.getvalue().startswith("1,578 of 1,578 orders (100%)")
        assert stream.getvalue().count("\n") == 1
