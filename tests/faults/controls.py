"""Controls: a line of our code that protects something is taken away, and the test of it must be red.

A control names the line as it stands in the source, so it fails when that line is moved or changed, and what stands in
its place. Nothing else is patched: the rest of the code, and the test, are the real ones.
"""

import inspect
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Scenario = Callable[..., Awaitable[None]]
TAKEN_AWAY = "SAMENSPEL_TEST_CONTROL"
"""The variable that tells a process which a test starts what is taken away."""


@dataclass(frozen=True, slots=True)
class Control:
    """One line, and the test that is red without it."""

    protects: str
    where: Any
    """The function that holds the line; or the module and the name of the constant."""
    line: str
    instead: str
    scenario: Scenario


@contextmanager
def taken_away(control: Control) -> Iterator[None]:
    """The code without the line."""
    if isinstance(control.where, tuple):
        module, name = control.where
        original = getattr(module, name)
        setattr(module, name, _without(control, original))
        try:
            yield
        finally:
            setattr(module, name, original)
    else:
        function = inspect.unwrap(control.where)
        original = function.__code__
        function.__code__ = _changed(control, function)
        try:
            yield
        finally:
            function.__code__ = original


def _without(control: Control, source: str) -> str:
    assert source.count(control.line) == 1, f"this line is there {source.count(control.line)} times: {control.line}"
    return source.replace(control.line, control.instead)


def _changed(control: Control, function: Callable[..., Any]) -> Any:
    """The code of the function with another line in the place of the one that protects."""
    source = _without(control, textwrap.dedent(inspect.getsource(function)))
    defined: dict[str, Any] = {}
    names = vars(sys.modules[function.__module__])
    exec(compile(source, function.__module__, "exec"), names, defined)
    return inspect.unwrap(defined[function.__name__]).__code__
