"""Every answer has the promised headers; every body has a limit; readiness is what the parts say."""

from collections.abc import AsyncIterator
from typing import cast

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request

from services.chassis.http.application import BODY_LIMIT, LINES_LIMIT, application
from services.chassis.running.database import Database
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings

LINES = {"Content-Type": "application/x-ndjson"}
PART = 1024


def a_client(health: Health | None = None, database: Database | None = None) -> httpx.AsyncClient:
    """Calls an application that answers with the size of the body; it needs no database for that."""
    settings = read_settings("requests", 8001, {"SAMENSPEL_DATABASE_URL": "postgresql://127.0.0.1/requests"})
    service = Service(settings, cast("Database", database), health or Health())
    app: FastAPI = application(service, title="Test", description="")

    @app.post("/v1/sizes")
    async def size(request: Request) -> int:
        return len(await request.body())

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def in_parts(size: int) -> AsyncIterator[bytes]:
    """A body whose length is not declared."""
    for _ in range(0, size, PART):
        yield b"x" * PART


@pytest.mark.parametrize("path", ["/health/live", "/v1/nothing-here"])
async def test_every_answer_has_the_headers_of_the_api(path: str) -> None:
    async with a_client() as client:
        answer = await client.get(path)

    assert answer.headers["API-Version"] == "1.0.0"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("size", "headers"), [(BODY_LIMIT, {}), (BODY_LIMIT + 1, LINES), (LINES_LIMIT, LINES)])
async def test_a_body_within_its_limit_is_received_whole(size: int, headers: dict[str, str]) -> None:
    async with a_client() as client:
        answer = await client.post("/v1/sizes", content=b"x" * size, headers=headers)

    assert answer.json() == size


@pytest.mark.parametrize(("size", "headers"), [(BODY_LIMIT + 1, {}), (LINES_LIMIT + 1, LINES)])
async def test_a_body_over_its_limit_is_a_problem(size: int, headers: dict[str, str]) -> None:
    async with a_client() as client:
        answer = await client.post("/v1/sizes", content=b"x" * size, headers=headers)

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["type"].endswith("/body-too-large")


async def test_a_body_that_does_not_declare_its_length_has_the_same_limit() -> None:
    async with a_client() as client:
        within = await client.post("/v1/sizes", content=in_parts(BODY_LIMIT))
        over = await client.post("/v1/sizes", content=in_parts(BODY_LIMIT + PART))

    assert within.json() == BODY_LIMIT
    assert over.status_code == 400
    assert over.json()["type"].endswith("/body-too-large")


class Pool:
    """PostgreSQL as the application sees it: it answers, or does not."""

    def __init__(self, *, is_there: bool) -> None:
        self.is_there = is_there

    async def fetchval(self, _: str) -> bool:
        if not self.is_there:
            raise ConnectionRefusedError
        return True


def a_database(*, is_there: bool) -> Database:
    return Database(cast("asyncpg.Pool", Pool(is_there=is_there)), "", 1, b"", lambda: None)


async def test_a_service_is_ready_while_its_database_answers_though_kafka_does_not() -> None:
    health = Health()
    health.trouble("relay", "Kafka does not answer")

    async with a_client(health, a_database(is_there=True)) as client:
        answer = await client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["trouble"] is True
    assert answer.json()["parts"] == {"database": "answers", "relay": "Kafka does not answer"}


async def test_a_service_without_its_database_is_not_ready() -> None:
    async with a_client(Health(), a_database(is_there=False)) as client:
        answer = await client.get("/health/ready")

    assert (answer.status_code, answer.json()["parts"]) == (503, {"database": "does not answer"})


async def test_a_service_whose_tables_are_being_rebuilt_is_not_ready() -> None:
    health = Health()
    health.trouble("projection", "rebuilding", blocks=True)

    async with a_client(health, a_database(is_there=True)) as client:
        answer = await client.get("/health/ready")

    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
