"""One database and one role per service: nobody but its role (and the superuser) can connect to a database."""

from urllib.parse import urlsplit, urlunsplit

import asyncpg

from local.waiting import completed

PATIENCE = 5.0  # seconds for one connection on this machine


def provide(superuser_url: str, *, name: str, role: str, password: str) -> str:
    """Make the database and its role where they are missing, and return the role's URL."""
    completed(_provide(superuser_url, name, role, password))
    return url(superuser_url, name=name, role=role, password=password)


def close_to_the_public(superuser_url: str, *names: str) -> None:
    """Keep roles that were not let in out of these databases: PostgreSQL lets everyone connect by default."""
    completed(_close(superuser_url, names))


def url(server: str, *, name: str, role: str, password: str) -> str:
    """The URL of a database on the server to which another URL leads."""
    parts = urlsplit(server)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{role}:{password}@{place}", f"/{name}", parts.query, ""))


def answers(superuser_url: str) -> bool:
    """Whether the server takes statements."""
    try:
        return completed(_version(superuser_url)) > 0
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False


async def _version(superuser_url: str) -> int:
    server = await asyncpg.connect(superuser_url, timeout=PATIENCE)
    try:
        return int(await server.fetchval("SELECT current_setting('server_version_num')"))
    finally:
        await server.close()


async def _provide(superuser_url: str, name: str, role: str, password: str) -> None:
    server = await asyncpg.connect(superuser_url, timeout=PATIENCE)
    try:
        if not await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await _say(server, "CREATE ROLE %I LOGIN", role)
        await _say(server, "ALTER ROLE %I PASSWORD %L", role, password)
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await _say(server, "CREATE DATABASE %I OWNER %I", name, role)
        await _say(server, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)
    finally:
        await server.close()


async def _close(superuser_url: str, names: tuple[str, ...]) -> None:
    server = await asyncpg.connect(superuser_url, timeout=PATIENCE)
    try:
        for name in names:
            await _say(server, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)
    finally:
        await server.close()


async def _say(server: asyncpg.Connection, statement: str, *names: str) -> None:
    """A statement whose names the server quotes: they cannot be parameters."""
    places = ", ".join(f"${place}::text" for place in range(2, len(names) + 2))
    await server.execute(await server.fetchval(f"SELECT format($1, {places})", statement, *names))
