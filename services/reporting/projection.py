"""The leader: reads every input, appends facts, takes cuts, rebuilds. One process per database leads.

Guarantee: a fact is appended once, in one transaction with the next offset of its partition; what cannot be
understood is dead-lettered in that same transaction. What this process holds in memory is what it read from the
tables when it began to lead, and what it appended since; whenever that is in doubt, it loads everything again.
"""

import asyncio
import time
from dataclasses import dataclass, field

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from contracts.envelope import Malformed
from contracts.metrics import CutTaken
from contracts.targets import TARGETS
from contracts.topics import INPUTS
from contracts.values import calendar_day
from services.chassis.messaging import dead_letters, outbox
from services.chassis.messaging.dead_letters import DeadLetter
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
from services.chassis.messaging.topic_reader import MAX_RECORDS, Batch, TopicReader
from services.chassis.now import now
from services.chassis.running import telemetry
from services.chassis.running.database import UNAVAILABLE, Database, EpochChanged, Transaction
from services.chassis.running.health import Health
from services.chassis.running.leadership import lead_for_ever
from services.chassis.running.settings import Settings
from services.reporting import cut, rebuild, store
from services.reporting.cut import Figures
from services.reporting.definitions import SHIPPED
from services.reporting.facts.events import Fact, read

log = structlog.get_logger()

POLL_MS = 100
CUT_SECONDS = 1.0  # at most one cut a second ...
CUT_SHARE = 2.0  # ... and fewer when cuts take long: at most half of the time is spent on them
BEHIND_SECONDS = 5.0  # while there is a backlog, figures are still published this often
LOOK_SECONDS = 1.0  # how often a requested rebuild, and an adopted topic, are looked for
LINKS = 32  # traces that a batch's span is linked with: the batch is found from at least one that was near in time


