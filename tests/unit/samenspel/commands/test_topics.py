"""Whom `samenspel topics adopt` asks."""

import pytest

from contracts.metrics import HISTORY
from contracts.sites import SITES
from contracts.targets import TARGETS
from contracts.topics import SERVICES
from samenspel.commands.topics import asked
from samenspel.failure import CommandFailed


def test_every_reader_of_a_topic_is_asked_unless_some_are_named() -> None:
    assert list(asked([SITES, TARGETS], SERVICES)) == [
        (SITES, "referrals"),
        (SITES, "reporting"),
        (TARGETS, "reporting"),
    ]
    assert list(asked([SITES, TARGETS], ["referrals"])) == [(SITES, "referrals")]


def test_a_topic_that_no_service_reads_cannot_be_adopted() -> None:
    with pytest.raises(CommandFailed, match=f"no service reads {HISTORY}"):
        list(asked([HISTORY], SERVICES))
