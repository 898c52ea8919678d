"""Notices a consumer that has stopped reading: the Kafka libraries do not report that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiokafka import TopicPartition

STUCK_SECONDS = 60.0  # much longer than a rebalance or the restart of a broker takes

Offsets = Mapping[TopicPartition, int]


@dataclass(slots=True)
class Progress:
    """The progress of one consumer. All times are seconds of one monotonic clock."""

    moved_at: float
    positions: Offsets = field(default_factory=dict)
    busy_since: float | None = None
    """Since when it works on one batch, which includes waiting for the database."""

    def look(
        self, positions: Offsets, ends: Offsets, now: float
    ) -> Literal["reading", "busy", "busy too long", "stuck"]:
        """Judge by the position and the known end of each assigned partition; call it every few seconds."""
        is_behind = any(ends[partition] > position for partition, position in positions.items())
        if self.busy_since is not None or positions != self.positions or not is_behind:
            self.positions, self.moved_at = positions, now
        if self.busy_since is not None:
            return "busy too long" if now - self.busy_since > STUCK_SECONDS else "busy"
        return "stuck" if now - self.moved_at > STUCK_SECONDS else "reading"
