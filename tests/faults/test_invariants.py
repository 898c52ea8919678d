"""The negative controls of the invariants: each reports a violation when what it guards is broken."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from contracts.topics import INPUTS, SERVICES
from demo.recount import Record
from tests.faults.client import OPERATOR, Call
from tests.faults.conftest import System
from tests.faults.invariants import violations_in
from tests.faults.snapshot import Snapshot, snapshot_of


@pytest.fixture(scope="module")
def snapshot(city: System) -> Snapshot:
    """What was written down after some undisturbed load."""
    with city.load(requests=10):
        pass
    return snapshot_of(city.stack)


def test_nothing_is_violated_by_undisturbed_load(city: System, snapshot: Snapshot) -> None:
    assert violations_in(snapshot, city.calls, foreign=city.foreign) == []
    assert city.server_errors() == []
    assert {read.service for read in city.reads if read.outcome == "ok"} == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_answer_with_5xx_is_reported_whichever_it_is(city: System, service: str, status: int) -> None:
    system = System(city.stack)
    system.reads.append(read := Call(service, "GET", "/v1/x", OPERATOR, None))

    read.note(httpx.Response(status))

    assert system.server_errors() == [f"{service}: GET /v1/x"]


def test_an_acknowledged_command_without_an_event_is_reported(city: System, snapshot: Snapshot) -> None:
    forgotten = Call("requests", "POST", "/v1/requests", OPERATOR, None, outcome="ok")

    assert names(violations_in(snapshot, [*city.calls, forgotten], foreign=city.foreign)) == {"acknowledged"}


@pytest.mark.parametrize(
    ("disturbance", "reported_by"),
    [
        ("a message is lost", {"published", "versions", "reactions"}),
        ("a message that nobody announced", {"published"}),
        ("a message is doubled, with another id", {"published"}),
        ("a figure was never published", {"counted"}),
        ("a command had its effect twice", {"effects"}),
        ("a reaction was lost", {"reactions"}),
        ("a fact was appended twice", {"consumed"}),
    ],
)
def test_what_is_lost_or_doubled_is_reported(
    city: System, snapshot: Snapshot, disturbance: str, reported_by: set[str]
) -> None:
    disturbed = DISTURBANCES[disturbance](snapshot)

    violations = violations_in(disturbed, city.calls, foreign=city.foreign)

    assert names(violations) >= reported_by


def names(violations: list[str]) -> set[str]:
    """The invariants that were violated."""
    return {each.partition(":")[0] for each in violations}


def without_a_first_version(snapshot: Snapshot) -> Snapshot:
    """Of a request, which has two versions or more, the first message is gone."""
    lost = next(event for event in snapshot.events() if event.type.startswith("nl.samenspel.RequestRaised"))
    return replace(snapshot, records=[record for record in snapshot.records if record[:3] != lost.offset])


def with_a_ghost(snapshot: Snapshot) -> Snapshot:
    ghost = snapshot.records[0]._replace(offset=10**9, value=snapshot.records[0].value.replace(b'"id":"0', b'"id":"1'))
    return replace(snapshot, records=[*snapshot.records, ghost])


def with_a_reaction_lost(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, inboxes={name: rows[1:] for name, rows in snapshot.inboxes.items()})


def with_an_effect_doubled(snapshot: Snapshot) -> Snapshot:
    row = next(row for row in snapshot.journals["requests"] if b"RequestRaised" in row["value"])
    return replace(snapshot, journals={**snapshot.journals, "requests": [*snapshot.journals["requests"], row]})


UNKNOWN: Record = Record(INPUTS[0], 0, 10**9, b"{}")
DISTURBANCES: dict[str, Callable[[Snapshot], Snapshot]] = {
    "a message is lost": without_a_first_version,
    "a message that nobody announced": lambda snapshot: replace(snapshot, records=[*snapshot.records, UNKNOWN]),
    "a message is doubled, with another id": with_a_ghost,
    "a figure was never published": lambda snapshot: replace(snapshot, history=snapshot.history[:1]),
    "a command had its effect twice": with_an_effect_doubled,
    "a reaction was lost": with_a_reaction_lost,
    "a fact was appended twice": lambda snapshot: replace(snapshot, facts=snapshot.facts + 1),
}
