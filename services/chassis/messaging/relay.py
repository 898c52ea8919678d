"""The relay: publishes the messages that the outbox points to, and deletes a pointer when Kafka has acknowledged.

Guarantee: at least once, in order per key, by one active relay per database (the others stand by). It reads the rows
that are there, never "all rows after the last id": ids are given before the commit, so a lower id can appear later.
Each partition is a lane, which is claimed and sent by itself: one that cannot be written delays no other. A crash
between the acknowledgement and the delete sends a batch twice.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from services.chassis.messaging.kafka import MAX_BATCH, MAX_REQUEST
from services.chassis.messaging.lane import MAX_ROWS, Lane, Pace, Sent
from services.chassis.running.database import UNAVAILABLE
from services.chassis.running.health import Health
from services.chassis.running.leadership import lead_for_ever
from services.chassis.running.settings import Settings

log = structlog.get_logger()

ROUND_BYTES = 8 * 1024 * 1024  # read at once: dead letters of 1 MiB must not fill the memory
ROUND_LANES = ROUND_BYTES // MAX_BATCH  # claimed at once; the next round begins behind the last of them
POLL_SECONDS = 0.2  # for messages that other instances stage, and lanes that have rested; our own commits wake us
MAX_NAMED = 3  # stuck lanes in the health report; when Kafka does not answer, all of them are stuck
_SETTINGS = """
SET jit = off;  -- compiling takes longer than this query
SET enable_seqscan = off;  -- a plan made while the outbox was empty is kept, and must not read a backlog whole
SET enable_bitmapscan = off  -- nor sort it
"""
_CLAIM = """
WITH RECURSIVE found AS (
    (SELECT topic, partition FROM outbox ORDER BY topic, partition LIMIT 1)
    UNION ALL
    SELECT later.topic, later.partition FROM found CROSS JOIN LATERAL (
        SELECT topic, partition FROM outbox
        WHERE (outbox.topic, outbox.partition) > (found.topic, found.partition) ORDER BY topic, partition LIMIT 1
    ) AS later
), lane AS (
    SELECT row_number() OVER (ORDER BY (topic, partition) <= ($3, $4), topic, partition) AS turn, topic, partition
    FROM found
    WHERE (topic, partition) NOT IN (SELECT * FROM unnest($1::text[], $2::integer[]))
    ORDER BY turn LIMIT $5
), batch AS (
    SELECT turn, position, size, sum(size) OVER (PARTITION BY turn ORDER BY position) AS size_in_lane
    FROM lane CROSS JOIN LATERAL (
        SELECT position, size FROM outbox
        WHERE outbox.topic = lane.topic AND outbox.partition = lane.partition ORDER BY position LIMIT $6
    ) AS pointer
), round AS (
    SELECT turn, position, size, sum(size) OVER (ORDER BY turn, position) AS size_in_round FROM batch
    WHERE size_in_lane <= $7 OR size_in_lane = size
)
SELECT topic, partition, position, size FROM round JOIN lane USING (turn)
WHERE size_in_round <= $8 OR size_in_round = size ORDER BY turn, position
"""
# By itself: twice as fast as a join, because the positions are looked up in their order.
_READ = "SELECT position, key, value, headers FROM journal WHERE position = ANY($1::bigint[])"

LaneKey = tuple[str, int]
"""Topic (its name in the contracts) and partition."""
AfterAck = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """Runs between Kafka's acknowledgement and the delete; a test kills the process there."""


