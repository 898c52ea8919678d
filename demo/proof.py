"""The proofs: what was acknowledged is on the topics, a recount agrees, and a rebuild gives the same bytes."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from contracts.metrics import HISTORY
from contracts.topics import SERVICES, dead_letter_topic
from demo.heard import envelopes
from demo.recount import Record, compare, newest_figures, read_topics, recount
from samenspel.commands.services import OPERATOR, every_figure
from samenspel.failure import CommandFailed

PATIENCE = 120.0  # seconds until everything is counted; two are usual
PAUSE = 0.5
PASSING_FIELDS = ("cutId", "knownAt")
"""When a figure was known says nothing about the figure."""
FOLLOWS_BY_ITSELF = {"RequestAnswered"}
"""Commands announce it, and so do reactions: it cannot be counted from the commands alone."""

Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is on the topics when all of it is counted."""

    inputs: Sequence[Record]
    history: Sequence[Record]
    cut: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of building everything anew."""

    figures: int
    seconds: float
    differences: tuple[str, ...]


def lost_and_doubled(acknowledged: Counter[tuple[str, str]], inputs: Sequence[Record]) -> tuple[int, int]:
    """How many acknowledged commands left no event, and how many left more than one."""
    events = {
        envelope["id"]: (envelope["type"].split(".")[-2], envelope["subject"]) for _, envelope in envelopes(inputs)
    }
    seen = Counter(events.values())
    missing = acknowledged - seen
    doubled = Counter(
        {what: seen[what] - number for what, number in acknowledged.items() if what[0] not in FOLLOWS_BY_ITSELF}
    )
    return missing.total(), (+doubled).total()


async def until_counted(
    kafka: str, prefix: str, clients: Mapping[str, httpx.AsyncClient], acknowledged: Counter[tuple[str, str]]
) -> Known:
    """Wait until a complete cut covers every event, none of the acknowledged is missing and no more come."""
    deadline, before = time.monotonic() + PATIENCE, -1
    while time.monotonic() < deadline:
        inputs, history = await asyncio.gather(read_topics(kafka, prefix), read_topics(kafka, prefix, [HISTORY]))
        cut = newest_complete_cut(history)
        missing, _ = lost_and_doubled(acknowledged, inputs)
        is_covered = cut is not None and covers(cut, inputs)
        if cut and is_covered and not missing and len(inputs) == before and all(await _health(clients)):
            return Known(inputs, history, cut)
        before = len(inputs)
        await asyncio.sleep(PAUSE)
    raise CommandFailed(f"after {PATIENCE:.0f} s: events missing {missing}, newest cut covers them: {is_covered}")


def newest_complete_cut(history: Sequence[Record]) -> Mapping[str, Any] | None:
    """The newest cut, when all its figures have followed it."""
    cuts: dict[int, Mapping[str, Any]] = {}
    figures: Counter[int] = Counter()
    for _, envelope in envelopes(history):
        data = envelope["data"]
        if envelope["type"] == "nl.samenspel.CutTaken.v1":
            cuts[data["cutId"]] = data
        else:
            figures[data["cutId"]] += 1
    newest = cuts[max(cuts)] if cuts else None
    return newest if newest and figures[newest["cutId"]] >= newest["figureCount"] else None


def covers(cut: Mapping[str, Any], inputs: Sequence[Record]) -> bool:
    known = {each["topic"]: each["offsets"] for each in cut["vector"]}
    return all(record.offset < known[record.topic][record.partition] for record in inputs)


async def _health(clients: Mapping[str, httpx.AsyncClient]) -> list[bool]:
    return [health == "ready" for health in (await health_of(clients)).values()]


async def health_of(clients: Mapping[str, httpx.AsyncClient]) -> dict[str, str]:
    """What each service says of itself."""
    said: dict[str, str] = {}
    for name, client in clients.items():
        try:
            said[name] = (await client.get("/health/ready")).json()["status"]
        except httpx.TransportError:
            said[name] = "does not answer"
    return said


def recounted(known: Known) -> tuple[int, tuple[str, ...]]:
    """(number of figures, a sentence for each that a recount from the topics does not confirm)."""
    skipped = {(each["topic"], each["partition"], each["offset"]) for each in known.cut.get("skipped", ())}
    counted = recount(record for record in known.inputs if record[:3] not in skipped)
    published = {key: figure for key, figure in newest_figures(known.history).items() if not is_emptied(figure)}
    return len(counted), tuple(compare(published, counted))


def is_emptied(figure: Mapping[str, Any]) -> bool:
    """Whether everything that the figure was about has been taken back."""
    return figure.get("emptied") is True


async def dead_letters(kafka: str, prefix: str) -> int:
    """How many messages could not be understood."""
    return len(await read_topics(kafka, prefix, [dead_letter_topic(service) for service in SERVICES]))


async def rebuilt(client: httpx.AsyncClient, before: Figures, ask: Callable[[], str]) -> Rebuilt:
    """Have everything built anew (`ask` does it and returns the cause); compare what the API then shows."""
    known = {each["rebuildId"] for each in await _rebuilds(client)}
    cause = await asyncio.to_thread(ask)
    outcome = await _outcome(client, cause, known)
    after = await every_figure(client)
    differences = list(outcome["differences"]) + [
        f"{key}: {_lasting(before.get(key))} before, {_lasting(after.get(key))} after"
        for key in sorted(before.keys() | after.keys())
        if _lasting(before.get(key)) != _lasting(after.get(key))
    ]
    return Rebuilt(outcome["figures"], outcome["seconds"], tuple(differences))


def _lasting(figure: Mapping[str, Any] | None) -> str:
    kept = {name: value for name, value in (figure or {}).items() if name not in PASSING_FIELDS}
    return json.dumps(kept, sort_keys=True)


async def _rebuilds(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    try:
        answer = await client.get("/v1/rebuilds", headers=OPERATOR)
    except httpx.TransportError:
        return []  # it is just being started
    items: list[dict[str, Any]] = answer.json()["items"] if answer.is_success else []
    return items


async def _outcome(client: httpx.AsyncClient, cause: str, known: set[str]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for each in await _rebuilds(client):
            if each["cause"] == cause and each["rebuildId"] not in known and each.get("outcome"):
                outcome: dict[str, Any] = each["outcome"]
                return outcome
        await asyncio.sleep(PAUSE)
    raise CommandFailed(f"after {PATIENCE:.0f} s the rebuild has not finished")


async def drop_everything(database_url: str) -> None:
    """Lose all of a service's tables."""
    db = await asyncpg.connect(database_url)
    try:
        tables = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = ", ".join(f'"{row["tablename"]}"' for row in tables)
        await db.execute(f"DROP TABLE {names} CASCADE")
    finally:
        await db.close()
