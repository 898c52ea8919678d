"""Parameters of queries: the caller, the pool to read from, texts and the size of a page.

Guarantee: no text of an address is longer than an index entry may be, and none has a NUL, which PostgreSQL refuses.
"""

from enum import StrEnum
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Query, Request, Response
from pydantic import Field, WithJsonSchema

from contracts.values import Visible
from services.chassis.http.identity import Caller, identify
from services.chassis.running.service import Service


async def _caller(request: Request) -> Caller:
    service: Service = request.app.state.service
    return identify(request, service.settings)


async def _pool(request: Request) -> asyncpg.Pool:
    service: Service = request.app.state.service
    return service.database.read_pool


CurrentCaller = Annotated[Caller, Depends(_caller)]
ReadPool = Annotated[asyncpg.Pool, Depends(_pool)]
"""The database, for queries outside a transaction."""
MAX_PAGE = 200
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
"""How many items one page has. Read one more: when it is there, there is a next page."""
NextCursor = Annotated[str, Field(max_length=512)]
"""Where the next page begins; the last page has none."""
TopicName = Annotated[str, Field(max_length=249)]
"""Kafka names no topic longer."""
ShortText = Annotated[str, Field(max_length=512)]
"""A word or a sentence of ours in an answer."""
Text = Visible
"""A text in a path or a query that is no id and no code: a part of a figure's key, for example."""


WITH_ETAG: dict[int | str, dict[str, Any]] = {200: {"headers": {"ETag": {}}}}
"""For the description of a query that tells the version of what it shows."""


def one_of(choices: type[StrEnum]) -> WithJsonSchema:
    """For the description of a text in an answer: it is one of these."""
    return WithJsonSchema({"type": "string", "enum": [each.value for each in choices]})


def etag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'
