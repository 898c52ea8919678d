"""What is seen while the demo runs: a bar per stage on a terminal, a line per stage elsewhere; all on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

NAME_WIDTH = 38  # the longest name of a stage, in Dutch


class Stages:
    """The stages of one run and how long each took."""

    def __init__(self, words: Callable[[str], str]) -> None:
        self.seconds: dict[str, float] = {}
        self._words = words
        self._console = Console(stderr=True)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """A stage of so many things; call what it gives for each that is done."""
        started = time.monotonic()
        try:
            if self._console.is_terminal:
                with self._bars() as bars:
                    task = bars.add_task(self._words(name), total=total or 1)
                    yield lambda: bars.advance(task) if total else None
                    bars.update(task, completed=total or 1)
            else:
                yield lambda: None
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started
        if not self._console.is_terminal:
            count = f"{total:,}" if total else ""
            line = f"{self._words(name):<{NAME_WIDTH}} {count:>6}  {self.seconds[name]:5.1f} s"
            self._console.print(line, highlight=False, soft_wrap=True)

    def _bars(self) -> Progress:
        return Progress(
            TextColumn(f"{{task.description:<{NAME_WIDTH}}}"),
            BarColumn(bar_width=12),  # with count and times it makes 80 columns
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
        )
