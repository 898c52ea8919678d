"""A caller that never gives up: it repeats a command with its key until it is answered, as an integrator is told to.

And a reader of all three services, which notes what it is answered.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

PATIENCE = 90.0  # seconds for one call with all its repetitions: longer than any fault lasts here
ANSWER = 10.0  # seconds for one answer
PAUSE = 0.1  # seconds before it asks again
OPERATOR = "role=operator; organisation=own:city; actor=o1"
READS = {"requests": "/v1/sites/own:s0", "referrals": "/v1/brokers/own:babel", "reporting": "/v1/figures?limit=1"}

Body = Mapping[str, Any]
Urls = Mapping[str, str]
"""The address of each service."""


@dataclass(slots=True)
class Call:
    """One command, or one read, and what its caller knows of it."""

    service: str
    method: str
    path: str
    actor: str
    body: Body | None
    key: str = field(default_factory=lambda: str(uuid4()))
    outcome: str = "unknown"
    """`ok`, `failed` (it was refused) or `unknown`."""
    was_unknown: int = 0
    """How many times there was no telling what became of it: no answer, or a server error."""
    server_errors: int = 0
    """How many times it was answered with 5xx of any kind, 503 too."""
    troubles: list[str] = field(default_factory=list)
    """Why there was no answer."""
    refused_as_busy: int = 0
    """How many times the service said that it cannot now (503): then it did nothing."""
    seconds: float = 0.0
    answer: dict[str, Any] = field(default_factory=dict)

    def note(self, answer: httpx.Response) -> None:
        self.server_errors += answer.is_server_error
        if answer.is_success:
            self.outcome, self.answer = "ok", answer.json()
        elif answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            self.refused_as_busy += 1
        elif answer.is_server_error:
            self.was_unknown += 1
        elif "Retry-After" not in answer.headers:
            self.outcome, self.answer = "failed", answer.json()


class Client:
    """Sends commands to the services, and reads from them; notes every call."""

    def __init__(self, urls: Urls, calls: list[Call], http: httpx.AsyncClient) -> None:
        self.urls, self.calls, self.http = urls, calls, http

    async def command(self, service: str, method: str, path: str, actor: str, body: Body) -> Call:
        """A successful call; repeated while its outcome is unknown, or the body names what is not yet known."""
        call = await self.ask(service, method, path, actor, body)
        assert call.outcome == "ok", f"{call.method} {call.path}: {call.answer}"
        return call

    async def ask(self, service: str, method: str, path: str, actor: str, body: Body) -> Call:
        """The same, whether it was done or refused."""
        call = Call(service, method, path, actor, body)
        self.calls.append(call)
        began = time.monotonic()
        while call.outcome == "unknown":
            await self._try(call)
            call.seconds = time.monotonic() - began
            assert call.seconds < PATIENCE, f"{call} has had no answer for {PATIENCE:.0f} s"
            if call.outcome == "unknown":
                await asyncio.sleep(PAUSE)
        return call

    async def repeat(self, call: Call) -> None:
        """Once more, after a moment, while its outcome is unknown."""
        await self._try(call)
        if call.outcome == "unknown":
            await asyncio.sleep(PAUSE)

    async def read(self, service: str, reads: list[Call]) -> None:
        """Ask a service once, and note how it answered."""
        call = Call(service, "GET", READS[service], OPERATOR, None)
        await self._try(call)
        reads.append(call)

    async def _try(self, call: Call) -> None:
        url, headers = self.urls[call.service] + call.path, {"Samenspel-Actor": call.actor, "Idempotency-Key": call.key}
        try:
            call.note(await self.http.request(call.method, url, json=call.body, headers=headers))
        except httpx.TransportError as error:
            call.was_unknown += 1
            call.troubles.append(repr(error))


@asynccontextmanager
async def connected(urls: Urls, calls: list[Call], *, keep_alive: bool = True) -> AsyncIterator[Client]:
    """A client; behind a router it keeps no connection, so that each call goes to a replica that is ready by then."""
    limits = httpx.Limits(max_keepalive_connections=None if keep_alive else 0)
    async with httpx.AsyncClient(timeout=ANSWER, limits=limits) as http:
        yield Client(urls, calls, http)
