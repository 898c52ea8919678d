"""The HTTP application of a service.

Guarantee: everything passes the middleware; what needs no service, such as its health, is answered here.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic.alias_generators import to_camel

from contracts.values import Value
from services.chassis.http import problem_handlers
from services.chassis.http.answers import API_VERSION
from services.chassis.http.description import describe
from services.chassis.http.middleware import ApiMiddleware
from services.chassis.http.parameters import ShortText
from services.chassis.running.service import Service

NO_TAGS: Mapping[str, str] = MappingProxyType({})


class Readiness(Value):
    """Whether to send requests here, and how its parts are."""

    status: Literal["ready", "not ready"]
    trouble: bool
    parts: dict[str, ShortText]


def application(service: Service, *, title: str, description: str, tags: Mapping[str, str] = NO_TAGS) -> FastAPI:
    """An application with health checks and error handling; the service adds its routes.

    `tags`: what the tags of its own operations mean.
    """
    app = FastAPI(
        title=title,
        description=description,
        version=API_VERSION,
        openapi_url="/v1/openapi.json",
        openapi_tags=[{"name": tag, "description": about} for tag, about in tags.items()],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: to_camel(route.name),
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    problem_handlers.register(app)
    app.openapi = partial(openapi, app, service.settings.service)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    app.add_middleware(ApiMiddleware)

    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, ShortText]:
        """Whether the process answers."""
        return {"status": "alive"}

    @app.get("/health/ready", tags=["health"], response_model=Readiness, responses={503: {"model": Readiness}})
    async def ready() -> JSONResponse:
        """Whether to send requests here: that needs the database. `trouble` (for operators) also tells of Kafka.

        503, with the same body, while it is not ready."""
        database = await service.database.answers()
        is_ready = database and service.health.can_answer
        body = {
            "status": "ready" if is_ready else "not ready",
            "trouble": not (is_ready and service.health.all_work),
            "parts": {"database": "answers" if database else "does not answer", **service.health.report()},
        }
        return JSONResponse(body, 200 if is_ready else 503)

    return app


def openapi(app: FastAPI, service: str) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = describe(FastAPI.openapi(app), service)
    return app.openapi_schema
