"""The HTTP door of a service in this process, on the tables of a sandbox."""

from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from contracts.values import Actor
from services.chassis.commands import Commands
from services.chassis.http.application import application
from services.chassis.http.command_routes import add_command_routes
from services.chassis.running.service import Service
from tests.sandbox import Sandbox


def a_client(sandbox: Sandbox, *registries: Commands) -> httpx.AsyncClient:
    settings = sandbox.settings.model_copy(update={"development_identity": True})
    service = Service(settings, sandbox.database, sandbox.health)
    app = application(service, title="In a test", description="")
    add_command_routes(app, service, *registries)
    return client_of(app)


def client_of(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    """Of an application in this process, as from this machine."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)


async def post(client: httpx.AsyncClient, path: str, body: Any, *, by: Actor) -> httpx.Response:
    headers = {
        "Samenspel-Actor": f"role={by.role}; organisation={by.organisation}; actor={by.actor}",
        "Idempotency-Key": str(uuid4()),
    }
    return await client.post(path, json=body, headers=headers)


def problem_of(answer: httpx.Response) -> str | None:
    """The last part of the problem's type; none when it was done."""
    return None if answer.is_success else str(answer.json()["type"]).rpartition("/")[2]
