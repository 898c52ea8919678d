"""The local stack: real Kafka and PostgreSQL as plain processes that leave nothing behind."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from local import RealParts, Stack, StackError, processes
from local.processes import Process
from local.state import State

LAUNCHER = """
import sys, time
from pathlib import Path
from local import Stack

with Stack.started(Path(sys.argv[1])):
    print("started", flush=True)
    time.sleep(600)
"""
TOPIC = "test.stack.kept"
SOON = 60  # seconds for a launcher to end; a few here


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose storage is made once for the tests of this module."""
    return tmp_path_factory.mktemp("stack")


def test_a_stack_that_is_left_leaves_nothing_running(room: Path) -> None:
    with Stack.started(room) as stack:
        running = everything(room)
        assert stack.kafka_node.is_ready()
        assert stack.postgres.is_ready()

    assert len(running) > 2  # PostgreSQL has children
    assert not still_alive(running)


def test_a_stack_that_fails_leaves_nothing_running(room: Path) -> None:
    running: list[Process] = []

    def fail() -> None:
        with Stack.started(room):
            running.extend(everything(room))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert running
    assert not still_alive(running)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_launcher_that_is_told_to_end_leaves_nothing_running(room: Path, ending: signal.Signals) -> None:
    launcher = launched(room)
    running = everything(room)

    launcher.send_signal(ending)
    launcher.communicate(timeout=SOON)

    assert running
    assert not still_alive(running)


def test_what_a_killed_launcher_left_behind_is_ended_by_the_next_start(room: Path) -> None:
    launcher = launched(room)
    left_behind = everything(room)
    launcher.kill()
    launcher.communicate()
    assert still_alive(left_behind) == left_behind

    with Stack.started(room) as stack:
        assert not still_alive(left_behind)
        assert stack.kafka_node.is_ready()


def test_a_second_start_in_the_same_folder_is_refused(room: Path) -> None:
    with (
        Stack.started(room),
        pytest.raises(StackError, match=r"another samenspel \(process \d+\) is at work"),
        Stack.started(room),
    ):
        pass


def test_two_stacks_run_side_by_side(stack: RealParts, room: Path) -> None:
    with Stack.started(room) as other:
        assert other.kafka != stack.kafka
        assert other.postgres.is_ready()


async def test_what_was_kept_survives_a_restart_of_the_whole_stack(room: Path) -> None:
    with Stack.started(room) as stack:
        url = stack.create_database("keeping", "keeping")
        await keep_in_postgres(url, "before")
        await keep_in_kafka(stack.kafka, "before")

    with Stack.started(room) as stack:
        assert stack.create_database("keeping", "keeping") == url
        assert await kept_in_postgres(url) == ["before"]
        assert await kept_in_kafka(stack.kafka) == ["before"]


async def test_what_was_kept_survives_a_crash_of_each_part(room: Path) -> None:
    with Stack.started(room, fresh=True) as stack:
        url = stack.create_database("keeping", "keeping")
        await keep_in_postgres(url, "before")
        await keep_in_kafka(stack.kafka, "before")

        stack.postgres.kill()
        stack.kafka_node.kill()
        stack.postgres.start()
        stack.kafka_node.start()

        assert await kept_in_postgres(url) == ["before"]
        assert await kept_in_kafka(stack.kafka) == ["before"]


