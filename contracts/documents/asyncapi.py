"""The description of all topics in AsyncAPI 3, made from the topics, the catalogue of events and the examples.

It says nothing that the manifest and the schemas do not say; it says it in the form that generators and portals read.
"""

import json
from importlib.resources import files
from typing import Any

from contracts.commands import CommandEnvelope
from contracts.documents.schemas import DIALECT, schema_file, schema_of
from contracts.envelope import CONTENT_TYPE
from contracts.events import Event, catalogue
from contracts.outcomes import CLIENT, OUTCOMES
from contracts.topics import CLIENT_TOPICS, LETTER_MARKER, PARTITIONER, PARTITIONS, TOPICS, Topic

Json = dict[str, Any]

ASYNCAPI = "asyncapi.json"
_KAFKA = "0.5.0"  # of the Kafka bindings
_SCHEMA_FORMAT = "application/schema+json;version=2020-12"
_LETTER = "DeadLetter"
_COMMAND = "Command"
_DESCRIPTION = f"""
The events of Samenspel, each a CloudEvent 1.0 in JSON on a topic of Kafka. Operations are those of our services;
another system receives what it is allowed to read. Every topic has {PARTITIONS} partitions; a message is on partition
{PARTITIONER}(key) modulo {PARTITIONS}, as Kafka's own clients compute it. Schemas are JSON Schema 2020-12 and open:
ignore fields that you do not know. How to tell a repetition, and what a higher `streamepoch` asks of a consumer, is in
README.md beside this file.
"""
_FORGETS = " Compacted: it keeps the newest message of each key and may hold tombstones (a key without a value)."
_DAY_MS = 24 * 60 * 60 * 1000
_MORE = {OUTCOMES: " Also carries the events about objects to which the client is a party, with the same bytes."}
_COMMAND_DESCRIPTION = (
    "What an external system asks a service to do. `type` is `nl.samenspel.<service>.<OperationId>.v1`, of an operation"
    " in the service's OpenAPI (docs/openapi): `data` is its body, `subject` the id in its path, `expectedversion` the"
    " version that If-Match would name. Each command has one outcome. A command that names what a service has not heard"
    " of yet waits for it, 30 seconds at most."
)
_LETTER_DESCRIPTION = (
    "A record that the service could not understand, with its key, value and headers as they were; of one with personal"
    " data only its place and a digest. A marker behind it says that it was redriven."
)


def asyncapi() -> Json:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Samenspel events",
            "version": "1.0.0",
            "description": " ".join(_DESCRIPTION.split()),
            "license": {"name": "EUPL-1.2", "url": "https://eupl.eu/1.2/en/"},
        },
        "defaultContentType": CONTENT_TYPE.decode(),
        "servers": {
            "development": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "The stack of a developer; `samenspel status` tells its port.",
            }
        },
        "channels": {_channel_name(topic): _channel(topic) for topic in (*TOPICS, *CLIENT_TOPICS)},
        "operations": dict(
            _operation(topic, service) for topic in (*TOPICS, *CLIENT_TOPICS) for service in _services(topic)
        ),
        "components": {
            "messages": {
                **{_message_name(event): _message(event) for event in sorted(catalogue.values(), key=_message_name)},
                _LETTER: _letter(),
                _COMMAND: _command(),
            },
        },
    }


def _channel_name(topic: Topic) -> str:
    return topic.name.removeprefix("partnership.").removesuffix(".v1").removesuffix(".{client}")


def _message_name(event: type[Event]) -> str:
    return schema_file(event).removesuffix(".json")


def _messages_on(topic: Topic) -> list[str]:
    if topic.carries != "events":
        return [_COMMAND if topic.carries == "commands" else _LETTER]
    return sorted(_message_name(event) for event in catalogue.values() if topic.name in event.topics)


def _channel(topic: Topic) -> Json:
    forgets = _FORGETS if topic.cleanup == "compact" else _kept(topic)
    settings = topic.settings
    numbers = {name: int(settings[name]) for name in ("retention.ms", "retention.bytes", "max.message.bytes")}
    return {
        "address": topic.name,
        **_parameters(topic),
        "description": f"Written by {topic.producer}. The key is {topic.key}.{forgets}{_MORE.get(topic.name, '')}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _messages_on(topic)},
        "bindings": {
            "kafka": {
                "partitions": PARTITIONS,
                "topicConfiguration": {**settings, **numbers, "cleanup.policy": [topic.cleanup]},
                "bindingVersion": _KAFKA,
            }
        },
    }


def _kept(topic: Topic) -> str:
    return " Kept for ever." if topic.retention_ms < 0 else f" Kept for {topic.retention_ms // _DAY_MS} days."


def _parameters(topic: Topic) -> Json:
    if topic not in CLIENT_TOPICS:
        return {}
    description = f"The name of an external system, as an operator registered it: {CLIENT}"
    return {"parameters": {"client": {"description": description, "examples": ["atelier-planning"]}}}


def _services(topic: Topic) -> list[tuple[str, str]]:
    """Our services only: a client sends its commands itself."""
    senders = [] if topic.carries == "commands" else topic.producer.split(" and ")
    return [*((sender, "send") for sender in senders), *((consumer, "receive") for consumer in topic.consumers)]


