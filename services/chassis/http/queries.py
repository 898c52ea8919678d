"""Routes of queries. Guarantee: what is absent is left out of an answer; nothing is ever null."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute


class _Query(APIRoute):
    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:  # noqa: ANN401 - as in FastAPI
        super().__init__(path, endpoint, **{**settings, "response_model_exclude_none": True})


def query_routes() -> APIRouter:
    return APIRouter(route_class=_Query)
