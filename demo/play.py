"""Playing a plan through HTTP, and nothing but HTTP.

Guarantee: every step is done once and in its story's order, whatever happens to the services meanwhile: an
unanswered command is repeated with the same key. Stories are played side by side; what must be the same in every
run does not depend on which of them is first.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from demo.story import Body, Step, Story
from samenspel.failure import CommandFailed

SIDE_BY_SIDE = 16  # stories; more only queue up in the services' pools of connections
PATIENCE = 120.0  # seconds for one command: long enough for a service that was killed to be started again
PAUSE = 0.1  # seconds before asking again, doubled up to one second
LONGEST_PAUSE = 1.0
ANSWER = 30.0  # seconds
NOT_YET = {"not-yet-known", "not-now", "nothing-delivered"}
"""Refusals that pass by themselves: a service has not heard yet what another one announced."""
_REFERENCE = re.compile(r"\$(\w+)")


@dataclass(slots=True)
class Player:
    """Plays stories, remembers what they made and what was acknowledged."""

    clients: Mapping[str, httpx.AsyncClient]
    run: str
    """Tells the keys of this plan from those of any other."""
    advance: Callable[[float], None] = lambda _: None
    made: dict[str, dict[str, str]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(event, subject) of every command that was answered with 2xx."""

    async def play(self, stories: Sequence[Story], until: datetime | None = None) -> None:
        """Do the steps of all stories that lie before `until` and were not done yet."""
        waiting = iter(stories)
        try:
            async with asyncio.TaskGroup() as together:
                for _ in range(SIDE_BY_SIDE):
                    together.create_task(self._play_some(waiting, until))
        except* CommandFailed as failures:
            raise failures.exceptions[0] from None  # one sentence is enough

    async def _play_some(self, waiting: Iterator[Story], until: datetime | None) -> None:
        for story in waiting:
            for number in range(self.done[story.name], len(story.steps)):
                step = story.steps[number]
                if until is not None and step.at >= until:
                    break
                await self._do(story, number, step)
                self.done[story.name] += 1
                self.advance(1)

    async def _do(self, story: Story, number: int, step: Step) -> None:
        made = self.made.setdefault(story.name, {})
        answer = await self.command(
            step.service,
            "POST",
            _REFERENCE.sub(lambda name: made[name[1]], step.path),
            _filled(step.body, made),
            who=(step.role, step.organisation),
            at=step.at,
            key=f"{self.run}-{story.name}-{number}",
        )
        if step.keeps:
            made[step.keeps] = answer.headers["Location"].rpartition("/")[2]
        named = _REFERENCE.search(step.path)
        self.acknowledged[step.announces, made[step.keeps or (named[1] if named else "")]] += 1

    async def command(
        self, service: str, method: str, path: str, body: Body | bytes, *, who: tuple[str, str], at: datetime, key: str
    ) -> httpx.Response:
        """The answer to one command; asks again while the world, or another service, is not ready."""
        headers = {
            "Samenspel-Actor": f"role={who[0]}; organisation={who[1]}; actor=demo",
            "Samenspel-Now": at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z",
            "Idempotency-Key": key,
        }
        content: dict[str, Any] = {"json": body}
        if isinstance(body, bytes):
            content, headers["Content-Type"] = {"content": body}, "application/x-ndjson"
        deadline, pause = time.monotonic() + PATIENCE, PAUSE
        while True:
            try:
                answer = await self.clients[service].request(method, path, headers=headers, **content)
                refusal = _refusal(answer)
            except httpx.TransportError as lost:
                refusal = f"no answer ({type(lost).__name__})"
            if refusal is None:
                return answer
            if time.monotonic() > deadline:
                raise CommandFailed(f"{method} {path} at {service}, for {PATIENCE:.0f} s: {refusal}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _refusal(answer: httpx.Response) -> str | None:
    """Why to ask again; None when it was done. Raises `CommandFailed` when asking again would not help."""
    if answer.is_success:
        return None
    problem = answer.json() if "json" in answer.headers.get("Content-Type", "") else {"detail": answer.text[:200]}
    said = f"{answer.status_code}, {problem.get('detail')}"
    is_passing = problem.get("type", "").rpartition("/")[2] in NOT_YET
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE or is_passing:
        return said
    raise CommandFailed(
        f"{answer.request.method} {answer.request.url.path} was refused: {said} {problem.get('errors')}"
    )


def _filled(value: Any, made: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """The value with the ids of what its names stand for."""
    if isinstance(value, dict):
        return {name: _filled(each, made) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, made) for each in value]
    return made[value[1:]] if isinstance(value, str) and value.startswith("$") else value


@asynccontextmanager
async def clients_of(urls: Mapping[str, str]) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client for each service."""
    limits = httpx.Limits(max_connections=SIDE_BY_SIDE, max_keepalive_connections=SIDE_BY_SIDE)
    clients = {name: httpx.AsyncClient(base_url=url, timeout=ANSWER, limits=limits) for name, url in urls.items()}
    try:
        yield clients
    finally:
        for client in clients.values():
            await client.aclose()
