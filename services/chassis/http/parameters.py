"""What an endpoint is given: its transaction, its caller, the pool to read from, and the bounds of a page."""

from typing import Annotated

import asyncpg
from fastapi import Depends, Query, Request, Response

from services.chassis.http.identity import Caller, identify
from services.chassis.running.database import Transaction
from services.chassis.running.service import Service


async def _transaction(request: Request) -> Transaction:
    tx: Transaction = request.state.tx
    return tx


async def _caller(request: Request) -> Caller:
    if not hasattr(request.state, "caller"):
        request.state.caller = identify(request, request.app.state.service.settings)
    caller: Caller = request.state.caller
    return caller


async def _pool(request: Request) -> asyncpg.Pool:
    service: Service = request.app.state.service
    return service.database.pool


CommandTx = Annotated[Transaction, Depends(_transaction)]
"""The transaction of this command."""
CurrentCaller = Annotated[Caller, Depends(_caller)]
"""Who is asking."""
ReadPool = Annotated[asyncpg.Pool, Depends(_pool)]
"""The database, to read from."""
Limit = Annotated[int, Query(ge=1, le=200)]
"""How many things one page shows."""


def etag(response: Response, version: int) -> None:
    """Say which version the answer shows."""
    response.headers["ETag"] = f'"{version}"'
