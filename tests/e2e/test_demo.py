"""`samenspel demo` as a user starts it: a process of its own, on a stack of its own."""

import json
import subprocess
import sys
from typing import Any

import pytest

from local import FOLDER, Stack

DEADLINE = 300.0  # seconds; 40 are usual


def demo(*options: str) -> dict[str, Any]:
    command = (sys.executable, "-m", "samenspel", "demo", "--json", *options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


@pytest.fixture(scope="module")
def first() -> dict[str, Any]:
    return demo("--activities", "120", "--seed", "3")


def test_the_demo_proves_its_figures(first: dict[str, Any]) -> None:
    proofs = first["proofs"]

    assert proofs["delivered"] == {"lost": 0, "doubled": 0}
    assert proofs["recount"]["equal"]
    assert proofs["rebuilt"]["equal"]
    assert proofs["contracts"]["equal"]
    assert proofs["recount"]["figures"] == proofs["rebuilt"]["figures"] == len(first["figures"])


def test_the_demo_delivers_as_many_activities_as_were_asked_for(first: dict[str, Any]) -> None:
    assert first["counts"]["ActivityDelivered"] == 120
    assert first["deadLetters"] == 0


def test_the_adoption_figures_are_believable(first: dict[str, Any]) -> None:
    strict, loose = (
        float(first["figures"][f"adoption-{reading}/1/kansen-voor-kinderen/city/all/2026-07-31"]["value"])
        for reading in ("strict", "loose")
    )

    assert 0.60 <= strict <= 0.75
    assert 0.75 <= loose <= 0.85


def test_requests_that_waited_were_assigned_when_a_broker_came(first: dict[str, Any]) -> None:
    assert first["counts"]["RequestUnbrokered"] >= 1
    nature = first["figures"]["requests-assigned/1/kansen-voor-kinderen/city/curriculum.nu:mens-en-natuur/2025-2026"]
    assert nature["numerator"] == nature["denominator"]["upper"]


def without_waits(figures: dict[str, Any]) -> dict[str, Any]:
    """What one service waits for from another takes as long as messages do, and a day passes in a tenth of a second."""
    return {key: figure for key, figure in figures.items() if not key.startswith("wait-")}


def test_the_same_seed_gives_the_same_figures_and_leaves_nothing_running(first: dict[str, Any]) -> None:
    second = demo("--activities", "120", "--seed", "3")

    assert without_waits(second["figures"]) == without_waits(first["figures"])
    stack = Stack(FOLDER / "demo")
    assert not [name for name in stack.state.processes if stack.process(name)]
