"""The year that benchmarks use is a believable one: every event is as the contracts say, and always the same."""

from collections import Counter
from hashlib import sha256

from contracts.partitioner import partition_of
from services.reporting.facts.events import read
from tests import national_year
from tests.deliveries import a_record

SHARE = 0.001


def test_every_event_is_admitted_in_the_form_in_which_services_write() -> None:
    names = Counter(
        read(a_record(topic, partition_of(key), 0, key=key, value=value), topic).name
        for topic, key, value in national_year.events(SHARE)
    )

    assert names["ActivityDelivered"] > 1_000
    assert {"ActivityCorrected", "ActivityRetracted", "ActivityConfirmed", "ReferralAccepted"} < set(names)


def test_it_is_the_same_in_every_process() -> None:
    digest = sha256()
    for topic, key, value in national_year.events(SHARE):
        digest.update(topic.encode() + key + value)

    assert digest.hexdigest() == "2a5e6e9c5c0be68342fefd8f29abebaca57dd9318873bbfd734e254f5d9b827d"
