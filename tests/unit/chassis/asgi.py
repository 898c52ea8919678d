"""One request to an ASGI application, with headers as they come."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read

    @property
    def problem_type(self) -> str:
        return str(self.problem["type"].rpartition("/")[2])


async def ask(app: ASGIApp, *headers: tuple[str, str]) -> Answered:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw}
    await app(scope, receive, send)
    start, *bodies = sent
    said = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answered(start["status"], said, b"".join(each.get("body", b"") for each in bodies))
