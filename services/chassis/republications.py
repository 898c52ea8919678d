"""Republications: what a service announced is published again from its journal, when Kafka lost it.

Guarantee: in the order of the journal in each lane, the same bytes and ids, so that every reader knows again what it
has applied; on a compacted topic only what is newest. Each command puts back a bounded number of pointers and says
where the next one begins; new messages go out in between.
"""

from datetime import datetime
from itertools import groupby
from typing import Annotated

import asyncpg
from fastapi import Query
from pydantic import Field

from contracts.outcomes import ANSWERERS, OUTCOMES, address_of
from contracts.topics import TOPICS, service_of, topics_of
from contracts.values import NUMBER, Instant, Value
from services.chassis.commands import Command, Commands, Done
from services.chassis.http.parameters import CurrentCaller, ReadPool
from services.chassis.http.queries import query_routes
from services.chassis.life_cycle import check_operator
from services.chassis.messaging import outbox
from services.chassis.messaging.outbox import TopicNotWritten
from services.chassis.problems import WrongField
from services.chassis.running.database import CommandTx

commands = Commands()
queries = query_routes()

MAX_POSITION = 2**53  # beyond it, JavaScript and others read another number; PostgreSQL's go on to 2**63
ROWS = 10_000  # of the journal that one command looks at: a fraction of a second, while the service does its other work
COMPACTED = frozenset(topic.name for topic in TOPICS if topic.cleanup == "compact")
_FIRST = """
SELECT coalesce(min(position) FILTER (WHERE recorded_at >= $1), max(position) + 1, 1) FROM journal
"""
# Nothing is staged until the pointers are back: else a newer message could be sent before an older one that was still
# the newest when it was chosen, and a compacted topic would keep the older one.
_NOTHING_IS_STAGED = "SET LOCAL lock_timeout = '5s'; LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE"
_CHOOSE = """
SELECT position, topic, key, event_id, topic = ANY($4::text[]) AND EXISTS (
    SELECT FROM journal AS newer
    WHERE newer.aggregate = this.aggregate AND newer.version > this.version
        AND newer.topic = this.topic AND newer.key = this.key AND newer.position > this.position
) AS is_superseded
FROM (
    SELECT position, topic, key, event_id, aggregate, version FROM journal
    WHERE position >= $1 AND ($2::text IS NULL OR topic = $2) ORDER BY position LIMIT $3
) AS this ORDER BY position
"""
_WAITING = """
SELECT topic, count(*) AS messages FROM outbox WHERE $1::bigint IS NULL OR position < $1 GROUP BY topic ORDER BY topic
"""


class Republish(Value):
    """Which part of the journal to publish again: all of it, unless something is named."""

    topic: Annotated[str, Field(max_length=200)] | None = None
    """Only this topic."""
    since: Instant | None = None
    """Only from the first message that was recorded at this instant or later, and all behind it in the journal."""
    position: Annotated[int, Field(ge=1, le=MAX_POSITION), NUMBER] | None = None
    """Only from this position of the journal: `nextPosition` of the answer before, which then says it all."""


class RepublicationView(Value):
    """What was put back into the outbox."""

    messages: dict[str, int]
    """How many messages, by topic."""
    next_position: int
    """Behind the last row of the journal that was looked at: where the next command has to begin."""
    is_complete: bool
    """That was all: no other command is needed."""


class Waiting(Value):
    """What waits until Kafka has acknowledged it."""

    messages: dict[str, int]
    """How many messages, by topic."""


async def _republish(tx: CommandTx, _: None, body: Republish) -> Done:
    check_operator("publish messages again", tx.by)
    _check_topic(tx.source, body.topic)
    first = body.position or await _first(tx, body.since)
    if _may_be_compacted(tx.source, body.topic):
        await tx.db.execute(_NOTHING_IS_STAGED)
    rows = await tx.db.fetch(_CHOOSE, first, body.topic, ROWS, sorted(COMPACTED))
    chosen = [row for row in rows if not row["is_superseded"]]
    await outbox.stage_again(tx, chosen)
    following = rows[-1]["position"] + 1 if rows else first
    view = RepublicationView(messages=_by_topic(chosen), next_position=following, is_complete=len(rows) < ROWS)
    return Done(None, None, view)


def _check_topic(source: str, topic: str | None) -> None:
    service = service_of(source)
    own = [*topics_of(service), *([OUTCOMES] if service in ANSWERERS else [])]
    if topic is not None and address_of(topic) not in own:
        raise TopicNotWritten(None, WrongField("topic", topic, own))


def _may_be_compacted(source: str, topic: str | None) -> bool:
    return bool(COMPACTED.intersection([topic] if topic else topics_of(service_of(source))))


async def _first(tx: CommandTx, since: datetime | None) -> int:
    if since is None:
        return 1
    first: int = await tx.db.fetchval(_FIRST, since)
    return first


def _by_topic(rows: list[asyncpg.Record]) -> dict[str, int]:
    topics = sorted(row["topic"] for row in rows)
    return {topic: len(list(some)) for topic, some in groupby(topics)}


commands.add(
    Command(
        name="republish",
        about="Publish again what this service announced, from its journal, also what Kafka once refused. The answer"
        " says where the next command has to begin.",
        kind="republication",
        collection="republications",
        status=202,
        body=Republish,
        example={"since": "2026-01-12T08:00:00.000Z"},
        has_address=False,
        view=RepublicationView,
        run=_republish,
    )
)


@queries.get("/v1/republications", tags=["republications"], responses={403: {}})
async def show_waiting(
    db: ReadPool, caller: CurrentCaller, before: Annotated[int | None, Query(ge=1, le=MAX_POSITION)] = None
) -> Waiting:
    """What waits for Kafka, for the first time or again; `before`: only below this position of the journal. For
    operators."""
    check_operator("read what waits for Kafka", caller.actor)
    return Waiting(messages={row["topic"]: row["messages"] for row in await db.fetch(_WAITING, before)})
