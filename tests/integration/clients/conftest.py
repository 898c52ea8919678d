"""Both services that answer commands, and an external system of a school, its broker and a partner."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local import RealParts
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    BAZUIN,
    CHILDCARE,
    GROUP,
    SCHOOL,
    group_details,
    partner_details,
    site_details,
)
from tests.integration.clients.outside import CONSULTANT, COORDINATOR, OPERATOR, PARTNER, City, Outside
from tests.integration.requests.commands import a_broker
from tests.service_process import as_json, started
from tests.waiting import wait_until


@pytest.fixture(scope="package")
def city(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A school and a childcare with a group, Babel for art, and two partners, known to both services."""
    folder, prefix = tmp_path_factory.mktemp("clients"), "clients-"
    with ExitStack() as running:
        requests, referrals = (
            running.enter_context(started(stack, name, prefix=prefix, folder=folder))
            for name in ("requests", "referrals")
        )
        for site_id in (SCHOOL, CHILDCARE):
            requests.ask_ok("PUT", f"/v1/sites/{site_id}", as_json(site_details()), by=OPERATOR)
        requests.ask_ok("PUT", f"/v1/groups/{GROUP}", as_json(group_details()), by=OPERATOR)
        broker = as_json(a_broker(BABEL, ART))
        del broker["brokerId"]
        referrals.ask_ok("PUT", f"/v1/brokers/{BABEL}", broker, by=OPERATOR)
        for partner_id in (ATELIER, BAZUIN):
            referrals.ask_ok("PUT", f"/v1/partners/{partner_id}", as_json(partner_details(ART)), by=OPERATOR)
        wait_until(lambda: requests.rows("SELECT FROM records WHERE kind = 'broker'"))
        wait_until(lambda: len(referrals.rows("SELECT FROM records WHERE kind = 'site'")) == 2)
        yield City(requests, referrals)


@pytest.fixture(scope="package")
def client(city: City) -> Outside:
    """It acts for the school, for Babel and for the Atelier."""
    return Outside.registered(city, "planning", COORDINATOR, CONSULTANT, PARTNER)
