"""The raw messages on the topics, from their beginning to where they end now. It joins no consumer group."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from contracts.metrics import HISTORY
from contracts.topics import INPUTS
from demo.recount.messages import Record
from samenspel import topic_records


async def read_topics(bootstrap: str, prefix: str = "", topics: Sequence[str] = INPUTS) -> list[Record]:
    """Every message up to the end offsets of this moment; topics are named without the prefix."""
    found = await topic_records.read_topics(bootstrap, [prefix + topic for topic in topics])
    return [Record(each.topic[len(prefix) :], each.partition, each.offset, each.value or b"") for each in found]


def newest_figures(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """The figure that was published last under every key, from the messages of the history topic."""
    newest: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: record[:3]):
        if record.topic == HISTORY:
            envelope = json.loads(record.value)
            if envelope["type"] in {"nl.samenspel.MetricPublished.v1", "nl.samenspel.MetricRestated.v1"}:
                newest[envelope["data"]["key"]] = envelope["data"]
    return newest
