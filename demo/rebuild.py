"""The proof by rebuild: `reporting` computes everything again from the topics, and its API shows the same figures."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from samenspel.commands.services import OPERATOR, PAGE, problem_in_words
from samenspel.failure import CommandFailed

PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.5
OF_ITS_CUT = ("cutId", "knownAt")
"""Fields that say when a figure was known, not what it is."""

FiguresByKey = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    figures: int
    seconds: float
    differences: tuple[str, ...]
    cause: str = "loss"
    """`loss`: its tables were dropped; `asked`: it was made beside them."""


async def all_figures(client: httpx.AsyncClient) -> FiguresByKey:
    found: FiguresByKey = {}
    cursor: str | None = None
    while True:
        params = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
        answer = await client.get("/v1/figures", params=params, headers=OPERATOR)
        if not answer.is_success:
            raise CommandFailed(problem_in_words(answer))
        page = answer.json()
        found |= {figure["key"]: figure for figure in page["items"]}
        cursor = page.get("nextCursor")
        if cursor is None:
            return found


async def rebuilt(client: httpx.AsyncClient, before: FiguresByKey, start: Callable[[], str]) -> Rebuilt:
    """Start a rebuild (`start` returns its cause), wait for it, and compare the figures with those before."""
    known = {each["rebuildId"] for each in await _rebuilds(client)}
    cause = await asyncio.to_thread(start)
    outcome = await _outcome(client, cause, known)
    after = await all_figures(client)
    differences = [
        f"{key}: {_shown(before.get(key))} before, {_shown(after.get(key))} after"
        for key in sorted(before.keys() | after.keys())
        if _shown(before.get(key)) != _shown(after.get(key))
    ]
    return Rebuilt(outcome["figures"], outcome["seconds"], (*outcome["differences"], *differences), cause)


def _shown(figure: Mapping[str, Any] | None) -> str:
    kept = {name: value for name, value in (figure or {}).items() if name not in OF_ITS_CUT}
    return json.dumps(kept, sort_keys=True)


async def _rebuilds(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    try:
        answer = await client.get("/v1/rebuilds", headers=OPERATOR)
    except httpx.TransportError:
        return []  # the service is just being started
    items: list[dict[str, Any]] = answer.json()["items"] if answer.is_success else []
    return items


async def _outcome(client: httpx.AsyncClient, cause: str, known: set[str]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for each in await _rebuilds(client):
            if each["cause"] == cause and each["rebuildId"] not in known and each.get("outcome"):
                outcome: dict[str, Any] = each["outcome"]
                return outcome
        await asyncio.sleep(PAUSE_SECONDS)
    raise CommandFailed(f"after {PATIENCE_SECONDS:.0f} s the rebuild has not finished")


async def drop_tables(database_url: str) -> None:
    db = await asyncpg.connect(database_url)
    try:
        tables = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = ", ".join(f'"{row["tablename"]}"' for row in tables)
        await db.execute(f"DROP TABLE {names} CASCADE")
    finally:
        await db.close()
