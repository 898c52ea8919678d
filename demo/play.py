"""Plays scenarios through the HTTP interfaces of the services, and through nothing else.

Guarantee: every step is done once, whatever happens to the services meanwhile: a command without an answer is sent
again with the same key. Steps are done in the order of their simulated instants, each while the stack's time stands
still at its instant; those of one instant are done at once, but those of one scenario in its order. A day begins when
everything that was done before it was announced: days pass in a tenth of a second, and no clock may run out because a
message takes as long.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import httpx

from contracts.values import calendar_day
from demo.simulation.plan import Actor, Body, PlannedCommand, Scenario
from samenspel.failure import CommandFailed

AT_ONCE = 16  # commands; more would only wait for the services' database connections
PATIENCE_SECONDS = 120.0  # for one command: long enough to restart a service that was killed
PAUSE_SECONDS = 0.1  # before sending again, doubled each time
MAX_PAUSE_SECONDS = 1.0
ANSWER_SECONDS = 30.0
TEMPORARY = {"not-yet-known", "illegal-transition", "nothing-delivered", "withdrawal-not-requested"}
"""Problems that end by themselves: a service has not read yet what another one announced."""


async def _nothing(_: Counter[tuple[str, str]]) -> None:
    """Where nobody reads what is announced."""


class StepToPlay(NamedTuple):
    """A step that is still to be done."""

    at: datetime
    scenario: str
    number: int
    step: PlannedCommand


@dataclass(slots=True)
class Player:
    clients: Mapping[str, httpx.AsyncClient]
    set_time: Callable[[datetime], None]
    """Lets the time of all services stand still at an instant."""
    run: str
    """Distinguishes the idempotency keys of this plan from those of any other."""
    wait_for: Callable[[Counter[tuple[str, str]]], Awaitable[None]] = _nothing
    """Waits until all acknowledged events are on the topics."""
    advance: Callable[[float], None] = lambda _: None
    """Called with the number of steps that were done."""
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    """By scenario: the ids of what its commands made, by name."""
    done: Counter[str] = field(default_factory=Counter)
    """By scenario: how many of its steps were done."""
    acknowledged: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(event, subject) of every command that was answered with 2xx."""

    async def play(self, scenarios: Sequence[Scenario], until: datetime | None = None) -> None:
        """Do the steps of all scenarios that lie before `until` and were not done yet."""
        steps = [
            StepToPlay(step.at, scenario.name, number, step)
            for scenario in scenarios
            for number, step in enumerate(scenario.steps)
            if number >= self.done[scenario.name] and (until is None or step.at < until)
        ]
        steps.sort(key=attrgetter("at"))  # stable: the steps of one scenario keep their order
        for _, of_one_day in groupby(steps, key=lambda step: calendar_day(step.at)):
            await self.wait_for(self.acknowledged)
            for instant, together in groupby(of_one_day, key=attrgetter("at")):
                self.set_time(instant)
                await self._play_at_once(list(together))

    async def _play_at_once(self, steps: Sequence[StepToPlay]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _, of_one in groupby(steps, key=attrgetter("scenario")):
                    group.create_task(self._play_one_after_another(list(of_one)))
        except* CommandFailed as failures:
            raise failures.exceptions[0] from None  # one sentence is enough

    async def _play_one_after_another(self, steps: Sequence[StepToPlay]) -> None:
        for each in steps:
            await self._do(each.step, self.ids.setdefault(each.scenario, {}), f"{each.scenario}-{each.number}")
            self.done[each.scenario] += 1
            self.advance(1)

    async def _do(self, step: PlannedCommand, ids: dict[str, str], key: str) -> None:
        command = step.command
        path = command.path if command.creates else command.path.format(id=ids[step.name])
        answer = await self.command(command.service, "POST", path, _with_ids(step.body, ids), actor=step.actor, key=key)
        if command.creates:
            ids[step.name] = answer.headers["Location"].rpartition("/")[2]
        self.acknowledged[command.event, ids[step.name]] += 1

    async def command(
        self, service: str, method: str, path: str, body: Body | bytes, *, actor: Actor, key: str
    ) -> httpx.Response:
        """The answer to one command; sends it again while a service is not there, or not ready for it."""
        headers = {
            "Samenspel-Actor": f"role={actor.role}; organisation={actor.organisation}; actor=demo",
            "Idempotency-Key": f"{self.run}-{key}",
        }
        content: dict[str, Any] = {"json": body}
        if isinstance(body, bytes):
            content, headers["Content-Type"] = {"content": body}, "application/x-ndjson"
        deadline, pause = time.monotonic() + PATIENCE_SECONDS, PAUSE_SECONDS
        while True:
            try:
                answer = await self.clients[service].request(method, path, headers=headers, **content)
                problem = _temporary_problem(answer)
            except httpx.TransportError as error:
                problem = f"no answer ({type(error).__name__})"
            if problem is None:
                return answer
            if time.monotonic() > deadline:
                raise CommandFailed(f"{method} {path} at {service}, for {PATIENCE_SECONDS:.0f} s: {problem}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)


def _temporary_problem(answer: httpx.Response) -> str | None:
    """Why to send it again; None when it was done. Raises `CommandFailed` when sending again would not help."""
    if answer.is_success:
        return None
    problem = answer.json() if "json" in answer.headers.get("Content-Type", "") else {"detail": answer.text[:200]}
    reason = f"{answer.status_code}, {problem.get('detail')}"
    is_temporary = problem.get("type", "").rpartition("/")[2] in TEMPORARY
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE or is_temporary:
        return reason
    command = f"{answer.request.method} {answer.request.url.path}"
    raise CommandFailed(f"{command} was refused: {reason} {problem.get('errors')}")


def _with_ids(value: Any, ids: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """The value with ids in the place of names such as `$referral1`."""
    if isinstance(value, dict):
        return {name: _with_ids(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_ids(each, ids) for each in value]
    return ids[value[1:]] if isinstance(value, str) and value.startswith("$") else value


@asynccontextmanager
async def clients_of(urls: Mapping[str, str]) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    clients = {
        name: httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS, limits=limits) for name, url in urls.items()
    }
    try:
        yield clients
    finally:
        for client in clients.values():
            await client.aclose()
