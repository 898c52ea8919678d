"""How a command asks a service over HTTP, and how it shows a refusal."""

from typing import Any

import httpx

from samenspel.failure import CommandFailed

OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:samenspel; actor=command"}
PAGE = 1000  # the most that a service gives at once
ANSWER_SECONDS = 60.0  # the events behind a city's figure are looked up when they are asked for


def ask(url: str, method: str, path: str, **parts: Any) -> Any:  # noqa: ANN401 - any JSON
    """The answer's JSON; raises `CommandFailed` with the service's own sentence when it refuses."""
    headers = OPERATOR | parts.pop("headers", {})
    try:
        answer = httpx.request(method, url + path, headers=headers, timeout=ANSWER_SECONDS, **parts)
    except httpx.TransportError as error:
        raise CommandFailed(f"{url} does not answer ({type(error).__name__}). Is the service running there?") from error
    if not answer.is_success:
        raise CommandFailed(refusal(answer))
    return answer.json()


def refusal(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        fields = "".join(
            f"; {each['field']}: {each['value']!r}, allowed: {each['allowed']}" for each in problem["errors"]
        )
        return f"{problem['title']} ({answer.status_code}): {problem['detail']}{fields}"
    except (ValueError, LookupError, TypeError):
        return f"{answer.request.url} answered {answer.status_code}"
