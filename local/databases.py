"""One database and one role per service: nobody but its role (and the superuser) can connect to a database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from local.waiting import completed

PATIENCE = 5.0  # seconds for one connection on this machine


def create(superuser_url: str, *, name: str, role: str, password: str) -> str:
    completed(_create(superuser_url, name, role, password))
    return url(superuser_url, name=name, role=role, password=password)


def revoke_public_access(superuser_url: str, *names: str) -> None:
    """Close these databases to other roles: PostgreSQL lets every role connect by default."""
    completed(_revoke_public_access(superuser_url, names))


def url(server: str, *, name: str, role: str, password: str) -> str:
    parts = urlsplit(server)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{role}:{password}@{address}", f"/{name}", parts.query, ""))


def accepts_statements(superuser_url: str) -> bool:
    try:
        return completed(_version(superuser_url)) > 0
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False


async def _version(superuser_url: str) -> int:
    async with _connected(superuser_url) as server:
        return int(await server.fetchval("SELECT current_setting('server_version_num')"))


async def _create(superuser_url: str, name: str, role: str, password: str) -> None:
    async with _connected(superuser_url) as server:
        if not await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await _execute(server, "CREATE ROLE %I LOGIN", role)
        await _execute(server, "ALTER ROLE %I PASSWORD %L", role, password)
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await _execute(server, "CREATE DATABASE %I OWNER %I", name, role)
        await _execute(server, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)


async def _revoke_public_access(superuser_url: str, names: tuple[str, ...]) -> None:
    async with _connected(superuser_url) as server:
        for name in names:
            await _execute(server, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)


@asynccontextmanager
async def _connected(superuser_url: str) -> AsyncIterator[asyncpg.Connection]:
    server = await asyncpg.connect(superuser_url, timeout=PATIENCE)
    try:
        yield server
    finally:
        await server.close()


async def _execute(server: asyncpg.Connection, statement: str, *names: str) -> None:
    """A statement whose names the server quotes: they cannot be parameters."""
    numbers = ", ".join(f"${number}::text" for number in range(2, len(names) + 2))
    await server.execute(await server.fetchval(f"SELECT format($1, {numbers})", statement, *names))
