"""Dead letters, and which of them are still open."""

import json

from contracts.topics import LETTER_MARKER
from samenspel.letters import letters_of
from samenspel.topic_records import TopicRecord
from tests.deliveries import a_record

SERVICES = {"letters.of.referrals": "referrals", "letters.of.reporting": "reporting"}
RECORD = "partnership.requests.v1/3/7"


def a_letter(topic: str, offset: int, *, origin: str = RECORD, failed_at: str = "2025-10-03T09:12") -> TopicRecord:
    parts = zip(("topic", "partition", "offset", "incarnation"), origin.split("/"), strict=False)
    why = [(f"samenspel-{name}", text.encode()) for name, text in (*parts, ("failed-at", failed_at))]
    return a_record(topic, 3, offset, key=b"own:b", value=b"{broken", headers=[("traceparent", b"00-1-2-01"), *why])


def a_marker(topic: str, offset: int) -> TopicRecord:
    value = json.dumps({"record": RECORD, "redrivenAs": "the event"}).encode()
    return a_record(topic, 3, offset, key=b"own:b", value=value, headers=[(LETTER_MARKER, b"redriven")])


def test_a_letter_is_open_until_a_marker_stands_behind_it() -> None:
    (letter,) = letters_of(SERVICES, [a_letter("letters.of.reporting", 0)])
    (marked,) = letters_of(SERVICES, [a_letter("letters.of.reporting", 0), a_marker("letters.of.reporting", 1)])

    assert (letter.name, letter.is_open) == ("reporting/3/0", True)
    assert (marked.name, marked.redriven_as) == ("reporting/3/0", "the event")


def test_a_marker_closes_the_letters_of_all_services_about_its_record_and_no_other() -> None:
    letters = letters_of(
        SERVICES,
        [
            a_letter("letters.of.referrals", 0),
            a_letter("letters.of.reporting", 0, origin="partnership.requests.v1/3/8"),
            a_letter("letters.of.reporting", 1),
            a_marker("letters.of.referrals", 1),
        ],
    )

    assert [letter.name for letter in letters if letter.is_open] == ["reporting/3/0"]


def test_a_marker_closes_no_letter_about_a_record_of_an_earlier_topic_of_that_name() -> None:
    again = a_letter("letters.of.referrals", 1, origin=f"{RECORD}/2")
    letters = letters_of(SERVICES, [a_letter("letters.of.reporting", 0), again, a_marker("letters.of.reporting", 1)])

    assert [letter.origin for letter in letters if letter.is_open] == [f"{RECORD}/2"]


def test_letters_are_in_the_order_in_which_services_gave_up() -> None:
    later, earlier = a_letter("letters.of.referrals", 0, failed_at="2025-10-04"), a_letter("letters.of.reporting", 0)

    assert [letter.service for letter in letters_of(SERVICES, [later, earlier])] == ["reporting", "referrals"]


def test_letters_of_one_moment_are_in_the_same_order_however_their_partitions_were_read() -> None:
    letters = [a_letter(topic, 0, origin=f"{RECORD}{n}") for topic in SERVICES for n in range(3)]

    assert letters_of(SERVICES, letters) == letters_of(SERVICES, letters[::-1])


def test_a_letter_that_kafka_got_twice_is_one_letter() -> None:
    letters = letters_of(SERVICES, [a_letter("letters.of.reporting", offset) for offset in (0, 1)])

    assert [letter.name for letter in letters] == ["reporting/3/0"]


def test_the_original_headers_are_those_that_it_came_with() -> None:
    (letter,) = letters_of(SERVICES, [a_letter("letters.of.reporting", 0)])

    assert letter.original_headers == [("traceparent", b"00-1-2-01")]
