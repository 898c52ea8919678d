"""Problems in the description of an API, and their names."""

import pytest

from services.chassis.http.problem_schema import problem_schema
from services.chassis.life_cycle import IllegalTransition
from services.chassis.problems import PROBLEMS, Problem, VersionConflict, every_problem
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
