"""Notices a consumer that has stopped reading: the Kafka libraries do not report that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from aiokafka import TopicPartition

QUIET_SECONDS = 5.0  # longer than a usual pause between two batches while records wait
STUCK_SECONDS = 60.0  # much longer than a rebalance or the restart of a broker takes

OffsetByPartition = Mapping[TopicPartition, int]
_NOWHERE: OffsetByPartition = MappingProxyType({})


@dataclass(slots=True)
class Progress:
    """The progress of one consumer. All times are seconds of one monotonic clock."""

    moved_at: float
    positions: OffsetByPartition = field(default_factory=dict)
    busy_since: float | None = None
    """Since when it works on one batch, which includes waiting for the database."""
    held_since: float | None = None
    """Since when records are there behind a transaction that is still open."""

    def has_stood_still(self, now: float) -> bool:
        """Whether it is behind and has not moved for a while: time to ask whether Kafka answers at all."""
        return self.busy_since is None and now - self.moved_at > QUIET_SECONDS

    def wait(self, now: float) -> None:
        """Nobody can read while Kafka does not answer: that is no fault of the consumer."""
        self.moved_at = now

    def look(
        self,
        positions: OffsetByPartition,
        ends: OffsetByPartition,
        now: float,
        *,
        written: OffsetByPartition = _NOWHERE,
    ) -> Literal["reading", "busy", "busy too long", "stuck", "held up"]:
        """Judge by the position of each assigned partition and its end; call it every few seconds.

        The end is the last stable offset: what was `written` behind it belongs to an open transaction, and can be read
        by nobody.
        """
        is_held = any(written.get(partition, 0) > ends[partition] == positions[partition] for partition in positions)
        if not is_held or positions != self.positions:
            self.held_since = now if is_held else None
        is_behind = any(ends[partition] > position for partition, position in positions.items())
        if self.busy_since is not None or positions != self.positions or not is_behind:
            self.positions, self.moved_at = positions, now
        if self.busy_since is not None:
            return "busy too long" if now - self.busy_since > STUCK_SECONDS else "busy"
        if now - self.moved_at > STUCK_SECONDS:
            return "stuck"
        return "reading" if self.held_since is None or now - self.held_since <= STUCK_SECONDS else "held up"
