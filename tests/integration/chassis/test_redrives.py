"""A dead letter is redriven through the journal of the topic's own service, and marked by the service that wrote it.

Each test names the line that it protects: without that line it is red.
"""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.activities import ACTIVITIES
from contracts.envelope import CONTENT_TYPE
from contracts.requests import REQUESTS
from contracts.topics import dead_letter_topic
from contracts.values import Role
from local import RealParts
from samenspel.letters import letters_of
from services.chassis.checks import PersonalData
from services.chassis.commands import Call, carry_out
from services.chassis.messaging import dead_letters, outbox
from services.chassis.messaging.dead_letters import DeadLetter
from services.chassis.messaging.relay import Relay
from services.chassis.problems import NotAllowed, Problem
from services.chassis.redrives import AlreadyRedriven, EventIdTaken, NoSuchLetter, NotAdmitted, commands
from tests.builders import NOW, an_actor
from tests.deliveries import a_record
from tests.odd_records import DATA, KEY, RAISED, in_binary_mode, with_
from tests.sandbox import Sandbox, a_sandbox

RECORD = f"{REQUESTS}/3/7"
Headers = Sequence[tuple[str, bytes]]


async def test_a_mended_message_is_on_its_topic_under_its_own_key_and_in_the_journal(stack: RealParts) -> None:
    """Red on the first version, which sent it without a key again, past the service."""
    async with a_sandbox(stack, "requests") as sandbox:
        said = await redrive(sandbox, with_())
        await publish(sandbox)

        (record,) = await sandbox.read(REQUESTS)
        assert (record.key, record.value, record.partition) == (KEY, with_(), said["partition"])
        assert list(record.headers) == [("content-type", CONTENT_TYPE)]
        assert await journal(sandbox) == [(RAISED["id"], f"redrive:{RECORD}")]


async def test_a_binary_message_is_sent_as_it_was(stack: RealParts) -> None:
    """Red when `_stage` leaves the headers out."""
    async with a_sandbox(stack, "requests") as sandbox:
        await redrive(sandbox, DATA, headers=in_binary_mode())
        await publish(sandbox)

        (record,) = await sandbox.read(REQUESTS)
        assert (record.value, tuple(record.headers)) == (DATA, in_binary_mode())


async def test_a_record_is_redriven_once_and_not_as_two_messages(stack: RealParts) -> None:
    """Red without `before` in `_stage`."""
    async with a_sandbox(stack, "requests") as sandbox:
        first, again = await redrive(sandbox, with_()), await redrive(sandbox, with_())
        with pytest.raises(AlreadyRedriven):
            await redrive(sandbox, with_(id=str(outbox.new_id())))
        await publish(sandbox)

        assert (first["outcome"], again["outcome"]) == ("staged", "redriven before")
        assert len(await sandbox.read(REQUESTS)) == 1


async def test_two_operators_at_the_same_moment_redrive_once(stack: RealParts) -> None:
    """Red (a unique violation) without `_ONE_AT_A_TIME`."""
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        said = await asyncio.gather(*(redrive(sandbox, with_()) for _ in range(4)))

        assert sorted(each["outcome"] for each in said) == ["redriven before"] * 3 + ["staged"]


async def test_an_event_that_the_service_announced_itself_is_published_again_from_its_own_row(stack: RealParts) -> None:
    """Red without `stage_again`: the journal cannot have a second row with this event id."""
    async with a_sandbox(stack, "requests") as sandbox:
        await announce(sandbox, with_())
        await publish(sandbox)
        await redrive(sandbox, with_())
        await publish(sandbox)

        assert [record.value for record in await sandbox.read(REQUESTS)] == [with_(), with_()]
        assert await journal(sandbox) == [(RAISED["id"], "request:1")]


async def test_an_event_id_does_not_get_a_second_meaning(stack: RealParts) -> None:
    """Red when `_stage` compares only the event id."""
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        await announce(sandbox, with_())

        with pytest.raises(EventIdTaken):
            await redrive(sandbox, with_(causationid="another"))


