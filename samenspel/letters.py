"""Dead letters and what became of them, as the dead-letter topics say it; pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.topics import LETTER_MARKER
from samenspel.topic_records import TopicRecord


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it was on its topic, with headers that say why it could not be understood."""

    service: str
    """Which gave up on it."""
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    redriven_as: str | None = None
    """The id of the event that took its place; none while it is open."""

    @property
    def name(self) -> str:
        return f"{self.service}/{self.partition}/{self.offset}"

    @property
    def is_open(self) -> bool:
        return self.redriven_as is None

    def header(self, name: str) -> str:
        return next((value.decode("utf-8", "replace") for key, value in self.headers if key == f"samenspel-{name}"), "")

    @property
    def original_headers(self) -> list[tuple[str, bytes]]:
        return [(name, text) for name, text in self.headers if not name.startswith("samenspel-")]

    @property
    def origin(self) -> str:
        at = "/".join(self.header(part) for part in ("topic", "partition", "offset"))
        incarnation = self.header("incarnation")
        return f"{at}/{incarnation}" if incarnation else at

    def as_json(self) -> dict[str, Any]:
        shown = {name: self.header(name) for name in ("reason", "detail", "attempts", "failed-at")}
        message = {"key": _text(self.key), "value": _text(self.value)}
        return {"letter": self.name, "origin": self.origin, **message, **shown, "redriven-as": self.redriven_as}


def letters_of(services: Mapping[str, str], records: Iterable[TopicRecord]) -> list[Letter]:
    """All letters, in the order in which the services gave up on them; `services` by their dead-letter topic.

    A redrive reaches every reader, so a marker of one service closes the letters of all about the same record. A letter
    that Kafka got twice (its sender ended in between) is one letter: a service gives up on a record once. Records may
    come in any order of their partitions.
    """
    letters: dict[tuple[str, str], Letter] = {}
    redriven: dict[str, str] = {}
    for each in records:
        if any(name == LETTER_MARKER for name, _ in each.headers):
            marker = json.loads(each.value or b"{}")
            redriven[marker["record"]] = marker["redrivenAs"]
        else:
            letter = Letter(services[each.topic], each.partition, each.offset, each.key, each.value, each.headers)
            letters.setdefault((letter.origin, letter.service), letter)
    closed = [replace(letter, redriven_as=redriven.get(letter.origin)) for letter in letters.values()]
    return sorted(closed, key=lambda letter: (letter.header("failed-at"), letter.origin, letter.service))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
