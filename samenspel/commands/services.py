"""Where the services are and how a command asks them: by options, by the environment, or by the running stack."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from contracts.topics import SERVICES
from samenspel.commands.failure import CommandFailed
from samenspel.stack import FOLDER, Stack

OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:samenspel; actor=command"}
USUAL_PORTS = {"requests": 8001, "referrals": 8002, "reporting": 8003}
PAGE = 1000
ANSWER = 60.0  # seconds; the events behind a city's figure are computed when they are asked for


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is."""

    urls: Mapping[str, str]
    kafka: str
    prefix: str = ""


def usual_places() -> Places:
    """As in docker-compose.yml and in the documentation's examples."""
    return Places({name: f"http://127.0.0.1:{port}" for name, port in USUAL_PORTS.items()}, "127.0.0.1:9092")


def places(**asked: str | None) -> Places:
    """What was asked for; else what the environment says; else the running stack; else the usual places."""
    found = _running() or usual_places()
    urls = {
        name: asked.get(name) or os.environ.get(f"SAMENSPEL_{name.upper()}") or found.urls[name] for name in SERVICES
    }
    kafka = asked.get("kafka") or os.environ.get("SAMENSPEL_KAFKA") or found.kafka
    return Places(urls, kafka, os.environ.get("SAMENSPEL_KAFKA_PREFIX", ""))


def _running() -> Places | None:
    """The stack that `samenspel up` keeps running."""
    folder = FOLDER / "stack"
    if not (folder / "stack.json").exists():
        return None
    stack = Stack(folder)
    return Places({name: stack.service_url(name) for name in SERVICES}, stack.kafka) if stack.is_kept else None


def ask(url: str, method: str, path: str, **parts: Any) -> Any:  # noqa: ANN401 - any JSON
    """The answer's JSON; raises `CommandFailed` with the service's own words."""
    headers = OPERATOR | parts.pop("headers", {})
    try:
        answer = httpx.request(method, url + path, headers=headers, timeout=ANSWER, **parts)
    except httpx.TransportError as lost:
        raise CommandFailed(f"{url} does not answer ({type(lost).__name__}); `samenspel status` tells more") from lost
    if not answer.is_success:
        raise CommandFailed(said_by(answer))
    return answer.json()


def said_by(answer: httpx.Response) -> str:
    """A problem in one sentence."""
    try:
        problem = answer.json()
        fields = "".join(
            f"; {each['field']}: {each['value']!r}, allowed: {each['allowed']}" for each in problem["errors"]
        )
        return f"{problem['title']} ({answer.status_code}): {problem['detail']}{fields}"
    except (ValueError, LookupError, TypeError):
        return f"{answer.request.url} answered {answer.status_code}"


async def every_figure(client: httpx.AsyncClient, **wanted: str) -> dict[str, dict[str, Any]]:
    """The newest figures by key."""
    found: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    while True:
        params = {"limit": str(PAGE)} | wanted | ({"cursor": cursor} if cursor else {})
        answer = await client.get("/v1/figures", params=params, headers=OPERATOR)
        if not answer.is_success:
            raise CommandFailed(said_by(answer))
        page = answer.json()
        found |= {figure["key"]: figure for figure in page["items"]}
        cursor = page.get("nextCursor")
        if cursor is None:
            return found
