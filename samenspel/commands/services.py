"""How a command asks a service over HTTP, and how it shows a problem."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from samenspel.failure import CommandFailed

OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:samenspel; actor=command"}
PAGE = 1000  # figures, the most that are given at once
SITES_PAGE = 200  # sites, the most that are given at once
ANSWER_SECONDS = 60.0  # the events behind a city's figure are looked up when they are asked for


def ask(url: str, method: str, path: str, **parts: Any) -> Any:  # noqa: ANN401 - any JSON
    """The answer's JSON; raises `CommandFailed` with the service's own sentence when it refuses."""
    headers = OPERATOR | parts.pop("headers", {})
    try:
        answer = httpx.request(method, url + path, headers=headers, timeout=ANSWER_SECONDS, **parts)
    except httpx.TransportError as error:
        raise CommandFailed(f"{url} does not answer ({type(error).__name__}). Is the service running there?") from error
    if not answer.is_success:
        raise CommandFailed(problem_in_words(answer))
    return answer.json()


def download(url: str, path: str, file: Path, **parts: Any) -> httpx.Response:  # noqa: ANN401 - as above
    """Write an answer to a file as it comes. What was cut off on the way is no file."""
    part = file.with_name(f"{file.name}.part")
    try:
        with httpx.stream("GET", url + path, headers=OPERATOR, timeout=ANSWER_SECONDS, **parts) as answer:
            if not answer.is_success:
                answer.read()
                raise CommandFailed(problem_in_words(answer))
            with part.open("wb") as opened:
                for each in answer.iter_bytes():
                    opened.write(each)
    except httpx.TransportError as error:
        part.unlink(missing_ok=True)
        raise CommandFailed(f"{url} does not answer ({type(error).__name__}). Is the service running there?") from error
    part.replace(file)
    return answer


def all_items(url: str, path: str, **asked: object) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = ask(url, "GET", path, params=asked | ({"cursor": cursor} if cursor else {}))
        yield from page["items"]
        cursor = page.get("nextCursor")
        if cursor is None:
            return


def site_names(url: str, site_ids: Collection[str], caller: Mapping[str, str] = OPERATOR) -> dict[str, str]:
    return asyncio.run(_site_names(url, sorted(site_ids), caller))


async def _site_names(url: str, site_ids: Collection[str], caller: Mapping[str, str]) -> dict[str, str]:
    async def name(client: httpx.AsyncClient, site_id: str) -> str | None:
        try:
            answer = await client.get(f"/v1/sites/{quote(site_id)}")
        except httpx.TransportError:
            return None
        return str(answer.json()["details"]["name"]["nl"]) if answer.is_success else None

    async with httpx.AsyncClient(base_url=url, headers=caller, timeout=ANSWER_SECONDS) as client:
        found = await asyncio.gather(*(name(client, site_id) for site_id in site_ids))
    return {site_id: said for site_id, said in zip(site_ids, found, strict=True) if said is not None}


def problem_in_words(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        fields = "".join(
            f"; {each['field']}: {each['value']!r}, allowed: {each['allowed']}" for each in problem["errors"]
        )
        return f"{problem['title']} ({answer.status_code}): {problem['detail']}{fields}"
    except (ValueError, LookupError, TypeError):
        return f"{answer.request.url} answered {answer.status_code}"
