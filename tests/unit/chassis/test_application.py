"""Every answer has the promised headers; readiness is what the parts say."""

from typing import cast

import asyncpg
import httpx
import pytest

from services.chassis.http.application import application
from services.chassis.running.database import Database
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings


def a_client(health: Health | None = None, database: Database | None = None) -> httpx.AsyncClient:
    """Calls an application without routes of its own; it needs no database for that."""
    settings = read_settings("requests", 8001, {"SAMENSPEL_DATABASE_URL": "postgresql://127.0.0.1/requests"})
    service = Service(settings, cast("Database", database), health or Health())
    app = application(service, title="Test", description="")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_an_address_that_does_not_take_a_method_lists_those_that_it_takes() -> None:
    async with a_client() as client:
        answer = await client.delete("/health/live")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert answer.json()["type"].endswith("/method-not-allowed")


@pytest.mark.parametrize("path", ["/health/live", "/v1/nothing-here"])
async def test_every_answer_has_the_headers_of_the_api(path: str) -> None:
    async with a_client() as client:
        answer = await client.get(path)

    assert answer.headers["API-Version"] == "1.0.0"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


class Pool:
    """PostgreSQL as the application sees it: it answers, or does not."""

    def __init__(self, *, is_there: bool) -> None:
        self.is_there = is_there

    async def fetchval(self, _: str) -> bool:
        if not self.is_there:
            raise ConnectionRefusedError
        return True


def a_database(*, is_there: bool) -> Database:
    pool = cast("asyncpg.Pool", Pool(is_there=is_there))
    return Database(pool, pool, "", 1, b"", lambda: None)


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


async def test_a_service_that_is_not_ready_answers_as_is_described() -> None:
    async with a_client() as client:
        described = (await client.get("/v1/openapi.json")).json()["paths"]["/health/ready"]["get"]["responses"]

    bodies = {status: described[status]["content"]["application/json"]["schema"] for status in ("200", "503")}
    assert bodies["200"] == bodies["503"] == {"$ref": "#/components/schemas/Readiness"}
