"""Problems in the description of an API, and their names."""

import ast
from pathlib import Path

import pytest

from services.chassis.http.problem_schema import problem_schema
from services.chassis.life_cycle import IllegalTransition
from services.chassis.problems import (
    PROBLEMS,
    NotFound,
    Problem,
    RuleSaysNo,
    Unidentified,
    VersionConflict,
    every_problem,
)
from services.chassis.schemes import UnknownLearningArea
from services.referrals import app as referrals
from services.reporting import app as reporting
from services.requests import app as requests

ALL = [requests, referrals, reporting]  # imported, so that every problem of theirs is known


@pytest.mark.parametrize(
    ("problem", "slug"),
    [
        (IllegalTransition, "illegal-transition"),
        (VersionConflict, "version-conflict"),
        (UnknownLearningArea, "unknown-learning-area"),
    ],
)
def test_a_problem_is_named_as_its_class(problem: type[Problem], slug: str) -> None:
    described = problem_schema("requests")

    assert problem.slug == slug
    assert f"{PROBLEMS}/{slug}" in described["properties"]["type"]["enum"]


def test_no_two_problems_share_a_type_and_each_has_a_sentence() -> None:
    problems = list(every_problem())

    assert len({problem.slug for problem in problems}) == len(problems) > len(ALL)
    assert all(problem.title.endswith(".") for problem in problems)


def named_where_raised() -> set[str]:
    """The classes that are raised or made anywhere in the services, or are the refusal of a condition."""
    found = set[str]()
    for path in (Path(__file__).parents[3] / "services").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Raise(exc=ast.Name(id=name)) | ast.Call(func=ast.Name(id=name)) if name != "Condition":
                    found.add(name)
                case ast.Call(func=ast.Name(id="Condition"), args=[*_, ast.Name(id=name)]):
                    found.add(name)
    return found


def test_every_listed_problem_can_come_and_a_kind_of_problems_is_not_listed() -> None:
    raised, listed = named_where_raised(), [each for each in every_problem() if each.__module__.startswith("services.")]

    assert [problem.slug for problem in listed if problem.__name__ not in raised] == []
    assert not {"rule-says-no", "not-found", "unidentified", "problem"} & {problem.slug for problem in listed}
    assert not [kind for kind in (Problem, RuleSaysNo, NotFound, Unidentified) if kind.__name__ in raised]
