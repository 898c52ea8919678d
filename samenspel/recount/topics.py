"""The raw messages on the topics, from their beginning to where they end now. Reads; joins no group."""
# mypy: untyped-calls-exclude=aiokafka
# aiokafka is typed only in part.

import json
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.metrics import HISTORY
from contracts.topics import INPUTS, PARTITIONS
from samenspel.recount.messages import Record

PATIENCE_MS = 30_000  # as long as a session may last: after that the broker is gone, not slow


async def read_topics(bootstrap: str, prefix: str = "", topics: Sequence[str] = INPUTS) -> list[Record]:
    """Every message up to the end offsets of this moment; topics are named without the prefix."""
    wanted = [TopicPartition(prefix + topic, number) for topic in topics for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        if missing := {prefix + topic for topic in topics} - await consumer.topics():
            raise LookupError(f"{bootstrap} does not have the topics {', '.join(sorted(missing))}")
        consumer.assign(wanted)
        await consumer.seek_to_beginning(*wanted)
        ends = await consumer.end_offsets(wanted)
        return await _read_to(consumer, ends, len(prefix))
    finally:
        await consumer.stop()


async def _read_to(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], prefix: int) -> list[Record]:
    records: list[Record] = []
    unread = set(ends)
    while unread := {one for one in unread if await consumer.position(one) < ends[one]}:
        batches = await consumer.getmany(*unread, timeout_ms=PATIENCE_MS)
        if not batches:
            raise TimeoutError(f"Kafka gave no message for {PATIENCE_MS / 1000:.0f} s, {len(unread)} partitions to go")
        records += [
            Record(message.topic[prefix:], message.partition, message.offset, message.value or b"")
            for partition, batch in batches.items()
            for message in batch
            if message.offset < ends[partition]
        ]
    return records


def newest_figures(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """What was published last under every key, from the messages of the history topic."""
    newest: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: record[:3]):
        if record.topic == HISTORY:
            envelope = json.loads(record.value)
            if envelope["type"] in {"nl.samenspel.MetricPublished.v1", "nl.samenspel.MetricRestated.v1"}:
                newest[envelope["data"]["key"]] = envelope["data"]
    return newest