def _operation(topic: Topic, service: tuple[str, str]) -> tuple[str, Json]:
    name, action = service
    channel = f"#/channels/{_channel_name(topic)}"
    operation = {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{name} {'writes' if action == 'send' else 'reads'} {topic.name}.",
        "messages": [{"$ref": f"{channel}/messages/{each}"} for each in _messages_on(topic)],
    }
    return f"{name}.{action}.{_channel_name(topic)}", operation


def _message(event: type[Event]) -> Json:
    file = schema_file(event)
    content_type = CONTENT_TYPE.decode()
    said = {
        "properties": {
            "type": {"const": event.type},
            "dataschema": {"const": event.dataschema},
            "data": {"$ref": f"schemas/{file}"},
        }
    }
    return {
        "name": event.type,
        "title": event.dutch,
        "summary": " ".join((event.__doc__ or "").split()),
        "contentType": content_type,
        "headers": {
            "type": "object",
            "required": ["content-type"],
            "properties": {"content-type": {"type": "string", "const": content_type}},
        },
        "payload": {
            "schemaFormat": _SCHEMA_FORMAT,
            "schema": {"$schema": DIALECT, "allOf": [{"$ref": "schemas/Envelope.v1.json"}, said]},
        },
        "correlationId": {
            "description": "The request's id through the whole loop; absent where there is no request.",
            "location": "$message.payload#/correlationid",
        },
        "bindings": {"kafka": {"key": _key(event), "bindingVersion": _KAFKA}},
        "examples": _examples(event),
    }


def _key(event: type[Event]) -> Json:
    topics = [topic for topic in (*TOPICS, *CLIENT_TOPICS) if topic.name in event.topics]
    keys = " or ".join(dict.fromkeys(topic.key for topic in topics))
    return {
        "type": "string",
        "description": f"In UTF-8, the same as `partitionkey`: {keys}.",
        "minLength": 1,
        "maxLength": 512,
        "pattern": "^[!-~]+$",
    }


def _examples(event: type[Event]) -> list[Json]:
    folder = files("contracts") / "examples" / _message_name(event)
    found = sorted(folder.iterdir(), key=lambda each: each.name) if folder.is_dir() else []
    headers = {"content-type": CONTENT_TYPE.decode()}
    return [
        {"name": each.name.removesuffix(".json"), "headers": headers, "payload": json.loads(each.read_bytes())}
        for each in found
    ]


def _command() -> Json:
    envelope = schema_of(CommandEnvelope, "CommandEnvelope.v1.json", "Opdracht")
    data = {"type": "object", "description": "The body of the operation; absent where it has none."}
    return {
        "name": _COMMAND,
        "title": "Opdracht",
        "summary": _COMMAND_DESCRIPTION,
        "contentType": CONTENT_TYPE.decode(),
        "headers": {
            "type": "object",
            "required": ["content-type"],
            "properties": {"content-type": {"type": "string", "const": CONTENT_TYPE.decode()}},
        },
        "payload": {
            "schemaFormat": _SCHEMA_FORMAT,
            "schema": {**envelope, "properties": {**envelope["properties"], "data": data}},
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "What shall stay in order, such as the site's id."},
                "bindingVersion": _KAFKA,
            }
        },
        "examples": [{"name": "accept-a-referral", "payload": _COMMAND_EXAMPLE}],
    }


_COMMAND_EXAMPLE: Json = {
    "specversion": "1.0",
    "id": "0199dc87-9fdf-7d0f-a31c-a1ddba8db3bc",
    "source": "urn:nld:oin:00000099000000001000:systeem:atelier-planning",
    "type": "nl.samenspel.referrals.AcceptReferral.v1",
    "subject": "0199c86c-3f14-71c3-8550-e81029294fc1",
    "time": "2025-10-13T07:44:59.871Z",
    "datacontenttype": "application/json",
    "actingrole": "partner",
    "actingorganisation": "own:atelier-de-dieze",
    "expectedversion": 1,
    "data": {},
}


def _letter() -> Json:
    text = {"type": "string"}
    number = {"type": "string", "pattern": "^[0-9]+$"}
    return {
        "name": _LETTER,
        "title": "Onbestelbaar bericht",
        "summary": _LETTER_DESCRIPTION,
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "description": "Those of the record, without our own, and these. A marker has only the marker's.",
            "properties": {
                "samenspel-reason": {**text, "description": "Why it could not be understood or applied."},
                "samenspel-detail": {**text, "description": "The same, for people."},
                "samenspel-topic": {**text, "description": "Where it came from."},
                "samenspel-partition": number,
                "samenspel-offset": number,
                "samenspel-incarnation": {**number, "description": "Of the topic; absent while it is the first."},
                "samenspel-attempts": number,
                "samenspel-failed-at": {**text, "format": "date-time"},
                LETTER_MARKER: {**text, "const": "redriven"},
                "samenspel-marked-at": {**text, "format": "date-time"},
            },
        },
        "payload": {"description": "The bytes as they were."},
        "bindings": {"kafka": {"key": {**text, "description": "The original key."}, "bindingVersion": _KAFKA}},
    }
