"""Three brokers, of which one sleeps, is killed or is started anew: another leads, and callers notice nothing."""

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.topics import TOPICS
from local import FOLDER, Stack
from local.kafka import Kafka
from local.waiting import completed
from tests.faults.conftest import System, with_a_city
from tests.faults.duration import lasting
from tests.waiting import eventually

pytestmark = pytest.mark.long

BROKERS = 3
RECOVERED = 30.0  # seconds, as for other outages
PAUSED = 30.0  # seconds, from `faults.md`
KILLS = 5
IN_SYNC = 90.0  # seconds until a broker that comes back has read all that it missed


@pytest.fixture(scope="module")
def city() -> Iterator[System]:
    """As for all fault tests, with as many brokers as an operator should have."""
    with Stack.started(FOLDER / "brokers", fresh=True, services=True, brokers=BROKERS) as stack:
        yield with_a_city(stack)


@pytest.mark.fault("T05")
def test_while_the_leader_among_three_sleeps_another_leads(system: System) -> None:
    with system.load(requests=300) as load:
        load.reaches(0.3)
        leader = leader_of(system.stack)
        os.kill(pid_of(system.stack, leader), signal.SIGSTOP)
        try:
            with lasting(PAUSED):
                pass
        finally:
            os.kill(pid_of(system.stack, leader), signal.SIGCONT)

    assert leader_of(system.stack) != leader  # the negative control: it was missed
    no_command_was_refused_or_lost(system)


@pytest.mark.fault("T06")
def test_five_leaders_are_killed_and_nothing_is_lost(system: System) -> None:
    killed: Counter[int] = Counter()
    with system.load(requests=300) as load:
        for number in range(1, KILLS + 1):
            load.reaches(number / (KILLS + 1))
            leader = leader_of(system.stack)
            leader.kill()
            killed[leader.number] += 1
            led_by_another(system.stack, leader)
            leader.start()
            in_sync(system.stack)

    assert killed.total() == KILLS
    no_command_was_refused_or_lost(system)


@pytest.mark.fault("T07")
def test_brokers_are_started_anew_in_turn_and_no_caller_notices(system: System) -> None:
    with system.load(requests=300) as load:
        for number, node in enumerate(system.stack.kafka_nodes, start=1):
            load.reaches(number / (BROKERS + 1))
            node.stop()
            node.start()
            in_sync(system.stack)

    no_command_was_refused_or_lost(system)


def no_command_was_refused_or_lost(system: System) -> None:
    system.recovers(within=RECOVERED)
    assert len(system.calls) >= 1_800
    assert system.server_errors() == []
    assert system.violations() == []


def pid_of(stack: Stack, node: Kafka) -> int:
    pid = stack.pid(f"kafka-{node.number}" if node.number > 1 else "kafka")
    assert pid is not None
    return pid


def leader_of(stack: Stack) -> Kafka:
    """The broker that leads most partitions."""
    (number, _), *_ = Counter(leader for leader, _ in completed(partitions(stack))).most_common()
    return stack.kafka_nodes[number - 1]


def led_by_another(stack: Stack, gone: Kafka) -> None:
    async def all_are() -> bool:
        return {gone.number, -1}.isdisjoint(leader for leader, _ in await partitions(stack))

    completed(eventually(all_are, IN_SYNC))


def in_sync(stack: Stack) -> None:
    """Wait until each broker has all that the leaders have."""

    async def all_are() -> bool:
        return {copies for _, copies in await partitions(stack)} == {BROKERS}

    completed(eventually(all_are, IN_SYNC))


async def partitions(stack: Stack) -> list[tuple[int, int]]:
    """The leader of each partition, and how many copies of it are as far as the leader."""
    return await eventually(lambda: _described(stack), IN_SYNC)


async def _described(stack: Stack) -> list[tuple[int, int]]:
    """Nothing where the broker that is asked is the one that is gone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    try:
        await admin.start()
        described = await admin.describe_topics([topic.name for topic in TOPICS])
    except KafkaError:
        return []
    finally:
        await admin.close()
    return [(part["leader"], len(part["isr"])) for topic in described for part in topic["partitions"]]
