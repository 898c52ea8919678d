"""Proofs from the topics: no acknowledged command was lost or doubled, and a recount gives the same figures."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from contracts.metrics import HISTORY, CutTaken
from demo.recount import Record, compare, newest_figures, read_topics, recount
from demo.topics import envelopes, event_name
from samenspel.commands.dead_letters import letters_on
from samenspel.endpoints import Endpoints
from samenspel.failure import CommandFailed

PATIENCE_SECONDS = 120.0  # until a cut covers everything; two are usual
PAUSE_SECONDS = 0.5
ALSO_A_REACTION = {"RequestAnswered"}
"""Announced by commands and by reactions: the commands alone do not tell how many there should be."""


@dataclass(frozen=True, slots=True)
class TopicsAtCut:
    """Everything that is on the topics when a cut covers all of it."""

    inputs: Sequence[Record]
    history: Sequence[Record]
    cut: Mapping[str, Any]
    lost: int = 0
    doubled: int = 0


def lost_and_doubled(acknowledged: Counter[tuple[str, str]], inputs: Sequence[Record]) -> tuple[int, int]:
    events = {
        envelope["id"]: (event_name(envelope), envelope["subject"])
        for envelope in envelopes(inputs)
        if not _is_of_a_service(envelope["data"])
    }
    found = Counter(events.values())
    lost = acknowledged - found
    doubled = Counter(
        {event: found[event] - number for event, number in acknowledged.items() if event[0] not in ALSO_A_REACTION}
    )
    return lost.total(), (+doubled).total()


def _is_of_a_service(data: Mapping[str, Any]) -> bool:
    """Whether it followed by itself: what was closed by the clock and reopened is closed by the clock again."""
    return any(
        name.endswith("By") and isinstance(by, dict) and by.get("role") == "service" for name, by in data.items()
    )


async def wait_until_counted(
    endpoints: Endpoints, clients: Mapping[str, httpx.AsyncClient], acknowledged: Counter[tuple[str, str]], today: date
) -> TopicsAtCut:
    """Wait until all acknowledged events are there, a complete cut covers every event, and no more events come.

    The cut is of the real day: a cut of a simulated day knows less of what has ended since.
    """
    deadline, before = time.monotonic() + PATIENCE_SECONDS, -1
    while time.monotonic() < deadline:
        inputs, history = await asyncio.gather(
            read_topics(endpoints.kafka, endpoints.prefix),
            read_topics(endpoints.kafka, endpoints.prefix, [HISTORY]),
        )
        cut = newest_complete_cut(history)
        lost, doubled = lost_and_doubled(acknowledged, inputs)
        is_covered = cut is not None and covers(cut, inputs) and date.fromisoformat(cut["day"]) >= today
        is_counted = is_covered and not lost and len(inputs) == before
        is_quiet = is_counted and await have_followed(clients, today)
        if cut and is_quiet and set((await health_of(clients)).values()) == {"ready"}:
            return TopicsAtCut(inputs, history, cut, lost, doubled)
        before = len(inputs)
        await asyncio.sleep(PAUSE_SECONDS)
    problem = f"{lost} events are missing" if lost else "no complete cut covers all events, or a service is not ready"
    raise CommandFailed(f"after {PATIENCE_SECONDS:.0f} s {problem}")


def newest_complete_cut(history: Sequence[Record]) -> Mapping[str, Any] | None:
    """The newest cut, if all of it is there: `CutTaken` and its figures, in any order and however often."""
    cuts: dict[int, Mapping[str, Any]] = {}
    figures: dict[int, set[str]] = defaultdict(set)
    for envelope in envelopes(history):
        data = envelope["data"]
        if envelope["type"] == CutTaken.type:
            cuts[data["cutId"]] = data
        else:
            figures[data["cutId"]].add(data["key"])
    newest = cuts.get(max(cuts.keys() | figures.keys(), default=0))
    return newest if newest and len(figures[newest["cutId"]]) >= newest["figureCount"] else None


def covers(cut: Mapping[str, Any], inputs: Sequence[Record]) -> bool:
    known = {each["topic"]: each["offsets"] for each in cut["vector"]}
    return all(record.offset < known[record.topic][record.partition] for record in inputs)


async def have_followed(clients: Mapping[str, httpx.AsyncClient], today: date) -> bool:
    """Whether the clocks of what was left open have brought about what they will, by their own word."""
    said = [(await client.get("/health/ready")).json()["parts"].get("clocks") for client in clients.values()]
    return {each for each in said if each is not None} <= {f"nothing is due on {today}"}


async def health_of(clients: Mapping[str, httpx.AsyncClient]) -> dict[str, str]:
    health: dict[str, str] = {}
    for name, client in clients.items():
        try:
            health[name] = (await client.get("/health/ready")).json()["status"]
        except httpx.TransportError:
            health[name] = "does not answer"
    return health


def recounted(known: TopicsAtCut) -> tuple[int, tuple[str, ...]]:
    """How many figures a recount from the topics gives, and a sentence for each difference from those published."""
    skipped = {(each["topic"], each["partition"], each["offset"]) for each in known.cut.get("skipped", ())}
    counted = recount(record for record in known.inputs if record[:3] not in skipped)
    published = {key: figure for key, figure in newest_figures(known.history).items() if not is_emptied(figure)}
    return len(counted), tuple(compare(published, counted))


def is_emptied(figure: Mapping[str, Any]) -> bool:
    return figure.get("emptied") is True


async def count_dead_letters(endpoints: Endpoints) -> int:
    """Without the markers behind letters that were redriven."""
    return len(await letters_on(endpoints))
