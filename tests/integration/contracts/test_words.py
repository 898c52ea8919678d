"""Words that somebody wrote are nobody else's: wherever a caller puts them, no problem and no log repeats them."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from contracts.sites import SITES
from contracts.topics import SERVICES
from tests.contract.story import an_example, written
from tests.integration.contracts.described import Asked, Known, Operation
from tests.integration.contracts.played import Play
from tests.integration.contracts.test_described import Apis, an_actor, apis, ask, known, plainly

__all__ = ["apis", "known"]  # fixtures

WORDS, SURNAME = "Quist was ziek", "Quist"
KEY = "Quist-was-ziek"
ACTOR = "role=operator; organisation=own:city; actor=o1"
HEADERS = ("Idempotency-Key", "If-Match", "Content-Type", "Content-Encoding", "traceparent", "Accept", "X-Words")
CALLERS = [an_actor("partner"), an_actor("operator")]


def with_words(value: Any) -> Iterator[Any]:
    """The value with words in place of each of its parts, and as the name of a field in each of its objects."""
    yield WORDS
    if isinstance(value, dict):
        yield {**value, WORDS: 1}
        yield from ({**value, name: worded} for name, each in value.items() for worded in with_words(each))
    elif isinstance(value, list):
        places = enumerate(value)
        yield from ([*value[:at], worded, *value[at + 1 :]] for at, each in places for worded in with_words(each))


def bodies_with_words(operation: Operation, known: Known) -> Iterator[bytes]:
    yield WORDS.encode()
    if operation.name == "redrive":  # the words are inside of its Base64
        for message in with_words(an_example("SiteRecorded")):
            value = base64.b64encode(written(message)).decode()
            yield json.dumps({"record": f"{SITES}/0/0", "value": value}).encode()
    for body in known.bodies.get(operation.name, [{}])[:1]:
        yield from (json.dumps(worded).encode() for worded in with_words(body))


def requests_with_words(operation: Operation, known: Known) -> Iterator[Asked]:
    asked = plainly(operation, known)
    if operation.body()[0]:
        asked = replace(asked, content=json.dumps(known.bodies.get(operation.name, [{}])[0]).encode())
        yield from (replace(asked, content=content) for content in bodies_with_words(operation, known))
    yield from (replace(asked, headers={**asked.headers, name: WORDS}) for name in HEADERS)
    for _ in "twice":  # the same key, once for another body
        yield replace(asked, headers={"Idempotency-Key": KEY})
        yield replace(asked, headers={"Idempotency-Key": KEY}, content=b'{"topic": "another"}')
    for parameter in operation.said.get("parameters", ()):
        if parameter["in"] == "path":
            yield replace(asked, target=operation.path.replace(f"{{{parameter['name']}}}", quote(WORDS)))
        elif parameter["in"] == "query":
            yield replace(asked, target=f"{asked.target}?{parameter['name']}={quote(WORDS)}")


@pytest.mark.parametrize("service", SERVICES)
def test_words_of_a_caller_are_in_no_problem_and_in_no_log(
    played: Play, known: Known, apis: Apis, service: str
) -> None:
    process, told, refused = played.services[service], [], 0

    for operation in apis[service]:
        for asked in requests_with_words(operation, known):
            for by in CALLERS:
                answer = ask(process.client, asked, by)
                refused += answer.is_client_error
                if answer.is_error and SURNAME in answer.text:
                    told.append(f"{asked}: {answer.text}")

    assert told[:5] == []
    assert refused > 100
    assert SURNAME not in process.log.read_text()


@pytest.mark.parametrize(
    "actor",
    [
        WORDS,
        f"{ACTOR}; {WORDS}=1",
        f"{WORDS}={WORDS}",
        *(ACTOR.replace(f"={value}", f"={WORDS}") for value in ("operator", "own:city", "o1")),
    ],
)
def test_words_about_who_asks_are_not_repeated(played: Play, actor: str) -> None:
    answer = played.services["requests"].client.get("/v1/sites", headers={"Samenspel-Actor": actor})

    assert answer.status_code == 401
    assert SURNAME not in answer.text
