"""The callers of the service `requests`, and the commands that make the given of its tests."""

from typing import Any

from contracts.offers import BrokerRecorded
from contracts.values import LearningArea, Name
from tests.builders import SECONDARY, TODAY, an_actor, request_details
from tests.service_process import ServiceProcess, as_json

OPERATOR, COORDINATOR, CONSULTANT = an_actor("operator"), an_actor("coordinator"), an_actor("consultant")
CLOSED_SITE = SECONDARY


def a_broker(broker_id: str, *areas: LearningArea) -> BrokerRecorded:
    return BrokerRecorded(broker_id=broker_id, valid_from=TODAY, name=Name(nl=broker_id), learning_areas=areas)


def a_request(requests: ServiceProcess, **other: Any) -> dict[str, Any]:
    return requests.ask_ok("POST", "/v1/requests", as_json(request_details(), **other), by=COORDINATOR)


def path_of(request: dict[str, Any]) -> str:
    return f"/v1/requests/{request['requestId']}"


def current(requests: ServiceProcess, request: dict[str, Any]) -> dict[str, Any]:
    """The request as it is shown now to the one who asked."""
    return requests.ask_ok("GET", path_of(request), by=COORDINATOR)
