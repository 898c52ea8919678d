"""What an event becomes in the journal."""

from datetime import date
from typing import cast

import pytest

from contracts.activities import ActivityDelivered, TakingPart
from contracts.envelope import decode
from contracts.events import MAX_EVENT_BYTES, Event
from contracts.offers import PartnerRecorded
from contracts.values import MAX_GROUPS, LearningArea, Name
from services.chassis.messaging.outbox import EventTooLarge, Staged, encoded, new_id
from services.chassis.running.database import Connection, Transaction
from tests.builders import ATELIER, NOW, delivery_details

SOURCE = "urn:nld:oin:00000099000000001000:systeem:referrals"


def in_journal(event: Event) -> list[Staged]:
    no_database = cast("Connection", None)  # encoding an event needs none
    tx = Transaction(no_database, NOW, SOURCE, epoch=1, causation="key-1")
    return encoded(tx, event, key=ATELIER, epoch=1, version=3)


def a_partner(*, areas: int = 1) -> PartnerRecorded:
    learning_areas = tuple(LearningArea(scheme="own", code=f"area-{number}") for number in range(areas))
    name, since = Name(nl="Atelier"), date(2020, 8, 1)
    return PartnerRecorded(partner_id=ATELIER, valid_from=since, name=name, learning_areas=learning_areas)


def a_delivery(*, groups: int) -> ActivityDelivered:
    """As many groups as are allowed, with ids as long as are allowed: every bound is kept."""
    taking_part = [TakingPart(group_id=f"own:{number:0124}", headcount=24) for number in range(groups)]
    details = dict(delivery_details(groups=tuple(taking_part)))
    return ActivityDelivered(**details, activity_id=new_id(), origin="direct", registered_at=NOW)


def test_what_the_journal_keeps_is_what_a_reader_decodes() -> None:
    (staged,) = in_journal(a_partner())
    message = decode(staged.value)

    assert message.event == a_partner()
    assert (message.envelope.id, message.envelope.source) == (staged.event_id, SOURCE)
    assert (message.envelope.aggregateversion, message.envelope.causationid) == (3, "key-1")
    assert (staged.key, staged.aggregate) == (ATELIER.encode(), f"partner:{ATELIER}")


def test_an_event_that_is_too_large_is_refused_with_its_size() -> None:
    with pytest.raises(EventTooLarge, match=rf"of \d+ bytes; {MAX_EVENT_BYTES} are allowed"):
        in_journal(a_delivery(groups=MAX_GROUPS))
