"""Parameters of queries: the caller, the pool to read from, the size of a page."""

from typing import Annotated

import asyncpg
from fastapi import Depends, Query, Request, Response

from services.chassis.http.identity import Caller, identify
from services.chassis.running.service import Service


async def _caller(request: Request) -> Caller:
    service: Service = request.app.state.service
    return identify(request, service.settings)


async def _pool(request: Request) -> asyncpg.Pool:
    service: Service = request.app.state.service
    return service.database.pool


CurrentCaller = Annotated[Caller, Depends(_caller)]
ReadPool = Annotated[asyncpg.Pool, Depends(_pool)]
"""The database, for queries outside a transaction."""
Limit = Annotated[int, Query(ge=1, le=200)]
"""How many items one page has."""


def etag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'
