"""The player sends a command again only when that can help."""

from demo.play import TEMPORARY
from services.chassis.life_cycle import IllegalTransition
from services.chassis.problems import NotYetKnown, Problem
from services.referrals.rules.referral import NothingDelivered


def test_the_problems_that_end_by_themselves_are_named_as_the_services_name_them() -> None:
    temporary: list[Problem] = [NotYetKnown(), IllegalTransition(), NothingDelivered()]

    assert {problem.slug for problem in temporary} == TEMPORARY
