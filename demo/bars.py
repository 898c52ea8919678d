"""Bars in text: how much is certain, how much is possible, and where the target is. Pure."""

CERTAIN, POSSIBLE, EMPTY, TARGET = "█", "▓", "░", "▕"


def bar(lower: float, upper: float, width: int, target: float | None = None) -> str:
    """A bar from 0 to 1: certain up to `lower`, possible up to `upper`, with a line at the target."""
    cells = [
        CERTAIN if (cell + 0.5) / width <= lower else POSSIBLE if (cell + 0.5) / width <= upper else EMPTY
        for cell in range(width)
    ]
    if target is not None:
        cells[target_cell(target, width)] = TARGET
    return "".join(cells)


def target_cell(target: float, width: int) -> int:
    """The cell on whose right edge the target lies."""
    return min(max(round(target * width) - 1, 0), width - 1)


def scale(width: int, target: float) -> str:
    """The line above bars: 0, 50 and the target, in percent."""
    cells = list("0".ljust(width))
    middle = width // 2 - 1
    cells[middle : middle + 2] = "50"
    mark = f"{100 * target:.0f}{TARGET}"
    start = target_cell(target, width) - len(mark) + 1
    cells[start : start + len(mark)] = mark
    return "".join(cells)
