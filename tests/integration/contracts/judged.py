"""What Schemathesis finds wrong with a service: it makes its requests and its verdicts of the description alone.

Its engine sends the examples of the description, the edges of what is allowed and what is not (the phase "coverage"),
random requests ("fuzzing"), and requests with the ids in the answers to others ("stateful").
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any
from uuid import uuid4

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import BaseSchema, Case, CheckContext, Config, HookContext, Response, SerializationContext
from schemathesis.checks import ignored_auth
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.engine.run import PhaseName
from schemathesis.errors import FailureGroup
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import RejectedPositiveData

from contracts.values import Actor
from services.chassis.http.body import LINES
from services.chassis.http.command_routes import KEY
from services.chassis.http.identity import HEADER
from tests.integration.contracts.described import BY_ANY_OPERATION, Known

CHECKS: dict[str, dict[str, Any]] = {
    "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "503"]},
    # Whoever may not, what is not there, a rule, and a version that is not the newest: no schema says these.
    "positive_data_acceptance": {"expected-statuses": ["2xx", "403", "404", "409", "412", "503"]},
    "status_code_conformance": {"enabled": False},  # `default` would allow every status: see `is_described_by_status`
    "use_after_free": {"enabled": False},  # nothing is ever deleted
    "object_level_authorization": {"enabled": False},  # who sees what is no part of a description: `who_sees_what.py`
}


@schemathesis.check
def is_described_by_status(_: CheckContext, response: Response, case: Case[Any]) -> None:
    described = case.operation.responses.status_codes
    assert str(response.status_code) in described or response.status_code in BY_ANY_OPERATION, "it is not described"


@schemathesis.serializer(LINES)
def as_lines(_: SerializationContext, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


schemathesis.openapi.format("base64", st.binary(max_size=100).map(lambda said: base64.b64encode(said).decode()))


@schemathesis.hook("before_call")
def with_headers_that_are_taken(_: HookContext, case: Case[Any], __: dict[str, Any]) -> None:
    """A key of its own: else all but the first would be refused for their key. And an entity tag, where the phase
    "coverage" has none: it writes nothing but letters and digits in headers."""
    if KEY.match(case.headers.get("Idempotency-Key", "")):
        case.headers["Idempotency-Key"] = str(uuid4())
    is_about = getattr(case.meta.phase.data, "parameter", None) if case.meta else None
    if case.headers.get("If-Match") == "0" and is_about != "If-Match":
        case.headers["If-Match"] = "*"


def could_be_described(_: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether a refusal says that the description is wrong: not where it is of a rule that JSON Schema cannot express,
    which has a type of its own, nor of lines, of which it says nothing but that they are text."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    return case.media_type != LINES and str(response.json()["type"]).endswith("/malformed")


def one_edge_in(number: int) -> Callable[[HookContext, Case[Any]], bool]:
    """The edges are thousands, most of them values of a wrong type, five for each field: every so many of them, the
    same in each run."""
    turns = count()

    def is_sent(_: HookContext, case: Case[Any]) -> bool:
        is_edge = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
        return not is_edge or next(turns) % number == 0

    return is_sent


def an_api(url: str, known: Known, *, first: Actor, random_requests: int) -> BaseSchema:
    """A service as it describes itself, and the values that it knows: six in ten values are such ones."""
    dictionaries = {name: {"values": values} for name, values in known.named.items()}
    places = [f"{location}.{name}" for location in ("path", "query", "header", "body") for name in dictionaries]
    config = Config.from_dict(
        {
            "cache": {"enabled": False},  # else a run depends on the runs before it
            "headers": who(first),
            "generation": {
                "deterministic": True,
                "max-examples": random_requests,
                "no-shrink": True,  # a service remembers: the same request again is another one
                "with-security-parameters": False,  # who asks is in `headers`
            },
            "phases": {"coverage": {"unexpected-methods": ["TRACE"]}},  # no service knows another as well
            "checks": CHECKS,
            "dictionaries": dictionaries,
            "parameters": {place: {"dictionary": place.partition(".")[2], "probability": 0.6} for place in places},
            "continue-on-failure": True,
        }
    )
    api = schemathesis.openapi.from_url(f"{url}/v1/openapi.json", config=config)
    api.hook("filter_failure")(could_be_described)
    return api


def who(by: Actor) -> dict[str, str]:
    return {HEADER: f"role={by.role}; organisation={by.organisation}; actor={by.actor}"}


def what_is_wrong(api: BaseSchema, *, others: Sequence[Actor], with_the_edges: bool = False) -> Iterator[str]:
    """What the others ask is what the first asked; `with_the_edges`: also the edges."""
    with requests.Session() as session:
        for event in from_schema(api).execute():
            match event:
                case events.ScenarioFinished(recorder=recorder, phase=phase):
                    yield from _failures(recorder)
                    if with_the_edges or phase is not PhaseName.COVERAGE:
                        yield from _failures_with_others(recorder, others, session)
                case events.NonFatalError(label=label, value=error):
                    yield f"{label}: {error}"
                case events.FatalError(exception=error):
                    raise error


def _failures(recorder: ScenarioRecorder) -> Iterator[str]:
    for checks in recorder.checks.values():
        for failure in [check.failure_info for check in checks if check.failure_info]:
            yield f"{recorder.label}: {failure.failure}\n{failure.code_sample}"


def _failures_with_others(
    recorder: ScenarioRecorder, others: Sequence[Actor], session: requests.Session
) -> Iterator[str]:
    for case in [recorder.cases[asked].value for asked in recorder.checks]:
        for by in others:
            try:
                # What is answered to nobody was seen when the first asked.
                case.call_and_validate(session=session, headers=who(by), excluded_checks=[ignored_auth])
            except FailureGroup as group:
                yield f"{by}: {group}"