def test_a_folder_of_root_that_nobody_else_may_enter_will_do(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with Stack.started(closed / "stack") as stack:
        assert stack.postgres.is_ready()


async def test_a_role_cannot_enter_another_roles_database(stack: RealParts) -> None:
    stack.create_database("house_a", "tenant_a")
    of_b = stack.create_database("house_b", "tenant_b")

    for closed in ("house_a", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(of_b.replace("/house_b", f"/{closed}"))


async def test_a_role_owns_its_own_database(stack: RealParts) -> None:
    database = await asyncpg.connect(stack.create_database("house_c", "tenant_c"))

    await database.execute("CREATE SCHEMA furniture")

    assert await database.fetchval("SELECT current_user") == "tenant_c"
    await database.close()


async def test_a_role_without_its_password_stays_outside(stack: RealParts) -> None:
    url = stack.create_database("house_d", "tenant_d")
    server = url.rpartition("@")[2]

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://tenant_d:guessed@{server}")


async def test_a_topic_does_not_come_about_by_being_named(stack: RealParts) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka, request_timeout_ms=500)
    await producer.start()

    with pytest.raises(UnknownTopicOrPartitionError):
        await producer.send(topic="test.stack.mistyped", value=b"lost")

    await producer.stop()


def test_a_service_that_was_killed_starts_again_where_it_was(room: Path) -> None:
    with Stack.started(room, services=True) as stack:
        url, first = stack.service_url("requests"), stack.pid("requests")

        stack.kill_service("requests")
        answered_while_dead = stack.services["requests"].is_ready()
        stack.start_service("requests")

        assert not answered_while_dead
        assert stack.services["requests"].is_ready()
        assert stack.service_url("requests") == url
        assert stack.pid("requests") not in {first, None}


def test_up_keeps_running_until_down(room: Path) -> None:
    assert command("status", room).returncode == 1

    assert command("up", room, "--no-services").returncode == 0
    parts = json.loads(command("status", room, "--json").stdout)
    assert {part["part"]: part["health"] for part in parts} == {"kafka": "ready", "postgres": "ready"}
    assert all(part["memory_bytes"] > 0 and part["address"].startswith("127.0.0.1:") for part in parts)

    assert "already running" in command("up", room, "--no-services").stdout
    running = everything(room)
    assert command("down", room).stdout == "Stopped: kafka, postgres.\n"
    assert not still_alive(running)
    assert command("down", room).stdout == "Nothing was running.\n"


def test_a_part_that_crashed_shows_in_the_status_and_up_brings_it_back(room: Path) -> None:
    command("up", room, "--no-services")
    stack = Stack(room)
    process = stack.state.processes["kafka"]
    processes.kill(process)

    crashed = command("status", room, "--json")
    again = command("up", room, "--no-services", "--json")
    command("down", room)

    assert crashed.returncode == 1
    assert {part["part"]: part["health"] for part in json.loads(crashed.stdout)}["kafka"] == "stopped"
    assert {part["health"] for part in json.loads(again.stdout)} == {"ready"}


def command(name: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "samenspel", name, "--folder", str(folder), *options]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def launched(folder: Path) -> subprocess.Popen[str]:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, folder], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout
    assert launcher.stdout.readline() == "started\n"
    return launcher


def everything(folder: Path) -> list[Process]:
    """All processes that the stack of this folder has running, children too."""
    return [member for process in State.of(folder).processes.values() for member in processes.family(process)]


def still_alive(running: list[Process]) -> list[Process]:
    return [process for process in running if processes.is_running(process)]


async def keep_in_postgres(url: str, what: str) -> None:
    database = await asyncpg.connect(url)
    await database.execute("CREATE TABLE IF NOT EXISTS kept (what text)")
    await database.execute("INSERT INTO kept VALUES ($1)", what)
    await database.close()


async def kept_in_postgres(url: str) -> list[str]:
    database = await asyncpg.connect(url)
    rows = await database.fetch("SELECT what FROM kept")
    await database.close()
    return [row["what"] for row in rows]


async def keep_in_kafka(bootstrap: str, what: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait(TOPIC, what.encode())
    await producer.stop()


async def kept_in_kafka(bootstrap: str) -> list[str]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(TOPIC, 0)])
    [end] = (await consumer.end_offsets([TopicPartition(TOPIC, 0)])).values()
    kept = [(await consumer.getone()).value for _ in range(end)]
    await consumer.stop()
    return [value.decode() for value in kept if value]
