"""Reading whole topics, from their beginning to where they end now. Joins no consumer group."""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from contracts.topics import PARTITIONS

PATIENCE_MS = 30_000  # as long as a session may last: after that the broker is gone, not slow

TopicRecord = ConsumerRecord[bytes | None, bytes | None]


async def read_topics(bootstrap: str, topics: Sequence[str]) -> list[TopicRecord]:
    """Every record up to the end offsets of this moment; topics are named as the cluster has them.

    Raises `LookupError` when one is not there and `TimeoutError` when Kafka gives nothing more.
    """
    wanted = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        if missing := set(topics) - await consumer.topics():
            raise LookupError(f"{bootstrap} does not have the topics {', '.join(sorted(missing))}")
        consumer.assign(wanted)
        await consumer.seek_to_beginning(*wanted)
        return await _read_to(consumer, await consumer.end_offsets(wanted))
    finally:
        await consumer.stop()


async def _read_to(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[TopicRecord]:
    records: list[TopicRecord] = []
    unread = set(ends)
    while unread := {each for each in unread if await consumer.position(each) < ends[each]}:
        batches = await consumer.getmany(*unread, timeout_ms=PATIENCE_MS)
        if not batches:
            raise TimeoutError(f"Kafka gave no message for {PATIENCE_MS / 1000:.0f} s, {len(unread)} partitions to go")
        records += [
            record for partition, batch in batches.items() for record in batch if record.offset < ends[partition]
        ]
    return records
