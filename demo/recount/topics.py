"""The raw messages on the topics, from their beginning to where they end now. It joins no consumer group.

Which of them are events is said by the contracts, as for every reader; what they mean is counted here independently.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from contracts.admission import admit
from contracts.envelope import CONTENT_TYPE, InvalidMessage, decode, encode
from contracts.metrics import HISTORY
from contracts.topics import INPUTS
from demo.recount.messages import Record
from samenspel import topic_records
from samenspel.topic_records import TopicRecord


async def read_topics(bootstrap: str, prefix: str = "", topics: Sequence[str] = INPUTS) -> list[Record]:
    """Every message up to the end offsets of this moment; topics are named without the prefix."""
    found = await topic_records.read_topics(bootstrap, [prefix + topic for topic in topics])
    return [as_record(each, each.topic[len(prefix) :]) for each in found]


def as_record(found: TopicRecord, topic: str) -> Record:
    value, at = found.value or b"", (topic, found.partition, found.offset)
    try:
        admit(found, topic)
    except InvalidMessage:
        return Record(*at, value, is_admitted=False)
    if tuple(found.headers) != (("content-type", CONTENT_TYPE),) or b'"data_base64"' in value:
        message = decode(value, dict(found.headers))
        value = encode(message.envelope, message.event)
    return Record(*at, value)


def newest_figures(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    newest: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: record[:3]):
        if record.topic == HISTORY and record.is_admitted:
            envelope = json.loads(record.value)
            if envelope["type"] in {"nl.samenspel.MetricPublished.v1", "nl.samenspel.MetricRestated.v1"}:
                newest[envelope["data"]["key"]] = envelope["data"]
    return newest
