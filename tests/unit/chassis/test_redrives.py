"""The record that takes the place of a dead letter: with the right key and headers, or refused as readers would."""

import pytest

from contracts.envelope import CONTENT_TYPE
from contracts.requests import REQUESTS
from services.chassis.redrives import NotAdmitted, resent
from tests.odd_records import KEY, ODD, in_binary_mode, with_

OURS = [("content-type", CONTENT_TYPE)]


def test_a_message_that_had_no_key_gets_that_of_its_envelope() -> None:
    record, admitted = resent(with_(), OURS, REQUESTS)

    assert record.key == KEY
    assert admitted.partitionkey.encode() == KEY


def test_beside_a_structured_message_no_header_of_binary_mode_stays() -> None:
    stray = [*OURS, ("ce_type", b"something else")]

    assert resent(with_(), stray, REQUESTS)[0].headers == OURS
    assert resent(with_(), [], REQUESTS)[0].headers == OURS


def test_a_binary_message_keeps_its_headers() -> None:
    odd = ODD["binary mode"]

    assert resent(odd.value or b"", in_binary_mode(), REQUESTS)[0].headers == in_binary_mode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"{broken", "malformed-json"), (b"", "no-data"), (with_(subject=None), "invalid-envelope")],
)
def test_what_readers_would_refuse_is_refused_before_it_is_sent(value: bytes, reason: str) -> None:
    with pytest.raises(NotAdmitted, match=reason):
        resent(value, OURS, REQUESTS)
