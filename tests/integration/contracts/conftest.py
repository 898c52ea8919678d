"""The three services after the story of the examples, played once for this folder."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from contracts.envelope import Message
from contracts.events import catalogue
from contracts.outcomes import OUTCOMES
from contracts.topics import SERVICES, TOPICS
from local import RealParts
from tests.integration.contracts.played import OPERATOR, Play, commanded
from tests.service_process import ServiceProcess, started
from tests.waiting import SOON, wait_until

KINDS = {event.type for event in catalogue.values() if OUTCOMES not in event.topics}
"""What is told to everybody: outcomes are told to the client alone that gave the command."""
TO_COUNT = 2 * SOON  # for `reporting`, which counts a year of cuts


@pytest.fixture(scope="package")
def played(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """The three services with topics and a time of their own, after the whole story."""
    folder, prefix = tmp_path_factory.mktemp("played"), "played-"
    with ExitStack() as running:
        services = {
            name: running.enter_context(started(stack, name, prefix=prefix, folder=folder)) for name in SERVICES
        }
        play = Play(services)
        for message in commanded():
            match type(message.event).__name__:
                case "RequestRaised":  # else it waits for a broker, which is another story
                    wait_until(lambda: knows_a_broker(services["requests"]))
                case "ActivityRetracted":  # else nothing is to be restated
                    wait_until(lambda: has_counted_the_activity(services["reporting"]))
                case "ReferralExpired":  # by itself, once its time has come
                    services["referrals"].time.set(message.envelope.time)
                    wait_until(lambda: has_expired(services["referrals"]))
                    continue
            play.carry_out(message)
        play.published = wait_until(lambda: what_was_published(services), TO_COUNT)
        yield play


def what_was_published(services: dict[str, ServiceProcess]) -> dict[str, list[Message]] | None:
    """What is on every topic; none while something of the story, or a kind of event, is on no topic yet."""
    if any(services[name].rows("SELECT FROM outbox") for name in ("requests", "referrals")):
        return None
    published = {topic.name: services["reporting"].published(topic.name) for topic in TOPICS}
    kinds = {message.event.type for messages in published.values() for message in messages}
    return published if kinds == KINDS else None


def has_expired(referrals: ServiceProcess) -> bool:
    return bool(referrals.rows("SELECT FROM referrals WHERE status = 'expired'"))


def knows_a_broker(requests: ServiceProcess) -> bool:
    return bool(requests.rows("SELECT FROM records WHERE kind = 'broker'"))


def has_counted_the_activity(reporting: ServiceProcess) -> bool:
    query = "/v1/figures?indicator=replaced-share&unit=site:duo:99ZA00"
    return any(figure["denominator"]["upper"] == 2 for figure in reporting.ask_ok("GET", query, by=OPERATOR)["items"])