REFUSED: list[tuple[bytes, str, Role, type[Problem]]] = [
    (b"{broken", RECORD, "operator", NotAdmitted),
    (with_(source=RAISED["source"].replace("requests", "referrals")), RECORD, "operator", NotAdmitted),
    (with_(), f"{ACTIVITIES}/3/7", "operator", outbox.TopicNotWritten),
    (with_(), f"{dead_letter_topic('requests')}/3/7", "operator", outbox.TopicNotWritten),
    (with_(newer="bel 073-6123456"), RECORD, "operator", PersonalData),
    (with_(), RECORD, "coordinator", NotAllowed),
]


async def test_what_may_not_be_on_the_topic_is_refused_and_leaves_nothing(stack: RealParts) -> None:
    """Red when success is said before readers were asked, as in the first version."""
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        for value, record, role, problem in REFUSED:
            with pytest.raises(problem):
                await redrive(sandbox, value, record=record, by=role)

        assert await journal(sandbox) == []


async def test_a_marker_stands_behind_the_letter_in_its_partition(stack: RealParts) -> None:
    """Red for a letter without a key when the marker has none either: it would lie on any partition."""
    async with a_sandbox(stack, "referrals") as sandbox:
        for key in (b"own:b", None):
            record = a_record(REQUESTS, 3, 7 if key else 8, key=key, value=b"{broken")
            async with sandbox.database.transaction() as tx:
                await dead_letters.add(tx, "referrals", DeadLetter(record, REQUESTS, "malformed-json", "broken"))
        for _ in ("once", "again"):
            await mark(sandbox, f"{REQUESTS}/3/8")
        await publish(sandbox)

        records = await sandbox.read(topic := dead_letter_topic("referrals"))
        letters = letters_of({sandbox.settings.topic(topic): "referrals"}, records)
        assert {letter.origin: letter.redriven_as for letter in letters} == {
            f"{REQUESTS}/3/7": None,
            f"{REQUESTS}/3/8": RAISED["id"],
        }
        assert len(records) == 3
        (keyless,) = [letter for letter in letters if letter.key is None]
        assert (keyless.partition, keyless.offset + 1) in {(each.partition, each.offset) for each in records}


async def test_a_letter_that_was_never_written_cannot_be_marked(stack: RealParts) -> None:
    async with a_sandbox(stack, "referrals", has_topics=False) as sandbox:
        with pytest.raises(NoSuchLetter):
            await mark(sandbox, RECORD)


async def redrive(
    sandbox: Sandbox, value: bytes, *, record: str = RECORD, headers: Headers = (), by: Role = "operator"
) -> dict[str, Any]:
    in_base64 = [{"name": name, "value": base64.b64encode(text).decode()} for name, text in headers]
    body = {"record": record, "value": base64.b64encode(value).decode(), "headers": in_base64}
    return await give(sandbox, "redrive", body, by=by)


async def mark(sandbox: Sandbox, record: str) -> None:
    await give(sandbox, "markLetter", {"record": record, "eventId": RAISED["id"]}, by="operator")


async def give(sandbox: Sandbox, name: str, body: dict[str, Any], *, by: Role) -> dict[str, Any]:
    command = commands.by_name[name]
    call = Call(by=an_actor(by), at=NOW, body=command.read(body))
    view: dict[str, Any] = json.loads((await carry_out(sandbox.database, command, call)).view)
    return view


async def announce(sandbox: Sandbox, value: bytes) -> None:
    """Stage a message as the service does itself."""
    event_id = UUID(RAISED["id"])
    async with sandbox.database.transaction() as tx:
        await outbox.stage(tx, [outbox.Staged(event_id, REQUESTS, KEY, value, None, "request:1", 1, 1)])


async def publish(sandbox: Sandbox) -> None:
    """Publish all that is staged."""
    relay, connection = Relay(sandbox.settings, sandbox.health), await asyncpg.connect(sandbox.settings.database_url)
    try:
        await relay.drain(connection)
    finally:
        await relay.close()
        await connection.close()


async def journal(sandbox: Sandbox) -> list[tuple[str, str]]:
    rows = await sandbox.database.pool.fetch("SELECT event_id, aggregate FROM journal ORDER BY position")
    return [(str(row["event_id"]), row["aggregate"]) for row in rows]
