"""The topic manifest: who writes and reads which topic, with which key, for how long.

The number of partitions and the partitioner (Kafka's murmur2; librdkafka's default differs) are permanent:
changing either would break the order per aggregate.
"""

from dataclasses import dataclass, replace
from typing import Literal

from contracts.activities import ACTIVITIES
from contracts.metrics import CURRENT, HISTORY, UNMET_NEEDS
from contracts.offers import OFFERS
from contracts.outcomes import ANSWERERS, COMMANDS, OUTCOMES
from contracts.referrals import REFERRALS
from contracts.requests import REQUESTS
from contracts.sites import SITES
from contracts.targets import TARGETS

PARTITIONS = 12
PARTITIONER = "murmur2"
INPUTS = (SITES, REQUESTS, OFFERS, REFERRALS, ACTIVITIES, TARGETS)
"""What `reporting` reads: kept for ever, never compacted."""
SERVICES = ("requests", "referrals", "reporting")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; a record of the event topics is a CloudEvent in structured mode."""

    name: str
    producer: str
    consumers: tuple[str, ...]
    key: str
    cleanup: Literal["delete", "compact"] = "delete"
    max_message_bytes: int = 1_048_588  # Kafka's own default: 1 MiB and the batch's overhead
    carries: Literal["events", "untouched bytes", "commands"] = "events"
    retention_ms: int = -1

    @property
    def settings(self) -> dict[str, str]:
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "unclean.leader.election.enable": "false",
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(self.max_message_bytes),
        }


def service_of(source: str) -> str:
    """The service that a `source` names: `urn:nld:oin:…:systeem:requests` is `requests`."""
    return source.rpartition(":")[2]


def topics_of(service: str) -> list[str]:
    return [topic.name for topic in TOPICS if topic.producer == service]


LETTER_MARKER = "samenspel-marker"
"""The header that tells a marker behind a dead letter from a letter."""


def dead_letter_topic(service: str) -> str:
    """Where a service puts what it cannot understand."""
    return f"partnership.dead-letters.{service}.v1"


_TWO_MIB = 2 * 1024 * 1024  # a full-size record and the headers that say what was wrong with it

TOPICS = (
    Topic(SITES, "requests", ("referrals", "reporting"), "the site"),
    Topic(REQUESTS, "requests", ("referrals", "reporting"), "the site that asks"),
    Topic(OFFERS, "referrals", ("requests", "reporting"), "the broker, partner or list"),
    Topic(REFERRALS, "referrals", ("requests", "reporting"), "the site that asked"),
    Topic(ACTIVITIES, "referrals", ("requests", "reporting"), "the lead site when it was created"),
    Topic(TARGETS, "reporting", ("reporting",), "the entity"),
    Topic(CURRENT, "reporting", (), "the figure", cleanup="compact"),
    Topic(HISTORY, "reporting", (), "the figure; `cut` for a cut"),
    Topic(UNMET_NEEDS, "reporting", (), "the figure", cleanup="compact"),
    *(
        Topic(
            dead_letter_topic(service),
            service,
            (),
            "the original key",
            max_message_bytes=_TWO_MIB,
            carries="untouched bytes",
        )
        for service in SERVICES
    ),
)

_A_WEEK = 7 * 24 * 60 * 60 * 1000  # longer than a weekend without a service; who waits longer asks again

CLIENT_TOPICS = (
    Topic(
        COMMANDS,
        "the client",
        ANSWERERS,
        "what shall stay in order, such as the site",
        carries="commands",
        retention_ms=_A_WEEK,
    ),
    Topic(OUTCOMES, " and ".join(ANSWERERS), (), "of an outcome the command's id; of an event its own key"),
)
"""The topics of an external system; each registered one has them, with its name in place of `{client}`."""


def topics_for(client: str) -> tuple[Topic, ...]:
    return tuple(replace(topic, name=topic.name.format(client=client)) for topic in CLIENT_TOPICS)
