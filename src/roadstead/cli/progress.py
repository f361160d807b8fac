"""How far a long command is: a bar on a terminal, nothing where none looks."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

QUIET_S: Final = 1.0
"""A command that is done by then shows no bar."""


@contextlib.contextmanager
def watched() -> Iterator[Callable[[int, int | None, str], None]]:
    """Gives what a job tells its progress to; the bar is on standard error, and gone at the end of the block."""
    if not sys.stderr.isatty():
        yield lambda _done, _whole, _what: None
        return
    bar = _Bar()
    try:
        yield bar.show
    finally:
        bar.close()


class _Bar:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        text = TextColumn("{task.description}")
        columns = (text, BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("")
        self._since = time.monotonic()

    def show(self, done: int, whole: int | None, what: str) -> None:
        """Moves the bar."""
        if not self._progress.live.is_started and time.monotonic() - self._since > QUIET_S:
            self._progress.start()
        self._progress.update(self._task, completed=done, total=whole, description=what)

    def close(self) -> None:
        """Takes the bar away."""
        if self._progress.live.is_started:
            self._progress.stop()
