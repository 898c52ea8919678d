"""The service `referrals` as a real process, started once for this folder."""

from collections.abc import Iterator

import pytest

from contracts.sites import GroupRecorded, SiteRecorded
from local import RealParts
from tests.builders import (
    ART,
    ATELIER,
    BAZUIN,
    CHILDCARE,
    CHILDCARE_GROUP,
    GROUP,
    SCHOOL,
    an_actor,
    group_details,
    partner_details,
    site_details,
)
from tests.service_process import ServiceProcess, as_json, started
from tests.waiting import wait_until


@pytest.fixture(scope="package")
def referrals(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """In a city of which it knows a school and a childcare with their groups, and two partners."""
    with started(stack, "referrals", prefix="referrals-", folder=tmp_path_factory.mktemp("referrals")) as service:
        for site_id, group_id in ((SCHOOL, GROUP), (CHILDCARE, CHILDCARE_GROUP)):
            service.receives(SiteRecorded(**dict(site_details()), site_id=site_id), key=site_id)
            service.receives(GroupRecorded(**dict(group_details(site_id)), group_id=group_id), key=site_id)
        for partner_id in (ATELIER, BAZUIN):
            path, by = f"/v1/partners/{partner_id}", an_actor("partner", partner_id)
            service.ask_ok("PUT", path, as_json(partner_details(ART)), by=by)
        wait_until(lambda: len(service.rows("SELECT FROM groups")) == 2)
        yield service