@dataclass(slots=True)
class Relay:
    """Publishes one database's outbox."""

    settings: Settings
    health: Health
    after_ack: AfterAck = _nothing
    pace: Pace = field(default_factory=Pace)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something was staged, and when a lane has sent its batch."""
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)
    sending: dict[LaneKey, asyncio.Task[Sent]] = field(default_factory=dict)
    last_claimed: LaneKey = ("", 0)

    async def run(self) -> None:
        """Publish until cancelled; retries for ever while PostgreSQL or Kafka does not answer."""
        await lead_for_ever(
            self.settings.database_url,
            self._lead,
            health=self.health,
            part="relay",
            interrupted_by=(*UNAVAILABLE, asyncpg.PostgresError, KafkaError),
        )

    async def _lead(self, connection: asyncpg.Connection) -> None:
        await self.prepare(connection)
        try:
            while True:
                self.health.tick("relay", self._state())
                await self.publish_round(connection)
                await self._pause()
        finally:
            await self.close()

    def _state(self) -> str:
        stuck = [lane for lane in self.lanes.values() if lane.is_stuck()]
        if not stuck:
            return "publishing"
        named = [f"{each.topic}/{each.partition} for {each.waited():.0f} s ({each.trouble})" for each in stuck]
        more = f" and {len(stuck) - MAX_NAMED} more" if len(stuck) > MAX_NAMED else ""
        return f"publishing, but these cannot be written: {', '.join(named[:MAX_NAMED])}{more}"

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self.wake.wait()

    async def prepare(self, connection: asyncpg.Connection) -> None:
        await connection.execute(_SETTINGS)

    async def drain(self, connection: asyncpg.Connection) -> None:
        await self.prepare(connection)
        while await self.publish_round(connection):
            await self._pause()

    async def publish_round(self, connection: asyncpg.Connection) -> bool:
        """Delete the pointers of what was acknowledged, and send what waits in the lanes that are free.

        Returns whether anything is being sent or waits.
        """
        self.wake.clear()
        await self._forget(connection, self._finished())
        queues = await self.claim(connection)
        for key, rows in queues.items():
            task = asyncio.create_task(self.lanes[key].send(rows))
            task.add_done_callback(lambda _: self.wake.set())
            self.sending[key] = task
        return bool(self.sending or any(lane.failures for lane in self.lanes.values()))

    def _finished(self) -> list[Sent]:
        done = [key for key, task in self.sending.items() if task.done()]
        return [self.sending.pop(key).result() for key in done]

    async def _forget(self, connection: asyncpg.Connection, finished: Sequence[Sent]) -> None:
        acknowledged: list[int] = []
        if any(sent.is_back for sent in finished):
            self._rest_no_longer()
        for sent in finished:
            acknowledged += sent.acknowledged
            if sent.refused is not None:
                await _refuse(connection, sent.refused)
        if acknowledged:
            await self.after_ack()
            await connection.execute("DELETE FROM outbox WHERE position = ANY($1::bigint[])", acknowledged)

    def _rest_no_longer(self) -> None:
        """Where one lane goes on, what stopped it may have stopped the others too: each tries at once."""
        for lane in self.lanes.values():
            lane.rests_until = 0.0

    async def claim(self, connection: asyncpg.Connection) -> dict[LaneKey, list[asyncpg.Record]]:
        """The first rows of lanes that neither send nor rest: at most a batch each, and `ROUND_BYTES` in all (but one
        message always fits)."""
        now = time.monotonic()
        resting = [key for key, lane in self.lanes.items() if lane.rests_until > now]
        busy = [*self.sending, *resting]
        topics, partitions = [topic for topic, _ in busy], [partition for _, partition in busy]
        limits = ROUND_LANES, MAX_ROWS, MAX_BATCH, ROUND_BYTES
        queues: dict[LaneKey, list[asyncpg.Record]] = defaultdict(list)
        pointers = await connection.fetch(_CLAIM, topics, partitions, *self.last_claimed, *limits)
        positions = [pointer["position"] for pointer in pointers]
        rows = {row["position"]: row for row in (await connection.fetch(_READ, positions) if positions else ())}
        for pointer in pointers:
            queues[pointer["topic"], pointer["partition"]].append(rows[pointer["position"]])
        if len(queues) == ROUND_LANES or sum(each["size"] for each in pointers) > ROUND_BYTES - MAX_REQUEST:
            self.wake.set()  # the next lanes did not fit into this round
        for key in queues:
            self.last_claimed = key
            if key not in self.lanes:
                self.lanes[key] = Lane(self.settings, *key, self.pace)
        return queues

    async def close(self) -> None:
        """Stop sending; what is not acknowledged is sent by whoever leads next."""
        tasks, lanes = list(self.sending.values()), list(self.lanes.values())
        self.sending, self.lanes = {}, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(lane.close() for lane in lanes))


async def _refuse(connection: asyncpg.Connection, position: int) -> None:
    """Set a message aside that Kafka will never accept: it stays in the journal, and an operator must look at it."""
    async with connection.transaction():
        await connection.execute("DELETE FROM outbox WHERE position = $1", position)
        await connection.execute("INSERT INTO refused (position, reason) VALUES ($1, 'too large')", position)
    log.error("message_refused", position=position, reason="too large for its topic")
