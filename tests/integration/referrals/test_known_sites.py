"""What `referrals` keeps of a site: its board, and the region whose school holidays its clocks skip."""

from collections.abc import AsyncIterator

import pytest

from contracts.sites import SiteRecorded
from contracts.values import HolidayRegion
from local import RealParts
from services.referrals import replicas
from services.referrals.replicas import SITES, KnownSite
from tests.builders import NOW, SCHOOL, TODAY, site_details
from tests.sandbox import Sandbox, a_sandbox


@pytest.fixture
async def sandbox(stack: RealParts) -> AsyncIterator[Sandbox]:
    async with a_sandbox(stack, "referrals", has_topics=False) as sandbox:
        yield sandbox


@pytest.mark.parametrize("region", ["noord", "midden", "zuid", None])
async def test_of_a_site_its_board_and_holiday_region_are_kept(sandbox: Sandbox, region: HolidayRegion | None) -> None:
    recorded = SiteRecorded(**dict(site_details(holiday_region=region)), site_id=SCHOOL)

    async with sandbox.database.transaction(at=NOW) as tx:
        tx.reacting_to = 1, 1
        await replicas.save_site(tx, recorded)

    kept = KnownSite(valid_from=recorded.valid_from, board="own:board", holiday_region=region)
    assert await SITES.on_day(sandbox.database.pool, [SCHOOL], TODAY) == {SCHOOL: kept}


async def test_what_a_transaction_has_read_of_a_site_is_read_again_once_it_was_kept_anew(sandbox: Sandbox) -> None:
    async with sandbox.database.transaction(at=NOW) as tx:
        tx.reacting_to = 1, 1
        assert await SITES.today(tx, [SCHOOL]) == {}

        for version, region in ((1, "noord"), (2, "zuid")):
            tx.reacting_to = 1, version
            details = site_details(holiday_region=region)
            await replicas.save_site(tx, SiteRecorded(**dict(details), site_id=SCHOOL))
            site = (await SITES.today(tx, [SCHOOL, SCHOOL]))[SCHOOL]

            assert site.holiday_region == region


async def test_a_site_that_was_kept_before_regions_were_has_none(sandbox: Sandbox) -> None:
    await sandbox.database.pool.execute(
        "INSERT INTO records (kind, entity_id, valid_from, details) VALUES ('site', $1, '2019-08-01', $2)",
        SCHOOL,
        '{"validFrom": "2019-08-01", "board": "own:board"}',
    )

    site = (await SITES.on_day(sandbox.database.pool, [SCHOOL], TODAY))[SCHOOL]

    assert (site.board, site.holiday_region) == ("own:board", None)
