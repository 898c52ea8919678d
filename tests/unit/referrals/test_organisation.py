"""What may be recorded of a broker or a partner."""

from datetime import date

import pytest

from contracts.offers import PartnerDetails
from contracts.values import LearningArea
from services.chassis.checks import DatesInWrongOrder, DuplicateItem, NameNotVisible
from services.chassis.problems import Problem, WrongField
from services.chassis.schemes import UnknownLearningArea
from services.referrals.reasons import SCHEMES
from services.referrals.rules.organisation import check_organisation
from tests.builders import ART, partner_details

INVISIBLE = partner_details().model_copy(update={"name": partner_details().name.model_copy(update={"nl": "\u200b"})})
UNKNOWN = LearningArea(scheme="curriculum.nu", code="zwemmen")


def test_a_partner_that_names_known_areas_once_may_be_recorded() -> None:
    check_organisation(partner_details(), SCHEMES)


@pytest.mark.parametrize(
    ("details", "problem", "field"),
    [
        (INVISIBLE, NameNotVisible, "name.nl"),
        (partner_details(ART, ART), DuplicateItem, "learningAreas[1]"),
        (partner_details(UNKNOWN), UnknownLearningArea, "learningAreas[0].code"),
    ],
)
def test_an_unsound_partner_is_not_recorded(details: PartnerDetails, problem: type[Problem], field: str) -> None:
    with pytest.raises(problem) as refused:
        check_organisation(details, SCHEMES)

    assert refused.value.errors[0].field == field


def test_a_partner_does_not_end_before_it_begins() -> None:
    details = partner_details(valid_from=date(2025, 8, 1), valid_to=date(2025, 7, 31))

    with pytest.raises(DatesInWrongOrder) as refused:
        check_organisation(details, SCHEMES)

    assert refused.value.errors == (WrongField("validTo", "2025-07-31", "validFrom or later"),)
