"""How a command asks a service, and what it makes of its answer."""

from typing import Any

import httpx

from samenspel.failure import CommandFailed

OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:samenspel; actor=command"}
PAGE = 1000
ANSWER = 60.0  # seconds; the events behind a city's figure are computed when they are asked for


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
