"""What a demo found out: proved or not, and what machines get of it."""

from typing import Any

import pytest

from demo.rebuild import Rebuilt
from demo.result import Checked
from tests.unit.demo.builders import an_outcome


@pytest.mark.parametrize(
    "found",
    [
        {"recount_differences": ("a/1: value was published as 1, counted as 2",)},
        {"rebuilt": Rebuilt(412, 1.9, ("a/1: 1 before, 2 after",))},
        {"checked": Checked(59_196, ("a message without a subject",))},
        {"lost": 1},
        {"doubled": 1},
    ],
)
def test_every_difference_is_named_and_makes_the_demo_fail(found: dict[str, Any]) -> None:
    outcome = an_outcome(**found)

    assert len(outcome.differences) == 1
    assert not outcome.is_proven


def test_without_a_difference_all_is_proven() -> None:
    assert an_outcome().is_proven


def test_machines_get_figures_without_the_moment_at_which_they_were_known() -> None:
    figures = an_outcome().as_json()["figures"]

    assert figures["adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31"]["numerator"] == 28
    assert not any("knownAt" in figure or "cutId" in figure for figure in figures.values())


def test_machines_get_a_verdict_on_every_proof() -> None:
    proofs = an_outcome(lost=2, rebuilt=Rebuilt(412, 1.9, ("a/1: 1 before, 2 after",))).as_json()["proofs"]

    assert proofs == {
        "delivered": {"lost": 2, "doubled": 0},
        "recount": {"equal": True, "figures": 412, "differences": []},
        "rebuilt": {"equal": False, "figures": 412, "seconds": 1.9, "differences": ["a/1: 1 before, 2 after"]},
        "contracts": {"equal": True, "messages": 59_196, "notDone": "", "differences": []},
    }
