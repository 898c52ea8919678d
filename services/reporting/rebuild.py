"""Rebuilding from the topics alone, and the proof: every figure as it was published, byte for byte.

The history topic is read first: it says what was published, at which cut, and which messages were skipped. Then
the inputs are read up to that cut, and every figure is computed anew and compared with what history says.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec
import structlog

from contracts.admission import admit
from contracts.envelope import Malformed
from contracts.metrics import HISTORY, CutTaken
from contracts.topics import PARTITIONS
from services.chassis.messaging.kafka import Record
from services.chassis.messaging.positions import Positions
from services.chassis.messaging.topic_reader import Batch, TopicReader
from services.chassis.running.settings import Settings
from services.reporting import publication, store
from services.reporting.cut import Figures
from services.reporting.facts.events import Fact, read
from services.reporting.publication import Published

log = structlog.get_logger()

MAX_DIFFERENCES = 20
ONLY_THE_NEWEST = (
    "This is about cut {cut_id}, of the present topics. What was published from topics that are no more is answered"
    " from history, and cannot be recomputed."
)


@dataclass(slots=True)
class History:
    """What the history topic says."""

    cuts: dict[int, CutTaken] = field(default_factory=dict)
    rows: dict[tuple[str, int], store.FigureRow] = field(default_factory=dict)
    """By key and cut; sent twice, a figure stands here once."""

    def newest_complete_cut(self) -> CutTaken | None:
        """The newest cut of which `CutTaken` and every figure are there, in whatever order they came: the last ones may
        have been interrupted."""
        counts: dict[int, int] = {}
        for _, cut_id in self.rows:
            counts[cut_id] = counts.get(cut_id, 0) + 1
        for cut_id in sorted(self.cuts, reverse=True):
            if counts.get(cut_id, 0) >= self.cuts[cut_id].figure_count:
                return self.cuts[cut_id]
        return None

    def published(self, up_to: int | None = None) -> dict[str, Published]:
        """The newest published state of every figure, at a cut."""
        newest: dict[str, store.FigureRow] = {}
        for (key, cut_id), row in self.rows.items():
            if (up_to is None or cut_id <= up_to) and (key not in newest or newest[key][1] < cut_id):
                newest[key] = row
        return {key: _published(row) for key, row in newest.items()}


def _published(row: store.FigureRow) -> Published:
    _, _, version, epoch, known_at, digest, data = row
    return Published(version, epoch, known_at, digest, store.fields_of(data))


async def read_history(settings: Settings) -> History:
    history = History()
    reader = await TopicReader.open(settings, {(HISTORY, partition): 0 for partition in range(PARTITIONS)})
    try:
        async for batch in reader.until(await reader.ends()):
            for records in batch.values():
                for record in records:
                    _remember(history, record)
    finally:
        await reader.close()
    return history


class _Told(msgspec.Struct, rename="camel"):
    """The fields of a published figure that are read here; the rest is kept as bytes."""

    key: str
    cut_id: int
    known_at: datetime
    digest: str


_told = msgspec.json.Decoder(_Told)


def _remember(history: History, record: Record) -> None:
    try:
        admitted = admit(record, HISTORY)
    except Malformed as error:  # another program wrote to this topic
        log.warning("foreign_message_on_history", partition=record.partition, offset=record.offset, detail=str(error))
        return
    if admitted.kind is CutTaken:
        taken = CutTaken.model_validate_json(admitted.data, extra="ignore")
        history.cuts.setdefault(taken.cut_id, taken)
        return
    told = _told.decode(admitted.data)
    order = admitted.version, admitted.epoch
    row = (told.key, told.cut_id, *order, told.known_at, told.digest, admitted.data.decode())
    history.rows.setdefault((told.key, told.cut_id), row)


def positions_of(cut: CutTaken) -> Positions:
    return {(each.topic, partition): offset for each in cut.vector for partition, offset in enumerate(each.offsets)}


def incarnations_of(cut: CutTaken) -> dict[str, int]:
    return {each.topic: each.incarnation or 1 for each in cut.vector}


def vector_of(cut: CutTaken) -> store.Vector:
    incarnations = incarnations_of(cut)
    return {place: (incarnations[place[0]], offset) for place, offset in positions_of(cut).items()}


async def facts_below(settings: Settings, cut: CutTaken) -> AsyncIterator[tuple[TopicReader, Batch, list[Fact]]]:
    """The facts below a cut, batch by batch, leaving out what the cut skipped."""
    skipped = {(each.topic, each.partition, each.offset) for each in cut.skipped}
    ends, incarnations = positions_of(cut), incarnations_of(cut)
    reader = await TopicReader.open(settings, dict.fromkeys(ends, 0), incarnations)
    try:
        async for batch in reader.until(ends):
            facts: list[Fact] = []
            for partition, records in batch.items():
                topic = partition.topic.removeprefix(settings.kafka_prefix)
                facts += [
                    fact
                    for record in records
                    if (topic, partition.partition, record.offset) not in skipped
                    and (fact := fact_of(record, topic, incarnations[topic])) is not None
                ]
            yield reader, batch, facts
    finally:
        await reader.close()


def fact_of(record: Record, topic: str, incarnation: int) -> Fact | None:
    """The fact; None, with an error in the log, if an earlier release understood the record and this one does not."""
    try:
        return read(record, topic, incarnation)
    except Malformed as error:
        log.error(
            "no_longer_understood", topic=topic, partition=record.partition, offset=record.offset, detail=error.detail
        )
        return None


@dataclass(slots=True)
class Outcome:
    """What a rebuild found."""

    cut_id: int
    events: int
    figures: int
    seconds: float
    differences: list[str]
    incarnations: Mapping[str, int] = field(default_factory=dict)
    """Of the topics from which it was computed."""

    def as_json(self) -> dict[str, Any]:
        made_again = {topic: number for topic, number in self.incarnations.items() if number > 1}
        only = {"incarnations": made_again, "note": ONLY_THE_NEWEST.format(cut_id=self.cut_id)} if made_again else {}
        return {
            "cutId": self.cut_id,
            "events": self.events,
            "figures": self.figures,
            "seconds": round(self.seconds, 3),
            "equal": not self.differences,
            "differences": self.differences,
            **only,
        }


def compare(computed: Figures, published: Mapping[str, Published]) -> tuple[int, list[str]]:
    """Byte by byte: (number of figures compared, sentences about those that differ)."""
    now = {
        key: fields
        for key, _, fields in publication.figures(computed.totals, computed.ledger, computed.totals.sums)
        if not publication.is_emptied(fields)
    }
    differences: list[str] = []
    for key in sorted(now.keys() | published.keys()):
        before = published.get(key)
        if before is None:
            differences.append(f"{key} was never published")
        elif key not in now:
            if not publication.is_emptied(before.fields):
                differences.append(f"{key} was published, and cannot be computed any more")
        elif publication.canonical(before.fields) != publication.canonical(now[key]) or (
            before.digest != publication.digest_of(now[key])
        ):
            differences.append(f"{key} was published as {json.dumps(before.fields)}, and is now {json.dumps(now[key])}")
    return len(now), differences[:MAX_DIFFERENCES]


def why_it_cannot_be_recomputed(newest: CutTaken | None, last_cut: int, present: Mapping[str, int]) -> str | None:
    """What an operator must do before the newest complete cut on the history topic proves anything."""
    if newest is None:
        return "the history topic has no complete cut: is `samenspel republish reporting` needed?" if last_cut else None
    gone = sorted(topic for topic, number in incarnations_of(newest).items() if present.get(topic, 1) != number)
    if not gone:
        return None
    return (
        f"cut {newest.cut_id}, the newest complete one on the history topic, is of topics that are no more"
        f" ({', '.join(gone)}): rebuild when they are republished and a new cut is taken"
    )


def continue_from(history: History, published: Mapping[str, Published]) -> tuple[int, datetime | None, date | None]:
    """The id, moment and day of the newest cut of which anything is there, `CutTaken` or a figure: the next one comes
    after it."""
    ids = history.cuts.keys() | {cut_id for _, cut_id in history.rows}
    moments = [each.known_at for each in published.values()]
    moments += [each.known_at for each in history.cuts.values()]
    days = [each.day for each in history.cuts.values()]
    return max(ids, default=0), max(moments, default=None), max(days, default=None)
