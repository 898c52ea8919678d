"""The HTTP door of commands: a route for each of them, described from the registry.

FastAPI describes the routes (parameters, body, answer, problems); what is read and answered is written here, because
FastAPI's own way solves dependencies and validates our own answers at each request.
"""

import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, Path, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.commands import Answer, Call, Command, Commands, NoBody, carry_out
from services.chassis.http.body import LINES, read_body
from services.chassis.http.examples import example_of
from services.chassis.http.identity import identify
from services.chassis.problems import Malformed, WrongField
from services.chassis.running import telemetry
from services.chassis.running.service import Service

KEY = re.compile(r"^[!-~]{1,128}$")
_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
TAGS = re.compile(rf"(?:[ \t]*,)*[ \t]*{_TAG}(?:[ \t]*,(?:[ \t]*{_TAG})?)*[ \t]*")
"""A list of entity tags (RFC 9110, 8.8.3 and 5.6.1)."""
DESCRIBED_TAGS = r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'
"""The same for callers, without what RFC 9110 allows and nobody writes, such as tags outside of ASCII."""
VERSION = re.compile(r'(W/)?"([1-9][0-9]{0,8})"')
ANY_VERSION = range(1, 2**31)
PROBLEMS = (400, 401, 403, 404, 409, 412, 413, 415, 503)
"""What a command may be answered with; `description` says what each means."""


class IdempotencyKeyMissing(Malformed):
    """A POST needs the header Idempotency-Key: 1 to 128 visible ASCII characters, new for each command."""


def add_command_routes(app: FastAPI, service: Service, *registries: Commands) -> None:
    known = Commands()
    known.include(*registries)
    for command in known.by_name.values():
        app.router.add_api_route(
            _path(command),
            _described(command),
            methods=[command.method],
            status_code=command.status,
            response_model=command.view,
            operation_id=command.name,
            tags=["reference data" if command.step is None and command.event else command.collection],
            description=_description(command),
            responses=_responses(command),
            openapi_extra=_lines_body(command),
        )
        route = app.router.routes[-1]
        assert isinstance(route, APIRoute), "it was just added"
        route.app = _application(_handler(service, command))


def _application(handle: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return answer


def _handler(service: Service, command: Command) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        caller = identify(request, service.settings)
        call = Call(
            by=caller.actor,
            at=caller.now,
            key=_idempotency_key(request),
            expected_versions=expected_versions(request.headers.get("If-Match")),
            subject=command.read_subject(request.path_params[command.subject_field]) if command.identified_by else None,
            body=await read_body(request, command),
            traceparent=telemetry.traceparent(),
        )
        return _response(command, await carry_out(service.database, command, call))

    return handle


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None and request.method == "POST":
        raise IdempotencyKeyMissing(None, WrongField("Idempotency-Key", None, KEY.pattern))
    if key is not None and not KEY.match(key):
        raise IdempotencyKeyMissing(None, WrongField("Idempotency-Key", None, KEY.pattern))
    return key


def expected_versions(header: str | None) -> Collection[int] | None:
    """The versions that `If-Match` names; None when there is no such header.

    A weak tag matches nothing (RFC 9110, 13.1.1: the comparison is strong), nor does a tag that is no version.
    """
    if header is None:
        return None
    if header.strip(" \t") == "*":
        return ANY_VERSION
    if not TAGS.fullmatch(header):
        raise Malformed(None, WrongField("If-Match", None, '"<version>", a list of them, or *'))
    return {int(tag) for is_weak, tag in VERSION.findall(header) if not is_weak}


def _response(command: Command, answer: Answer) -> Response:
    response = Response(answer.view, command.status, media_type="application/json")
    if answer.version is not None:
        response.headers["ETag"] = f'"{answer.version}"'
    if answer.subject is not None and command.identified_by is None:
        response.headers["Location"] = f"/v1/{command.collection}/{answer.subject}"
    if answer.is_replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _path(command: Command) -> str:
    subject = f"/{{{command.subject_field}}}" if command.identified_by else ""
    return f"/v1/{command.collection}{subject}{f'/{command.noun}' if command.noun else ''}"


def _described(command: Command) -> Callable[[], None]:
    """A function with the parameters of the command's route, for FastAPI to describe: it is never called."""

    def endpoint() -> None:
        raise AssertionError

    key = str if command.method == "POST" else str | None
    parameters: dict[str, Any] = {"key": Annotated[key, Header(alias="Idempotency-Key", pattern=KEY.pattern)]}
    if command.identified_by:
        about = 'The version that you have read, as in `ETag`: `"2"`; a list of versions; `*` for any.'
        parameters["version"] = Annotated[
            str | None, Header(alias="If-Match", description=about, max_length=1_000, pattern=DESCRIBED_TAGS)
        ]
        parameters[f"{command.kind}_id"] = Annotated[command.identified_by, Path(alias=command.subject_field)]
    if not command.in_lines:
        optional = command.body | None if command.body is NoBody else command.body
        parameters["body"] = Annotated[optional, Body(examples=_examples(command))]
    endpoint.__name__ = command.name
    endpoint.__signature__ = Signature(  # type: ignore[attr-defined]  # what `inspect.signature` reads
        [
            Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=_default(kind))
            for name, kind in parameters.items()
        ]
    )
    return endpoint


def _default(annotated: Any) -> object:  # noqa: ANN401 - a type
    is_optional = type(None) in getattr(annotated.__origin__, "__args__", ())
    return None if is_optional else Parameter.empty


def _description(command: Command) -> str:
    if command.step is None:
        return command.about
    who = ", ".join(f"`{role}` of its {party}" for role, party in command.step.who.items())
    begins = f"It must be {' or '.join(f'`{state}`' for state in command.step.begins)}. " if command.step.begins else ""
    return f"{command.about}\n\nAllowed to: {who}. {begins}Announces `{command.step.event.__name__}`."


def _responses(command: Command) -> dict[int | str, dict[str, Any]]:
    headers: dict[str, Any] = {"Idempotency-Replayed": {}}
    if command.event and not command.in_lines:
        headers["ETag"] = {}
    if command.has_address and command.identified_by is None and not command.in_lines:
        headers["Location"] = {}
    problems: dict[int | str, dict[str, Any]] = {status: {} for status in PROBLEMS}
    if command.identified_by is None:
        del problems[404], problems[412]
    return {command.status: {"headers": headers}, **problems}


def _examples(command: Command) -> list[Mapping[str, Any]]:
    example = example_of(command)
    return [] if example is None else [example]


def _about_line(command: Command) -> str:
    kind = command.kind
    return f"One JSON object a line: the body of `PUT /{command.collection}/{{{kind}Id}}`, and in it the `{kind}Id`."


def _lines_body(command: Command) -> dict[str, Any] | None:
    if not command.in_lines:
        return None
    schema = {"type": "string", "pattern": r"\S", "description": _about_line(command)}
    lines = [json.dumps(example, ensure_ascii=False) for example in _examples(command)]
    return {"requestBody": {"required": True, "content": {LINES: {"schema": schema, "example": "\n".join(lines)}}}}
