"""The topic manifest, made from the topics and the catalogue of events. Pure."""

from typing import Any

from contracts.documents.schemas import schema_file
from contracts.envelope import CONTENT_TYPE
from contracts.events import MAX_EVENT_BYTES, Event, catalogue
from contracts.topics import CLIENT_TOPICS, PARTITIONER, PARTITIONS, TOPICS, Topic, dead_letter_topic

MANIFEST = "topics.json"


def _event_entry(event: type[Event]) -> dict[str, str]:
    return {
        "type": event.type,
        "title": event.dutch,
        "aggregate": event.aggregate,
        "subject": event.model_fields[event.identified_by].alias or event.identified_by,
        "schema": f"schemas/{schema_file(event)}",
    }


def _topic_entry(topic: Topic) -> dict[str, Any]:
    carried = [event for event in catalogue.values() if topic.name in event.topics]
    return {
        "name": topic.name,
        "producer": topic.producer,
        "consumers": list(topic.consumers),
        "key": topic.key,
        "carries": topic.carries,
        "settings": topic.settings,
        "deadLetters": {reader: dead_letter_topic(reader) for reader in topic.consumers},
        "events": [_event_entry(event) for event in sorted(carried, key=lambda event: event.type)],
    }


def manifest() -> dict[str, Any]:
    return {
        "description": (
            "Who writes and reads which topic. A value on a topic that carries events is one CloudEvent in"
            " structured mode (schemas/Envelope.v1.json); its key is its partitionkey, its partition is"
            " partitioner(key) modulo partitions, its subject is the named field of its data. An aggregate's"
            " versions are 1, 2, 3 …; a higher streamepoch takes over from one of them. A compacted topic keeps"
            " the newest message of each key and forgets the others. Each external system that an operator registered"
            " has the clientTopics, with its name in place of {client}; on its outcomes topic there are also events of"
            " the other topics, with the same bytes."
        ),
        "partitions": PARTITIONS,
        "partitioner": PARTITIONER,
        "contentType": CONTENT_TYPE.decode(),
        "maxEventBytes": MAX_EVENT_BYTES,
        "envelope": "schemas/Envelope.v1.json",
        "topics": [_topic_entry(topic) for topic in TOPICS],
        "clientTopics": [_topic_entry(topic) for topic in CLIENT_TOPICS],
    }
