"""The world fails while callers ask: Kafka away, PostgreSQL crashed, a service told to stop, a leader asleep."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from samenspel.stack import Stack
from tests.faults.conftest import Town
from tests.faults.load import OPERATOR

KAFKA_AWAY = 20.0  # seconds, from the issue
ASLEEP = 45.0  # seconds: longer than Kafka's session timeout and PostgreSQL's keepalives


def test_without_kafka_for_twenty_seconds_every_command_is_accepted_and_later_published_in_order(town: Town) -> None:
    began, earlier = time.monotonic(), len(town.calls)
    town.stack.broker.stop()
    with town.load(callers=4, stories=300, whole=False):
        pass
    while time.monotonic() < began + KAFKA_AWAY:
        with town.load(callers=2, stories=20, whole=False):  # and on, until the time is over
            pass
    town.stack.broker.start()

    asked = town.calls[earlier:]
    assert [
        (call.was_unknown, call.refused_as_busy) for call in asked if call.was_unknown or call.refused_as_busy
    ] == []
    assert {call.outcome for call in asked} == {"ok"}
    assert town.violations() == []


def test_postgresql_crashes_under_load_and_no_acknowledged_command_is_lost(town: Town) -> None:
    earlier = len(town.calls)
    with town.load(stories=100) as load:
        for share in (0.3, 0.6):
            load.reaches(share)
            town.stack.postgres.kill()
            town.stack.postgres.start()

    assert any(call.was_unknown or call.refused_as_busy for call in town.calls[earlier:])  # it did hurt
    assert town.violations() == []


@pytest.mark.parametrize("service", ["requests", "referrals", "reporting"])
def test_a_service_that_is_told_to_stop_finishes_what_it_has_begun(town: Town, service: str) -> None:
    earlier = len(town.calls)
    with town.load(stories=60) as load:
        load.reaches(0.3)
        began = time.monotonic()
        town.stack.stop_service(service)
        took = time.monotonic() - began
        town.stack.start_service(service)

    assert took < 20  # seconds, T27
    assert not any(call.refused_as_busy for call in town.calls[earlier:])  # no 5xx: refused connections only
    assert town.violations() == []


@pytest.mark.long
def test_a_projection_leader_that_slept_is_fenced_when_it_wakes_up(town: Town) -> None:
    sleeper = town.stack.pid("reporting")
    assert sleeper is not None
    with a_second_reporting(town.stack) as second, town.load(stories=200):
        os.kill(sleeper, signal.SIGSTOP)
        time.sleep(ASLEEP)  # the fault itself lasts this long
        os.kill(sleeper, signal.SIGCONT)

    assert second.poll() is None
    assert town.violations() == []
