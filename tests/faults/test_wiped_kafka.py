"""Kafka loses everything: topics are made again, adopted, and filled from the journals. Then all is as it was."""

import asyncio
import json
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from contracts.requests import REQUESTS
from contracts.topics import INPUTS, SERVICES, TOPICS
from local import Stack
from local.waiting import completed
from tests.faults.client import OPERATOR
from tests.faults.conftest import System
from tests.faults.test_poison import HEADERS, KEY, raised, samenspel, send
from tests.waiting import eventually, wait_until

SAYS_SO = 90.0  # seconds until a service that reads on has compared its topics: it does so every minute
OF_ITS_OWN = {
    "migrations",
    "positions",
    "outbox",
    "idempotency",
}  # tables that say how a service works, not what it knows


@pytest.mark.fault("T26")
def test_after_kafka_lost_everything_all_is_as_it_was_and_what_is_new_counts(system: System) -> None:
    stack = system.stack
    with system.load(requests=12):
        pass
    (place,) = asyncio.run(send(stack, REQUESTS, [(KEY, b"{broken", HEADERS)]))
    system.foreign.add(place)
    assert system.violations() == []
    states, letters, requests_raised = states_of(stack), letters_of(stack), raised(stack)

    stack.stop_service("referrals")  # one that starts again; the others go on
    asyncio.run(lose_everything(stack.kafka))
    samenspel(stack, "topics", "apply")
    stack.start_service("referrals")
    for service in SERVICES:
        wait_until(partial(says, stack, service, "it is not the topic that it was"), SAYS_SO)
    adopted = json.loads(samenspel(stack, "topics", "adopt", "--json"))
    for service in SERVICES:
        samenspel(stack, "republish", service)
    system.foreign.clear()  # what no journal has is lost

    assert {(each["topic"], each["incarnation"]) for each in adopted} == {(topic, 2) for topic in INPUTS}
    assert system.violations() == []  # each event applied once, rebuilt = published, and the recount agrees
    assert states_of(stack) == states
    assert letters_of(stack) == letters

    system.foreign |= asyncio.run(send(stack, REQUESTS, [(KEY, b"{broken anew", HEADERS)]))
    with system.load(requests=3):
        pass
    assert system.violations() == []
    assert raised(stack) == requests_raised + 3
    wait_until(lambda: len(letters_of(stack)) == len(letters) + len(("referrals", "reporting")))

    completed(forget_facts(stack))  # a reader that begins again knows from the newest cut which topics there are
    loss = wait_until(lambda: rebuilt_after_loss(stack), SAYS_SO)
    assert loss["equal"]
    assert loss["incarnations"] == dict.fromkeys(INPUTS, 2)
    assert raised(stack) == requests_raised + 3


async def forget_facts(stack: Stack) -> None:
    """What the tables of `reporting` are after a loss, but for its journal."""
    database = await asyncpg.connect(stack.database_url("reporting"))
    try:
        await database.execute("TRUNCATE facts, positions, skipped, cuts, figures, rebuilds")
    finally:
        await database.close()


def rebuilt_after_loss(stack: Stack) -> dict[str, Any] | None:
    headers = {"Samenspel-Actor": OPERATOR}
    rebuilds = httpx.get(stack.service_url("reporting") + "/v1/rebuilds", headers=headers).json()["items"]
    outcomes: list[dict[str, Any]] = [
        each["outcome"] for each in rebuilds if each["cause"] == "loss" and "outcome" in each
    ]
    return outcomes[0] if outcomes else None


async def lose_everything(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic.name for topic in TOPICS])
        await eventually(lambda: _are_gone(admin))
    finally:
        await admin.close()


async def _are_gone(admin: AIOKafkaAdminClient) -> bool:
    return not {topic.name for topic in TOPICS} & set(await admin.list_topics())


def says(stack: Stack, service: str, words: str) -> bool:
    return words in httpx.get(stack.service_url(service) + "/health/ready").text


def letters_of(stack: Stack) -> list[dict[str, Any]]:
    """Every dead letter, without its place on the dead-letter topic."""
    letters = json.loads(samenspel(stack, "dead-letters", "list", "--all", "--json"))
    return [{name: text for name, text in each.items() if name != "letter"} for each in letters]


def states_of(stack: Stack) -> dict[str, list[str]]:
    """Everything that the services know and have announced, and all figures ever published."""
    tables = {service: completed(_tables(stack, service)) for service in ("requests", "referrals")}
    tables["reporting"] = ["figures"]
    return {
        f"{service}.{table}": completed(_rows(stack, service, table))
        for service, some in tables.items()
        for table in some
    }


async def _tables(stack: Stack, service: str) -> list[str]:
    database = await asyncpg.connect(stack.database_url(service))
    try:
        rows = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        return [row["tablename"] for row in rows if row["tablename"] not in OF_ITS_OWN]
    finally:
        await database.close()


async def _rows(stack: Stack, service: str, table: str) -> list[str]:
    database = await asyncpg.connect(stack.database_url(service))
    try:
        return sorted(row[0] for row in await database.fetch(f"SELECT to_jsonb(t)::text FROM {table} AS t"))
    finally:
        await database.close()
