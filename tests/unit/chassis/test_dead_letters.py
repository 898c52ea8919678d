"""What a dead letter keeps of the message, and what it says about it."""

import hashlib
import json
from dataclasses import replace

import msgspec

from services.chassis.messaging.dead_letters import MAX_DETAIL, PERSONAL_DATA, DeadLetter, as_message
from services.chassis.messaging.outbox import Staged
from tests.builders import NOW
from tests.deliveries import a_record

BYTES = b"{broken"
RECORD = a_record("test.offers", 3, 7, key=b"own:b", value=BYTES, headers=[("traceparent", b"00-1-2-01")])
LETTER = DeadLetter(RECORD, "offers", "malformed-json", "expected value at line 1", attempts=2)


def headers(message: Staged) -> dict[str, bytes]:
    assert message.headers is not None
    return dict(msgspec.msgpack.decode(message.headers, type=list[tuple[str, bytes]]))


def test_a_dead_letter_is_the_message_with_the_reason_and_where_it_came_from() -> None:
    message = as_message(LETTER, "requests", failed_at=NOW)

    assert (message.topic, message.key, message.value) == ("partnership.dead-letters.requests.v1", b"own:b", BYTES)
    assert headers(message) == {
        "traceparent": b"00-1-2-01",
        "samenspel-reason": b"malformed-json",
        "samenspel-detail": b"expected value at line 1",
        "samenspel-topic": b"offers",
        "samenspel-partition": b"3",
        "samenspel-offset": b"7",
        "samenspel-attempts": b"2",
        "samenspel-failed-at": b"2025-10-03T09:12:00+00:00",
    }


def test_a_message_with_personal_data_leaves_neither_its_bytes_nor_its_headers() -> None:
    value = b'{"data":{"name":{"nl":"bel 073-6123456"}}}'
    record = a_record("test.offers", 3, 7, key=b"own:b", value=value, headers=[("traceparent", b"00-1-2-01")])

    message = as_message(replace(LETTER, record=record, reason="invalid-data"), "requests", failed_at=NOW)

    assert json.loads(message.value or b"") == {
        "topic": "offers",
        "partition": 3,
        "offset": 7,
        "field": "data.name.nl",
        "sha256": hashlib.sha256(value).hexdigest(),
    }
    assert all(name.startswith("samenspel-") for name in headers(message))
    assert headers(message)["samenspel-reason"] == PERSONAL_DATA.encode()
    assert headers(message)["samenspel-detail"] == b"data.name.nl seems to hold a telephone number (invalid-data)"


def test_a_letter_about_a_topic_that_was_made_again_has_a_place_of_its_own() -> None:
    """Red without the incarnation: a letter about another message at the same offset would not be written."""
    letter = replace(LETTER, incarnation=2)

    assert (LETTER.record_id, letter.record_id) == ("offers/3/7", "offers/3/7/2")
    assert headers(as_message(letter, "requests", failed_at=NOW))["samenspel-incarnation"] == b"2"


def test_broken_bytes_with_personal_data_are_not_kept_either() -> None:
    value = b'{"name": "juf@school.example'
    record = a_record("test.offers", 3, 7, key=b"own:b", value=value)

    message = as_message(replace(LETTER, record=record), "requests", failed_at=NOW)

    assert b"juf" not in (message.value or b"")
    assert headers(message)["samenspel-reason"] == PERSONAL_DATA.encode()


def test_a_redriven_message_that_fails_again_says_where_it_failed_last() -> None:
    record = a_record("test.offers", 3, 9, key=b"own:b", value=BYTES, headers=[("samenspel-offset", b"7")])

    message = as_message(replace(LETTER, record=record), "requests", failed_at=NOW)

    assert headers(message)["samenspel-offset"] == b"9"


def test_a_long_detail_is_cut_and_a_broken_character_in_it_does_no_harm() -> None:
    message = as_message(replace(LETTER, detail="\ud800" + "x" * 2_000), "requests", failed_at=NOW)

    assert headers(message)["samenspel-detail"] == b"?" + b"x" * (MAX_DETAIL - 1)


def test_an_id_in_broken_bytes_is_nobodys_number() -> None:
    """Red when the text is looked at with its ids: of every hundred one has a citizen number in its digits."""
    value = b'{"id": "01a218ba-1109-74e0-8936-91537e492204", '

    message = as_message(
        replace(LETTER, record=a_record("test.offers", 3, 7, key=b"k", value=value)), "requests", failed_at=NOW
    )

    assert message.value == value
