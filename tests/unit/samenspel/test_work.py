"""`samenspel work` has words for everything that can stand on a work list."""

from typing import get_args

import pytest

from contracts.clocks import ObjectKind
from services.referrals.rules.clocks import OF_ACTIVITIES, OF_REFERRALS
from services.requests.rules.clocks import CLOCKS
from words.language import Language, Texts


@pytest.mark.parametrize("language", Language)
def test_what_is_to_be_done_is_said_in_words(language: Language) -> None:
    texts = Texts("samenspel", language)
    to_do = [f"to-do.{clock.name}" for clock in (*CLOCKS, *OF_REFERRALS, *OF_ACTIVITIES) if clock.turn]

    for name in (*to_do, *(f"work-kind.{kind}" for kind in get_args(ObjectKind))):
        assert texts.say(name) != name
