"""Known traps of the libraries that we use, and of Kafka."""

import requests
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

import services.requests
from contracts.partitioner import partition_of
from contracts.topics import INPUTS, TOPICS


def test_our_package_does_not_shadow_the_library_requests() -> None:
    assert "site-packages" in str(requests.__file__)
    assert "site-packages" not in str(services.requests.__file__)


def test_faststream_commits_by_default_before_the_work_which_is_why_we_never_use_its_default() -> None:
    subscriber = KafkaBroker().subscriber("topic", group_id="group", batch=True)

    assert subscriber.ack_policy is AckPolicy.ACK_FIRST


def test_keys_go_where_kafkas_own_murmur2_sends_them() -> None:
    # Known answers of Kafka's UtilsTest.testMurmur2, as partitions of twelve.
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}

    for key, murmur in known.items():
        assert partition_of(key) == (murmur & 0x7FFFFFFF) % 12


def test_nothing_that_reporting_reads_is_ever_compacted_or_forgotten() -> None:
    read = [topic for topic in TOPICS if topic.name in INPUTS]

    assert len(read) == len(INPUTS)
    assert {(topic.settings["cleanup.policy"], topic.settings["retention.ms"]) for topic in read} == {("delete", "-1")}
