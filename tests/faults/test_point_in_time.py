"""A database is restored to an earlier point, from a base backup and the log, while the service's replicas run."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from contracts.requests import REQUESTS
from contracts.sites import SITES
from local import RealParts
from tests.builders import ART, BABEL, GROUP, S_PORT, SCHOOL, SPORT, group_details, request_details, site_details
from tests.integration.requests.commands import COORDINATOR, OPERATOR, a_broker, a_request
from tests.point_in_time import ArchivedServer, archived_server
from tests.service_process import ServiceProcess, as_json, started
from tests.waiting import wait_until

POINT = "before what is lost"


@dataclass(frozen=True, slots=True)
class PartsBeside:
    """The Kafka of all, and a PostgreSQL of its own."""

    kafka: str
    server: ArchivedServer

    def create_database(self, name: str, role: str) -> str:
        return self.server.create_database(name, role)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ArchivedServer]:
    (folder := tmp_path / "server").mkdir()
    with archived_server(folder) as server:
        yield server


@pytest.fixture
def replicas(stack: RealParts, server: ArchivedServer, tmp_path: Path) -> Iterator[list[ServiceProcess]]:
    """Two of `requests` over one database."""
    parts = PartsBeside(stack.kafka, server)
    with ExitStack() as running:
        replicas = []
        for name in ("one", "two"):
            (folder := tmp_path / name).mkdir()
            replicas.append(running.enter_context(started(parts, "requests", prefix="pitr-", folder=folder)))
        yield replicas


@pytest.mark.fault("T26")
def test_both_replicas_go_on_as_if_nothing_had_been_lost(
    replicas: list[ServiceProcess], server: ArchivedServer
) -> None:
    one, two = replicas
    one.ask_ok("PUT", f"/v1/sites/{SCHOOL}", as_json(site_details()), by=OPERATOR)
    one.ask_ok("PUT", f"/v1/groups/{GROUP}", as_json(group_details()), by=OPERATOR)
    one.receives(a_broker(BABEL, ART), key=BABEL)
    before = wait_until(lambda: is_assigned(one, a_request(one)))
    server.back_up()
    kept = wait_until(lambda: is_assigned(two, a_request(two)))
    everything_is_published(one)
    server.mark(POINT)
    lost = [shown(replica, a_request(replica)["requestId"]) for replica in replicas]
    one.receives(a_broker(S_PORT, SPORT), key=S_PORT)
    wait_until(lambda: one.rows("SELECT 1 FROM records WHERE entity_id = $1", S_PORT))
    everything_is_published(one)

    server.restore(POINT)

    wait_until(lambda: epoch(one) == 2)
    for replica in replicas:
        assert [shown(replica, each["requestId"]) for each in (before, kept, *lost)] == [before, kept, *lost]
        asked = wait_until(partial(ask_for_sport, replica))
        assert asked["brokerIds"] == [S_PORT]  # what was heard since the point was heard again
    everything_is_published(one)
    versions = Counter(
        (each.aggregate, each.envelope.streamepoch, each.envelope.aggregateversion)
        for topic in (REQUESTS, SITES)
        for each in {message.envelope.id: message for message in one.published(topic)}.values()
    )
    assert set(versions.values()) == {1}
    assert {epoch for _, epoch, _ in versions} == {1, 2}


def is_assigned(replica: ServiceProcess, request: dict[str, object]) -> dict[str, object] | None:
    return shown(replica, request["requestId"]) if request["status"] == "assigned" else None


def shown(replica: ServiceProcess, request_id: object) -> dict[str, object]:
    answer: dict[str, object] = replica.ask("GET", f"/v1/requests/{request_id}", by=COORDINATOR).json()
    return answer


def ask_for_sport(replica: ServiceProcess) -> dict[str, object] | None:
    """A request for which a broker is found; None while the service does not answer, or knows no broker."""
    body = as_json(request_details(learning_areas=(SPORT,)))
    answer = replica.ask("POST", "/v1/requests", body, by=COORDINATOR)
    return answer.json() if answer.is_success and answer.json()["brokerIds"] else None


def epoch(replica: ServiceProcess) -> int:
    return int(replica.rows("SELECT epoch FROM stream")[0]["epoch"])


def everything_is_published(replica: ServiceProcess) -> None:
    wait_until(lambda: replica.rows("SELECT count(*) AS waiting FROM outbox")[0]["waiting"] == 0)
