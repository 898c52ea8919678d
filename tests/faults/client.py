"""A caller that never gives up: it repeats a command with its key until it is answered, as an integrator is told to."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from local import Stack

PATIENCE = 90.0  # seconds for one call with all its repetitions: longer than any fault lasts here
ANSWER = 10.0  # seconds for one answer
PAUSE = 0.1  # seconds before it asks again

Body = Mapping[str, Any]


@dataclass(slots=True)
class Call:
    """One command and what its caller knows of it."""

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
    refused_as_busy: int = 0
    """How many times the service said that it cannot now (503)."""
    seconds: float = 0.0
    answer: dict[str, Any] = field(default_factory=dict)

    def note(self, answer: httpx.Response) -> None:
        if answer.is_success:
            self.outcome, self.answer = "ok", answer.json()
        elif answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            self.refused_as_busy += 1
        elif answer.is_server_error:
            self.was_unknown += 1
            self.server_errors += 1
        elif "Retry-After" not in answer.headers:
            self.outcome, self.answer = "failed", answer.json()


class Client:
    """Sends commands to the services of a stack, and notes every call."""

    def __init__(self, stack: Stack, calls: list[Call], http: httpx.AsyncClient) -> None:
        self.urls = {name: stack.service_url(name) for name in ("requests", "referrals")}
        self.calls, self.http = calls, http

    async def command(self, service: str, method: str, path: str, actor: str, body: Body) -> Call:
        """A successful call; repeated while its outcome is unknown, or the body names what is not yet known."""
        call = Call(service, method, path, actor, body)
        self.calls.append(call)
        began = time.monotonic()
        while call.outcome == "unknown":
            await self._try(call)
            call.seconds = time.monotonic() - began
            assert call.seconds < PATIENCE, f"{call} has had no answer for {PATIENCE:.0f} s"
            if call.outcome == "unknown":
                await asyncio.sleep(PAUSE)
        assert call.outcome == "ok", f"{call.method} {call.path}: {call.answer}"
        return call

    async def _try(self, call: Call) -> None:
        url, headers = self.urls[call.service] + call.path, {"Samenspel-Actor": call.actor, "Idempotency-Key": call.key}
        try:
            call.note(await self.http.request(call.method, url, json=call.body, headers=headers))
        except httpx.TransportError:
            call.was_unknown += 1


@asynccontextmanager
async def connected(stack: Stack, calls: list[Call]) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(timeout=ANSWER) as http:
        yield Client(stack, calls, http)
