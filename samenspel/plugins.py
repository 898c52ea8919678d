"""What is installed beside the operator's command and adds to it: entry points, none of them in the image."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any


def plugins(group: str) -> Iterator[Any]:
    """The objects that a group of entry points names; one whose libraries (an extra) are not installed is left out."""
    for each in entry_points(group=group):
        try:
            yield each.load()
        except ModuleNotFoundError:
            continue
