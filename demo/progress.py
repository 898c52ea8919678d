"""What a person sees while the demo runs: a bar per stage on a terminal, a line per stage elsewhere; all on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from words.language import Texts

Advance = Callable[[float], None]
NAME_WIDTH = 38  # the longest name of a stage, in Dutch


class Stages:
    """Shows the stages of one run and measures how long each takes."""

    def __init__(self, texts: Texts) -> None:
        self.seconds: dict[str, float] = {}
        self._texts = texts
        self._console = Console(stderr=True)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """One stage, with `total` steps if they can be counted; gives a function to say how many more are done."""
        started = time.monotonic()
        text = self._texts.say(f"stage.{name}")
        try:
            if self._console.is_terminal:
                with self._bars(counted=total is not None) as bars:
                    task = bars.add_task(text, total=total)
                    yield partial(bars.advance, task)
                    bars.update(task, total=total or 1, completed=total or 1)
            else:
                yield lambda _: None
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started
        if not self._console.is_terminal:
            count = self._texts.number(total) if total else ""
            seconds = self._texts.number(self.seconds[name], "#,##0.0")
            self._console.print(f"{text:<{NAME_WIDTH}} {count:>6}  {seconds:>5} s", highlight=False, soft_wrap=True)

    def _bars(self, *, counted: bool) -> Progress:
        name = TextColumn(f"{{task.description:<{NAME_WIDTH}}}")
        bar = BarColumn(bar_width=12)  # with count and times it makes 80 columns
        counts = (MofNCompleteColumn(), TimeRemainingColumn()) if counted else ()
        return Progress(name, bar, TimeElapsedColumn(), *counts, console=self._console)
