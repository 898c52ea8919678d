"""The service `requests` as a real process, started once for this folder."""

from collections.abc import Iterator

import pytest

from local import RealParts
from tests.builders import ART, BABEL, CHILDCARE, GROUP, SCHOOL, TODAY, group_details, site_details
from tests.integration.requests.commands import CLOSED_SITE, OPERATOR, a_broker, a_request
from tests.service_process import ServiceProcess, as_json, started
from tests.waiting import wait_until


@pytest.fixture(scope="package")
def requests(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """In a city with a school, a childcare, a closed site, a group, and Babel for art."""
    with started(stack, "requests", prefix="requests-", folder=tmp_path_factory.mktemp("requests")) as service:
        for site_id in (SCHOOL, CHILDCARE):
            service.ask_ok("PUT", f"/v1/sites/{site_id}", as_json(site_details()), by=OPERATOR)
        service.ask_ok("PUT", f"/v1/sites/{CLOSED_SITE}", as_json(site_details(closed_on=TODAY)), by=OPERATOR)
        service.ask_ok("PUT", f"/v1/groups/{GROUP}", as_json(group_details()), by=OPERATOR)
        service.receives(a_broker(BABEL, ART), key=BABEL)
        wait_until(lambda: a_request(service)["status"] == "assigned")
        yield service
