"""Problems in the description of an API, and their names."""

from typing import Any

import pytest

from services.chassis.http.problem_schema import with_problems
from services.chassis.life_cycle import IllegalTransition
from services.chassis.problems import PROBLEMS, Problem, VersionConflict, every_problem
from services.chassis.schemes import UnknownLearningArea
from services.referrals import app as referrals
from services.reporting import app as reporting
from services.requests import app as requests

ALL = [requests, referrals, reporting]  # imported, so that every problem of theirs is known


def test_every_operation_may_answer_with_a_problem_and_never_with_422() -> None:
    operation: dict[str, Any] = {"responses": {"200": {}, "422": {}}}

    described = with_problems(
        {"components": {"schemas": {"HTTPValidationError": {}}}, "paths": {"/v1/x": {"get": operation}}}, "requests"
    )

    assert described["paths"]["/v1/x"]["get"]["responses"].keys() == {"200", "default"}
    assert described["components"]["schemas"].keys() == {"Problem"}


@pytest.mark.parametrize(
    ("problem", "slug"),
    [
        (IllegalTransition, "illegal-transition"),
        (VersionConflict, "version-conflict"),
        (UnknownLearningArea, "unknown-learning-area"),
    ],
)
def test_a_problem_is_named_as_its_class(problem: type[Problem], slug: str) -> None:
    described = with_problems({"components": {"schemas": {}}, "paths": {}}, "requests")

    assert problem.slug == slug
    assert f"{PROBLEMS}/{slug}" in described["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]


def test_no_two_problems_share_a_type_and_each_has_a_sentence() -> None:
    problems = list(every_problem())

    assert len({problem.slug for problem in problems}) == len(problems) > len(ALL)
    assert all(problem.title.endswith(".") for problem in problems)
