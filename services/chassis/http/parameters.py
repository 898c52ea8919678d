"""Parameters of queries: the caller, the pool to read from, texts and the size of a page.

Guarantee: no text of an address is longer than an index entry may be, and none has a NUL, which PostgreSQL refuses.
"""

from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Query, Request, Response

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
Text = Visible
"""A text in a path or a query that is no id and no code: a part of a figure's key, for example."""


WITH_ETAG: dict[int | str, dict[str, Any]] = {200: {"headers": {"ETag": {}}}}
"""For the description of a query that tells the version of what it shows."""


def etag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'
