"""The transactions of a service, and what ends them."""

import asyncio

import asyncpg
import pytest

from local import RealParts
from services.chassis.running.leadership import leadership
from tests.sandbox import a_sandbox


async def test_who_is_told_to_stop_stops_though_the_connection_is_gone(stack: RealParts) -> None:
    """Red without `stay_cancelled`: a consumer took the failed rollback for a database that does not answer,
    and waited for it for ever while its process ended."""
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        begun = asyncio.Event()

        async def work() -> None:
            async with sandbox.database.transaction():
                begun.set()
                await asyncio.Event().wait()

        working = asyncio.create_task(work())
        await begun.wait()
        sandbox.database.pool.terminate()
        working.cancel()

        with pytest.raises(asyncio.CancelledError):
            await working


async def test_a_leader_who_is_told_to_stop_stops_though_its_connection_is_gone(stack: RealParts) -> None:
    """Red without `stay_cancelled` in `leadership`: the relay and the projection would lead again."""
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        leading = asyncio.get_running_loop().create_future()

        async def lead() -> None:
            async with (
                leadership(sandbox.settings.database_url, "anything", lambda: None) as connection,
                connection.transaction(),
            ):
                leading.set_result(connection)
                await asyncio.Event().wait()

        working = asyncio.create_task(lead())
        connection: asyncpg.Connection = await leading
        connection.terminate()
        working.cancel()

        with pytest.raises(asyncio.CancelledError):
            await working