@dataclass(slots=True)
class Projection:
    """Leads one database's projection."""

    settings: Settings
    database: Database
    health: Health
    figures: Figures = field(default_factory=Figures)
    cut_seconds: float = 0.0
    cut_at: float = 0.0
    looked_at: float = 0.0
    checked_at: float = 0.0
    has_defined: bool = False

    async def run(self) -> None:
        """Lead whenever no other process does. Retries for ever while PostgreSQL or Kafka does not answer."""
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
        reader = await TopicReader.open(self.settings, *await self._load(db))
        try:
            beginning = await reader.ends()
            while True:
                batch = await reader.poll(POLL_MS)
                if reader.has_moved:
                    await self.append(db, reader, batch)
                await self._define_once(reader, beginning)
                await self._cut_when_due(db, reader, is_behind=sum(map(len, batch.values())) >= MAX_RECORDS)
                await self._check_now_and_then(db)
                if await self._look(db, reader):
                    return
                self.health.tick("projection", f"cut {self.figures.last_cut}")
        finally:
            await reader.close()

    async def _check_now_and_then(self, db: asyncpg.Connection) -> None:
        """Raise `AnotherTopic` where a topic was made again."""
        if time.monotonic() - self.checked_at < CHECK_SECONDS:
            return
        self.checked_at = time.monotonic()
        try:
            await check_topics(db, self.settings, INPUTS)
        except (KafkaError, TimeoutError) as error:  # the next look is early enough
            log.info("topics_not_checked", error=repr(error))

    async def _load(self, db: asyncpg.Connection) -> tuple[Positions, Incarnations]:
        """Load memory from the tables, in one snapshot; from the topics when only the tables are empty."""
        self.figures, self.has_defined = Figures(), False
        async with db.transaction(isolation="repeatable_read"):
            known = await load_positions(db, INPUTS), await load_incarnations(db, INPUTS)
            self.figures.last_cut, self.figures.last_known_at, self.figures.last_day = await store.last_cut(db)
            self.figures.published = await store.newest_figures(db)
            facts = await store.facts(db)
            cut_event = await store.newest_cut_event(db)
        if not facts:
            history = await rebuild.read_history(self.settings)
            if history.cuts:
                return await self._restore(db, history)
        await asyncio.to_thread(self._remember, facts, CutTaken.model_validate(cut_event) if cut_event else None)
        return known

    def _remember(self, facts: list[Fact], last: CutTaken | None) -> None:
        """Add what the last cut knew: its figures are published. Then the rest: the next cut announces it."""
        below = rebuild.vector_of(last) if last else {}
        later: list[Fact] = []
        for fact in facts:
            if (fact.incarnation, fact.offset) < below.get((fact.topic, fact.partition), (1, 0)):
                self.figures.ledger.add(fact)
            else:
                later.append(fact)
        self.figures.recompute()
        self.figures.unpublished = {}
        for fact in later:
            self.figures.ledger.add(fact)
        self.figures.recompute()

    async def _restore(self, db: asyncpg.Connection, history: rebuild.History) -> tuple[Positions, Incarnations]:
        """After a loss: make tables and memory from the topics, and compare with what was published."""
        self.health.trouble("projection", "rebuilding", blocks=True)
        began = time.monotonic()
        published = history.published()
        self.figures.last_cut, self.figures.last_known_at, self.figures.last_day = rebuild.continue_from(
            history, published
        )
        newest = history.newest_complete_cut()
        events = 0
        async with db.transaction():
            for taken in history.cuts.values():
                await store.save_cut(
                    db,
                    cut_id=taken.cut_id,
                    day=taken.day,
                    known_at=taken.known_at,
                    figure_count=taken.figure_count,
                    event=taken.model_dump_json(by_alias=True, exclude_none=True),
                )
            await store.save_figures(db, list(history.rows.values()))
            if newest is not None:
                await self._restore_skips(db, newest)
                events = await self._append_below(db, newest)
        await asyncio.to_thread(self.figures.recompute)
        cut_id = newest.cut_id if newest else 0
        count, differences = await asyncio.to_thread(rebuild.compare, self.figures, history.published(cut_id))
        self.figures.published, self.figures.unpublished = published, {}
        of = rebuild.incarnations_of(newest) if newest else {}
        await self._note(db, rebuild.Outcome(cut_id, events, count, time.monotonic() - began, differences, of))
        return await load_positions(db, INPUTS), await load_incarnations(db, INPUTS)

    async def _restore_skips(self, db: asyncpg.Connection, newest: CutTaken) -> None:
        incarnations = rebuild.incarnations_of(newest)
        for topic, incarnation in incarnations.items():
            if incarnation > 1:
                await begin_anew(db, topic, incarnation)
        places = [(each.topic, each.partition, each.offset, incarnations[each.topic]) for each in newest.skipped]
        await store.skip(db, places)

    async def _append_below(self, db: asyncpg.Connection, newest: CutTaken) -> int:
        """Append every fact below a cut; PostgreSQL stores one batch while the next is read and decoded."""
        events = 0
        storing: asyncio.Task[None] | None = None
        async for reader, batch, facts in rebuild.facts_below(self.settings, newest):
            self.health.trouble("projection", f"rebuilding: {events} events", blocks=True)  # figures are missing
            if storing is not None:
                await storing
            reader.advance(await reader.fence(db, batch))
            storing = asyncio.create_task(store.append(db, facts))
            for fact in facts:
                self.figures.ledger.add(fact)
            events += len(facts)
        if storing is not None:
            await storing
        return events

    async def _note(self, db: asyncpg.Connection, outcome: rebuild.Outcome) -> None:
        log.info("rebuilt", **outcome.as_json())
        rebuild_id = outbox.new_id()
        await store.request_rebuild(db, rebuild_id, "loss", now())
        await store.finish_rebuild(db, rebuild_id, outcome.as_json(), now())

    async def append(self, db: asyncpg.Connection, reader: TopicReader, batch: Batch) -> None:
        """Append a batch: facts, dead letters and positions in one transaction; then the facts to memory."""
        facts: list[Fact] = []
        letters: list[DeadLetter] = []
        for partition, records in batch.items():
            topic = partition.topic.removeprefix(self.settings.kafka_prefix)
            incarnation = reader.incarnations.get(topic, 1)
            for record in records:
                try:
                    facts.append(read(record, topic, incarnation))
                except Malformed as error:
                    letters.append(DeadLetter(record, topic, error.reason, error.detail, incarnation=incarnation))
        links = telemetry.link([fact.traceparent for fact in facts[:LINKS] if fact.traceparent])
        with telemetry.span("append facts", links=links):
            async with db.transaction():
                moved = await reader.fence(db, batch)
                await store.append(db, facts)
                await self._dead_letter(db, letters)
        reader.advance(moved)
        for fact in facts:
            self.figures.ledger.add(fact)

    async def _dead_letter(self, db: asyncpg.Connection, letters: list[DeadLetter]) -> None:
        if not letters:
            return
        epoch = await db.fetchval("SELECT epoch FROM stream")
        tx = Transaction(db, now(), self.settings.source, epoch)
        for letter in letters:
            log.warning("malformed_message", reason=letter.reason, detail=letter.detail, record=letter.record_id)
            await dead_letters.add(tx, self.settings.service, letter)
        places = [(each.topic, each.record.partition, each.record.offset, each.incarnation) for each in letters]
        await store.skip(db, places)
        self.database.on_staged()

    async def _define_once(self, reader: TopicReader, beginning: Positions) -> None:
        """Announce the shipped definitions that are not on the targets topic, when all of that topic was read."""
        if self.has_defined or any(
            reader.positions[place] < end for place, end in beginning.items() if place[0] == TARGETS
        ):
            return
        self.figures.ledger.settle_definitions()
        for definition in SHIPPED:
            if (definition.indicator, definition.definition_version) not in self.figures.ledger.definitions:
                async with self.database.transaction(at=definition.defined_at) as tx:
                    await outbox.add_once(tx, definition, version=definition.definition_version, topic=TARGETS)
        self.has_defined = True

    async def _cut_when_due(self, db: asyncpg.Connection, reader: TopicReader, *, is_behind: bool) -> None:
        wait = max(CUT_SECONDS, CUT_SHARE * self.cut_seconds, BEHIND_SECONDS if is_behind else 0.0)
        if time.monotonic() - self.cut_at < wait or not self.figures.is_due(calendar_day(now())):
            return
        self.cut_at = time.monotonic()
        with telemetry.span("cut"):
            await asyncio.to_thread(self.figures.recompute)
            changed = len(self.figures.unpublished)
            cut_id = await cut.take(db, self.settings.source, self.figures, reader.positions, reader.incarnations)
        self.database.on_staged()
        self.cut_seconds = time.monotonic() - self.cut_at
        log.debug("cut_taken", cut=cut_id, figures=changed, seconds=round(self.cut_seconds, 3))

    async def _look(self, db: asyncpg.Connection, reader: TopicReader) -> bool:
        """Do what an operator asked for; True when memory must be loaded again. Raises `Skipped` where a topic was
        adopted."""
        if time.monotonic() - self.looked_at < LOOK_SECONDS:
            return False
        self.looked_at = time.monotonic()
        await cut.check_positions(db, reader.positions, reader.incarnations)
        return await self._rebuild_when_asked(db)

    async def _rebuild_when_asked(self, db: asyncpg.Connection) -> bool:
        """Rebuild beside the live tables if an operator asked for it, and swap if all figures are equal."""
        rebuild_id = await store.requested_rebuild(db)
        if rebuild_id is None:
            return False
        outcome = await self._rebuild_beside(db)
        log.info("rebuilt", **outcome.as_json())
        await store.finish_rebuild(db, rebuild_id, outcome.as_json(), now())
        return not outcome.differences

    async def _rebuild_beside(self, db: asyncpg.Connection) -> rebuild.Outcome:
        """Read the facts below the newest complete cut into a table beside the live one; compute figures from them."""
        began = time.monotonic()
        history = await rebuild.read_history(self.settings)
        newest = history.newest_complete_cut()
        cut_id = newest.cut_id if newest else 0
        present = await load_incarnations(db, INPUTS)
        why_not = rebuild.why_it_cannot_be_recomputed(newest, self.figures.last_cut, present)
        if why_not is not None:
            return rebuild.Outcome(cut_id, 0, 0, time.monotonic() - began, [why_not], present)
        beside = Figures()
        events = 0
        await store.make_beside(db)
        if newest is not None:
            async for _, _, facts in rebuild.facts_below(self.settings, newest):
                self.health.tick("projection", f"rebuilding beside: {events} events")
                await store.append(db, facts, table=store.BESIDE)
                events += len(facts)
                for fact in facts:
                    beside.ledger.add(fact)
        await asyncio.to_thread(beside.recompute)
        count, differences = await asyncio.to_thread(rebuild.compare, beside, history.published(cut_id))
        if not differences and newest is not None:
            async with db.transaction():
                await store.swap(db, rebuild.vector_of(newest))
        return rebuild.Outcome(cut_id, events, count, time.monotonic() - began, differences, present)
