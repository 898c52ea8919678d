"""Bars in text: they hold what they say, and show the target."""

import pytest

from demo.bars import bar, scale


@pytest.mark.parametrize(
    ("lower", "upper", "drawn"),
    [(0, 0, "░░░░░░░░░░"), (0.5, 0.5, "█████░░░░░"), (0.47, 0.71, "█████▓▓░░░"), (1, 1, "██████████")],
)
def test_a_bar_shows_what_is_certain_and_what_is_possible(lower: float, upper: float, drawn: str) -> None:
    assert bar(lower, upper, 10) == drawn


def test_the_target_is_a_line_on_the_bar_and_above_it() -> None:
    assert bar(0.5, 0.5, 10, target=0.8) == "█████░░▕░░"
    assert scale(30, 0.8).index("80▕") + 2 == bar(0, 0, 30, target=0.8).index("▕")
