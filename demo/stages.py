"""What is seen while the demo runs: a bar per stage on a terminal, a line per stage elsewhere; all on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[float], None]
NAME_WIDTH = 38  # the longest name of a stage, in Dutch


class Stages:
    """The stages of one run and how long each took."""

    def __init__(self, words: Callable[[str], str]) -> None:
        self.seconds: dict[str, float] = {}
        self._words = words
        self._console = Console(stderr=True)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """A stage, of so many things if they can be counted; say with what it gives how many more are done."""
        started = time.monotonic()
        try:
            if self._console.is_terminal:
                with self._bars(counted=total is not None) as bars:
                    task = bars.add_task(self._words(name), total=total)
                    yield partial(bars.advance, task)
                    bars.update(task, total=total or 1, completed=total or 1)
            else:
                yield _in_silence
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started
        if not self._console.is_terminal:
            count = f"{total:,}" if total else ""
            line = f"{self._words(name):<{NAME_WIDTH}} {count:>6}  {self.seconds[name]:5.1f} s"
            self._console.print(line, highlight=False, soft_wrap=True)

    def _bars(self, *, counted: bool) -> Progress:
        name = TextColumn(f"{{task.description:<{NAME_WIDTH}}}")
        bar = BarColumn(bar_width=12)  # with count and times it makes 80 columns
        counts = (MofNCompleteColumn(), TimeRemainingColumn()) if counted else ()
        return Progress(name, bar, TimeElapsedColumn(), *counts, console=self._console)


def _in_silence(_: float = 1) -> None:
    """Nobody is watching."""
