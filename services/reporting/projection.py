"""The leader: reads every input, appends facts, takes cuts, rebuilds. One process per database leads.

Guarantee: a fact is appended once, in one transaction with the next offset of its partition; what cannot be
understood or stored is dead-lettered in that same transaction, alone. This process holds one batch and how far it has
read: whoever leads next goes on from the tables at once.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from uuid import UUID

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from opentelemetry import metrics

from contracts.metrics import CutTaken
from contracts.targets import TARGETS
from contracts.topics import INPUTS
from contracts.values import calendar_day
from services.chassis.messaging import outbox
from services.chassis.messaging.positions import (
    ANOTHER_TOPIC_SECONDS,
    CHECK_SECONDS,
    AnotherTopic,
    Incarnations,
    Positions,
    Skipped,
    begin_anew,
    check_topics,
    load_incarnations,
    load_positions,
)
from services.chassis.messaging.topic_reader import MAX_RECORDS, Polled, TopicReader
from services.chassis.now import now
from services.chassis.running import telemetry
from services.chassis.running.database import UNAVAILABLE, Database, EpochChanged, connected
from services.chassis.running.health import Health
from services.chassis.running.leadership import lead_for_ever
from services.chassis.running.settings import Settings
from services.reporting import counts, cut, fact_store, figure_store, making, rebuild, rebuild_store
from services.reporting.ahead import ahead, together
from services.reporting.appending import append, append_all
from services.reporting.definitions import shipped
from services.reporting.helper import HelperEnded, helped
from services.reporting.reading import Told, read_polled

log = structlog.get_logger()
METER = metrics.get_meter("samenspel.reporting")
STUCK_FIGURES = METER.create_gauge("samenspel.figures.stuck", "{cell}", "Cells with a figure that cannot be announced")
STUCK_THINGS = METER.create_gauge("samenspel.things.stuck", "{thing}", "Things that cannot be made of their facts")

POLL_MS = 100
CUT_SECONDS = 1.0  # at most one cut a second ...
CUT_SHARE = 2.0  # ... and fewer when cuts take long: at most half of the time is spent on them
STALE_SECONDS = 3.0  # ... but without a backlog the next one begins so soon: figures shall be 5 s old at most
BEHIND_SECONDS = 2.0  # while there is a backlog, figures are still published this often: T19 allows 5 s in all
LOOK_SECONDS = 1.0  # how often a requested rebuild, and an adopted topic, are looked for
MANY = 1_000  # events that wait; fewer are counted with the next cut
FAR_BEHIND = 20_000  # events: very many cost half when things are made of all facts at once
WORTH_HELP = 150_000  # events: a second process takes a second to start, and 100 MB


@dataclass(slots=True)
class Projection:
    """Leads one database's projection."""

    settings: Settings
    database: Database
    health: Health
    last_cut: int = 0
    last_day: date | None = None
    has_news: bool = False
    """Whether something was appended since the last cut."""
    beginning: Positions = field(default_factory=dict)
    """Where the topics ended when this process began to lead."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the tables change: they are swapped for those of a rebuild in between."""
    rebuilding: asyncio.Task[None] | None = None
    stuck: int = 0
    stuck_things: int = 0
    behind: int = 0
    cut_seconds: float = 0.0
    cut_at: float = 0.0
    looked_at: float = 0.0
    checked_at: float = 0.0
    has_defined: bool = False
    has_lost_help: bool = False
    """Whether a second process ended too early: this one goes on alone."""

    @property
    def _another(self) -> making.Another:
        return partial(connected, self.settings.database_url)

    async def run(self) -> None:
        while True:
            try:
                await lead_for_ever(
                    self.settings.database_url,
                    self._lead,
                    health=self.health,
                    part="projection",
                    interrupted_by=(*UNAVAILABLE, asyncpg.PostgresError, KafkaError, Skipped, EpochChanged),
                )
            except AnotherTopic as error:
                if self.health.report().get("projection") != str(error):
                    log.error("another_topic", detail=str(error))
                self.health.trouble("projection", str(error))
                await asyncio.sleep(ANOTHER_TOPIC_SECONDS)

    async def _lead(self, db: asyncpg.Connection) -> None:
        await check_topics(db, self.settings, INPUTS)
        self.checked_at = time.monotonic()
        reader = await TopicReader.open(self.settings, *await self.begin(db))
        try:
            self.beginning = await reader.ends()
            if await self._is_first_history(db, reader):
                await reader.close()
                await self._append_first_history(db, reader)
                return  # and lead anew, from what is stored
            while True:
                await self._catch_up(db, reader)
                polled = await reader.poll(POLL_MS)
                await self._go_on(db, reader, polled, await read_polled(reader, polled))
        finally:
            if self.rebuilding is not None:
                self.rebuilding.cancel()
            await reader.close()

    async def _is_first_history(self, db: asyncpg.Connection, reader: TopicReader) -> bool:
        """Whether nothing is published and very much waits."""
        return self._left(reader) >= WORTH_HELP and not self.has_lost_help and not await figure_store.has_figures(db)

    def _left(self, reader: TopicReader) -> int:
        return sum(end - reader.positions[partition] for partition, end in self.beginning.items())

    async def _append_first_history(self, db: asyncpg.Connection, reader: TopicReader) -> None:
        """Append what waits: half of the partitions here, the others in a second process."""
        left = self._left(reader)

        async def note(half: AsyncGenerator[int]) -> None:
            nonlocal left
            async with aclosing(half) as batches:
                async for records in batches:
                    left -= records
                    self.behind = _behind(left)
                    self._tell(self._state())
                    async with self.turn:
                        await fact_store.note_backlog(db, self.behind)

        await making.begin_anew(db)
        mine, others = (
            (self.settings, _half(reader.positions, number), reader.incarnations, _half(self.beginning, number))
            for number in range(2)
        )
        try:
            await together(note(append_all(*mine)), note(helped(self.settings, append_all, *others)))
        except HelperEnded as error:
            log.warning("appended_without_help", **telemetry.origin(error))
            self.has_lost_help = True

    async def _catch_up(self, db: asyncpg.Connection, reader: TopicReader) -> None:
        """Read ahead of what is stored. (When it has caught up: what comes is stored at once.)"""
        async for polled, told in ahead(partial(read_polled, reader), self._polls(reader)):
            await self._go_on(db, reader, polled, told)

    async def _polls(self, reader: TopicReader) -> AsyncIterator[Polled]:
        while not self._has_caught_up(reader.reached):
            yield await reader.poll(POLL_MS)

    async def _go_on(self, db: asyncpg.Connection, reader: TopicReader, polled: Polled, told: Told) -> None:
        async with self.turn:
            await self._begin_anew_where_nothing_stands(db, reader)
            if reader.moves(polled):
                await self.append(db, reader, polled, told)
            await self._define_once(db, reader)
            await self._cut_when_due(db, reader, is_behind=sum(map(len, polled.records.values())) >= MAX_RECORDS)
        await self._check_now_and_then(db)
        await self._look(db, reader)
        self.health.tick("projection", self._state())

    def _state(self) -> str:
        found = [f"cut {self.last_cut}"]
        if self.behind:
            found.append(f"about {self.behind} events behind")
        if self.rebuilding is not None and not self.rebuilding.done():
            found.append("rebuilding beside")
        if self.stuck:
            found.append(f"{self.stuck} figures could not be announced: samenspel figures stuck")
        if self.stuck_things:
            found.append(f"{self.stuck_things} things could not be made of their facts: samenspel figures stuck")
        return "; ".join(found)

    def _tell(self, what: str) -> None:
        self.health.tick("projection", what)

    def _tell_of_rebuild(self, what: str) -> None:
        self.health.trouble("projection", f"rebuilding: {what}", blocks=True)  # figures are missing

    async def _check_now_and_then(self, db: asyncpg.Connection) -> None:
        if time.monotonic() - self.checked_at < CHECK_SECONDS:
            return
        self.checked_at = time.monotonic()
        try:
            await check_topics(db, self.settings, INPUTS)
        except (KafkaError, TimeoutError) as error:  # the next look is early enough
            log.info("topics_not_checked", error=repr(error))

    async def begin(self, db: asyncpg.Connection) -> tuple[Positions, Incarnations]:
        """Find out from the tables where to go on, after what was lost has come back from the topics."""
        await counts.prepare(db)
        await counts.try_things_again(db)
        if not await fact_store.has_facts(db):
            await self._keep_history(db)
        lost = await rebuild_store.unfinished_rebuild(db, "loss")
        if lost is not None:
            await self._restore(db, lost)
        positions, incarnations = await load_positions(db, INPUTS), await load_incarnations(db, INPUTS)
        newest = await figure_store.newest_cut_event(db)
        self.has_defined = False
        self.last_cut, _, self.last_day = await figure_store.last_cut(db)
        knew = rebuild.vector_of(CutTaken.model_validate(newest)) if newest else {}
        self.has_news = any(
            knew.get((topic, partition), (1, 0)) != (incarnations[topic], offset)
            for (topic, partition), offset in positions.items()
        )
        return positions, incarnations

    async def _keep_history(self, db: asyncpg.Connection) -> None:
        """After a loss: what was published comes back first; that the figures must be made again is kept with it."""
        async with db.transaction():
            # Without facts nothing is left of what was made of them.
            await db.execute(f"TRUNCATE {', '.join(rebuild.made_tables())}")
            await rebuild.read_history(db, self.settings)
            newest = await rebuild.newest_complete_cut(db)
            if (
                await figure_store.newest_cut_event(db) is None
                or await rebuild_store.unfinished_rebuild(db, "loss") is not None
            ):
                return
            await figure_store.make_newest(db)
            if newest is not None:
                await self._restore_skips(db, newest)
            rebuild_id = outbox.new_id()
            await rebuild_store.request_rebuild(db, rebuild_id, "loss", now())
            await rebuild_store.begin_rebuild(db, rebuild_id, now(), newest.cut_id if newest else 0)

    async def _restore_skips(self, db: asyncpg.Connection, newest: CutTaken) -> None:
        for topic, incarnation in rebuild.incarnations_of(newest).items():
            if incarnation > 1:
                await begin_anew(db, topic, incarnation)
        await fact_store.skip(db, await rebuild.named_skips(db), named_by=newest.cut_id)

    async def _restore(self, db: asyncpg.Connection, lost: rebuild_store.UnfinishedRebuild) -> None:
        """Append what the newest cut knew, from where another process ended, and prove that its figures come back."""
        self._tell_of_rebuild("0 events")
        began, cut_id, events = time.monotonic(), lost.cut_id or 0, 0
        event = await figure_store.cut_event(db, cut_id)
        newest = CutTaken.model_validate(event) if event else None
        if newest is not None:
            positions = await load_positions(db, INPUTS)
            async for reader, polled, facts in rebuild.facts_below(db, self.settings, newest, positions):
                async with db.transaction():
                    moved = await reader.fence(db, polled)
                    await counts.append(db, facts)
                reader.advance(moved)
                events += len(facts)
                self._tell_of_rebuild(f"{events} events")
        count, differences = await rebuild.compare(db, self._another, cut_id, self._tell_of_rebuild, self._help(events))
        async with db.transaction():
            if differences:  # the next cut announces them
                await counts.count_everything_anew(db)
            of = rebuild.incarnations_of(newest) if newest else {}
            outcome = rebuild.RebuildOutcome(cut_id, events, count, time.monotonic() - began, differences, of)
            await rebuild_store.finish_rebuild(db, lost.rebuild_id, outcome.as_json(), now())
        log.info("rebuilt", **outcome.as_json())

    async def _begin_anew_where_nothing_stands(self, db: asyncpg.Connection, reader: TopicReader) -> None:
        """A first history is appended before anything is made of it: until then no figure is published."""
        is_far_behind = reader.waiting() >= FAR_BEHIND
        if is_far_behind and await counts.has_things(db) and not await figure_store.has_figures(db):
            await making.begin_anew(db)
            self.beginning, self.has_defined = await reader.ends(), False

    async def append(self, db: asyncpg.Connection, reader: TopicReader, polled: Polled, told: Told) -> None:
        if await append(db, self.settings, reader, polled, told):
            self.database.on_staged()
        self.has_news |= bool(told.facts)

    async def _make_missing(self, db: asyncpg.Connection, reader: TopicReader) -> None:
        await making.make_missing(db, self._another, self._tell, self._help(sum(reader.positions.values())))

    def _help(self, events: int) -> making.Helped | None:
        is_worth_it = events >= WORTH_HELP and not self.has_lost_help
        return partial(helped, self.settings) if is_worth_it else None

    def _has_caught_up(self, positions: Positions) -> bool:
        return all(positions[partition] >= end for partition, end in self.beginning.items())

    async def _define_once(self, db: asyncpg.Connection, reader: TopicReader) -> None:
        if self.has_defined or not self._has_caught_up(reader.positions):
            return
        await self._make_missing(db, reader)
        known = {(each.indicator, each.definition_version) for each in await fact_store.definitions(db)}
        for definition in shipped():
            if (definition.indicator, definition.definition_version) not in known:
                async with self.database.transaction(at=definition.defined_at) as tx:
                    await outbox.add_once(tx, definition, version=definition.definition_version, topic=TARGETS)
        self.has_defined = True

    def _is_due(self) -> bool:
        return self.has_news or cut.is_new_day(self.last_day, calendar_day(now()))

    async def _cut_when_due(self, db: asyncpg.Connection, reader: TopicReader, *, is_behind: bool) -> None:
        """At first, append what waits: figures of a part of it would be made again and again."""
        share = CUT_SHARE * self.cut_seconds
        wait = max(CUT_SECONDS, share, BEHIND_SECONDS) if is_behind else max(CUT_SECONDS, min(share, STALE_SECONDS))
        if time.monotonic() - self.cut_at < wait or not self.has_defined or not self._is_due():
            return
        self.cut_at = time.monotonic()
        with telemetry.span("cut"):
            await self.cut(db, reader)
        self.database.on_staged()
        self.cut_seconds = time.monotonic() - self.cut_at

    async def cut(self, db: asyncpg.Connection, reader: TopicReader) -> CutTaken:
        await self._make_missing(db, reader)
        taken = await cut.take(db, self.settings.source, reader.positions, reader.incarnations)
        self.last_cut, self.last_day, self.has_news = taken.cut_id, taken.day, not cut.has_named_all(taken)
        return taken

    async def _look(self, db: asyncpg.Connection, reader: TopicReader) -> None:
        """Do what an operator asked for. Raises `Skipped` where a topic was adopted."""
        if time.monotonic() - self.looked_at < LOOK_SECONDS:
            return
        self.looked_at = time.monotonic()
        await cut.check_positions(db, reader.positions, reader.incarnations)
        self.stuck, self.stuck_things = await fact_store.count_stuck(db), await fact_store.count_stuck_things(db)
        self.behind = _behind(reader.waiting())
        await fact_store.note_backlog(db, self.behind)
        STUCK_FIGURES.set(self.stuck)
        STUCK_THINGS.set(self.stuck_things)
        asked = await rebuild_store.unfinished_rebuild(db, "asked")
        if asked is None or (self.rebuilding is not None and not self.rebuilding.done()):
            return
        if asked.began_at is not None:  # it is not tried for ever
            why = "the process that rebuilt ended in the middle of it: ask again"
            failed = rebuild.RebuildOutcome(0, 0, 0, 0.0, [why])
            await rebuild_store.finish_rebuild(db, asked.rebuild_id, failed.as_json(), now())
            return
        await rebuild_store.begin_rebuild(db, asked.rebuild_id, now())
        self.rebuilding = asyncio.create_task(self._rebuild(asked.rebuild_id, reader))

    async def _rebuild(self, rebuild_id: UUID, reader: TopicReader) -> None:
        another = partial(connected, self.settings.database_url, **rebuild.BESIDE)
        try:
            async with another() as db:
                outcome, known = await rebuild.beside(
                    db, another, self.settings, self._help(sum(reader.positions.values()))
                )
                if known and not outcome.differences:
                    await self._swap(db, known, reader)
        except Exception as error:
            log.exception("rebuild_failed", **telemetry.origin(error))
            outcome = rebuild.RebuildOutcome(0, 0, 0, 0.0, [f"the rebuild failed: {telemetry.origin_in_words(error)}"])
        log.info("rebuilt", **outcome.as_json())
        async with self.database.transaction() as tx:
            await rebuild_store.finish_rebuild(tx.db, rebuild_id, outcome.as_json(), now())

    async def _swap(self, db: asyncpg.Connection, known: fact_store.Vector, reader: TopicReader) -> None:
        while True:
            try:
                async with self.turn:
                    await rebuild.swap(db, known, reader.positions, reader.incarnations)
            except asyncpg.LockNotAvailableError:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return


def _half(positions: Positions, number: int) -> Positions:
    return {key: offset for key, offset in positions.items() if key[1] % 2 == number}


def _behind(waiting: int) -> int:
    """Rounded to two digits, so that a page is not rendered anew for each message."""
    return 0 if waiting < MANY else round(waiting, 2 - len(str(waiting)))
