"""Pages of unusual cities, and of a service in trouble, in a real Chromium: they can be read by everybody, and say what
is the matter. What was seen is kept as pictures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.activities import TakingPart
from contracts.sites import GroupRecorded
from contracts.values import Interval
from local import FOLDER, RealParts
from services.reporting import rebuild_store
from tests.e2e.browser import installed, looked_at
from tests.integration.reporting.test_cuts import BRON, key
from tests.integration.reporting.test_open_pages import Served, served
from tests.integration.reporting.test_page import PAGE
from tests.scenarios import GROUP, deliver, record_school

LONG = "Openbare Basisschool " + "De Grote Vliegende Hollander van het Zuidelijke Stadsdeel " * 3 + "Anno 1899"
NAMES = {"long": f"{LONG[:199]}.", "hebrew": "בית הספר היסודי על שם רחל", "arabic": "مدرسة الأمل الابتدائية (5)"}
OPERATOR = "role=operator; organisation=own:city; actor=a1"


@pytest.fixture(scope="module")
def chromium() -> Path:
    return installed()


@asynccontextmanager
async def a_city(stack: RealParts, *, schools: int = 2, **settings: object) -> AsyncIterator[Served]:
    """With a group in every school, and an activity for every third of them."""
    async with served(stack, **settings) as pages:
        scenario = pages.site.partnership.scenario
        for number in range(schools):
            site_id = f"own:s{number}"
            record_school(scenario, site_id, f"{5200 + number % 60}", valid_from=date(2010, 8, 1))
            counted = {"school_year": "2025-2026", "headcount": Interval(lower=20, upper=20), "register": "school"}
            group = GROUP | {"group_id": f"{site_id}-5", "site_id": site_id} | counted
            scenario.announce(GroupRecorded.model_validate(group), key=site_id)
            if number % 3 == 0:
                part = TakingPart(group_id=f"{site_id}-5", headcount=20, participants=15)
                deliver(scenario, site_id, part, is_confirmed=True)
        await pages.site.partnership.cut()
        yield pages


async def looked(
    pages: Served, chromium: Path, name: str, path: str = f"{PAGE}?lang=en", status: int = 200, **headers: str
) -> str:
    """The page as text, when nothing is wrong with how it looks."""
    answer = await pages.client.get(path, headers={name.replace("_", "-"): each for name, each in headers.items()})
    assert answer.status_code == status
    address = f"{pages.client.base_url}{path}"
    wrong = await asyncio.to_thread(looked_at, chromium, FOLDER / "pictures" / name, address, **headers)
    assert wrong == []
    return answer.text


async def looked_in_both(pages: Served, chromium: Path, name: str) -> str:
    """The same in Dutch and in English; the page in English as text."""
    await looked(pages, chromium, f"{name}-nl", f"{PAGE}?lang=nl")
    return await looked(pages, chromium, f"{name}-en")


@pytest.mark.parametrize("schools", [1, 400])
async def test_a_city_of_any_size_is_a_page(stack: RealParts, chromium: Path, schools: int) -> None:
    async with a_city(stack, schools=schools) as pages:
        text = await looked_in_both(pages, chromium, f"city-of-{schools}")

    assert (
        f"These are the 40 with the least reach, of {60}." in text if schools == 400 else "neighbourhood 5200" in text
    )


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize(("kind", "name"), [*NAMES.items()], ids=[*NAMES])
async def test_a_school_of_any_name_is_a_page(
    stack: RealParts, chromium: Path, kind: str, name: str, language: str
) -> None:
    async with a_city(stack) as pages:
        record_school(pages.site.partnership.scenario, BRON, "5211", name={"nl": name})
        await pages.deliver(BRON)
        path = f"/figures/{key('replaced-share', f'site:{BRON}')}?lang={language}"
        text = await looked(pages, chromium, f"{kind}-name-{language}", path, Samenspel_Actor=OPERATOR)

    assert name in text


async def test_without_anything_to_divide_by_words_stand_in_the_place_of_numbers(
    stack: RealParts, chromium: Path
) -> None:
    async with a_city(stack) as pages:
        await pages.site.partnership.db.execute(
            "UPDATE newest SET data = (data::jsonb - 'value' - 'lower' - 'upper'"
            """ || '{"verdict": "no_denominator", "numerator": 0}')::text"""
        )
        text = await looked_in_both(pages, chromium, "no-denominator")

    assert ">0%</a>" not in text


async def test_adoption_over_the_last_years_is_a_curve_to_this_year(stack: RealParts, chromium: Path) -> None:
    """Each year two days, on which what was reached in the year up to it stands."""
    async with a_city(stack) as pages:
        for year in (2022, 2023, 2024):
            deliver(pages.site.partnership.scenario, "own:s0", is_confirmed=True, year=year)
        await pages.site.partnership.cut()
        await pages.site.partnership.db.execute(
            "UPDATE newest SET data = (data::jsonb || jsonb_build_object("
            " 'value', to_char(share, 'FM0.000000'), 'numerator', round(100 * share), 'denominator',"
            """ data::jsonb -> 'denominator' || '{"lower": 100, "upper": 100}'))::text FROM ("""
            "SELECT key AS its_key, 0.09 * rank() OVER (ORDER BY period) AS share FROM newest"
            " WHERE indicator = 'adoption-strict' AND unit = 'city') AS grown WHERE key = its_key"
        )
        text = await looked_in_both(pages, chromium, "years")

    assert (
        "31 Dec 2022: 9%; 31 Jul 2023: 18%; 31 Dec 2023: 27%; 31 Jul 2024: 36%; 31 Dec 2024: 45%; 31 Jul 2025: 54%;"
        " 31 Dec 2025: 63%; 31 Jul 2026: 72%"
    ) in text


async def test_without_a_target_none_is_drawn(stack: RealParts, chromium: Path, tmp_path: Path) -> None:
    async with a_city(stack, programmes=tmp_path) as pages:
        text = await looked_in_both(pages, chromium, "no-target")

    assert "Nothing was agreed that this could be measured by." in text


async def test_figures_that_are_computed_anew_late_and_of_a_service_in_trouble(
    stack: RealParts, chromium: Path
) -> None:
    async with a_city(stack) as pages:
        db = pages.site.partnership.db
        await rebuild_store.request_rebuild(db, uuid4(), "asked", datetime(2026, 11, 27, 8, tzinfo=UTC))
        await db.execute("UPDATE cuts SET known_at = known_at - interval '26 hours'; UPDATE backlog SET events = 12000")
        pages.site.app.state.service.health.trouble("projection", "interrupted")
        text = await looked_in_both(pages, chromium, "in-trouble")

    for said in (
        "That is 26 hours ago.",
        "At the moment nothing new is counted.",
        "About 12,000 messages that came in since are not counted yet.",
        "These figures are being computed anew since 27 Nov 2026, 09:00:00",
    ):
        assert said in text


NOT_THERE = {
    "programme": ("/programmes/another?lang=en", 404),
    "year": (f"{PAGE}?lang=en&year=1999-2000", 404),
    "figure": ("/figures/gone/1", 404),
    "language": (f"{PAGE}?lang=fr", 400),
    "address": ("/programmes/No%20Slug", 400),
}


@pytest.mark.parametrize(("what", "path", "status"), [(what, *asked) for what, asked in NOT_THERE.items()])
async def test_what_is_not_there_is_a_page_too(
    stack: RealParts, chromium: Path, what: str, path: str, status: int
) -> None:
    async with a_city(stack) as pages:
        await looked(pages, chromium, f"not-there-{what}", path, status=status)


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_the_schools_that_are_short_are_a_page(stack: RealParts, chromium: Path, language: str) -> None:
    async with a_city(stack, schools=40) as pages:
        path = f"{PAGE}/schools?lang={language}"
        text = await looked(pages, chromium, f"schools-{language}", path, Samenspel_Actor=OPERATOR)

    assert text.count("<tbody>") == 40 + 2  # those of every city here


async def test_a_figure_of_which_nothing_is_left_is_a_page(stack: RealParts, chromium: Path) -> None:
    async with a_city(stack) as pages:
        emptied = """data::jsonb - 'value' - 'denominator' || '{"verdict": "no_denominator", "emptied": true}'"""
        city = key("replaced-share", "city")
        await pages.site.partnership.db.execute(f"UPDATE newest SET data = ({emptied})::text WHERE key = '{city}'")
        text = await looked(pages, chromium, "emptied", f"/figures/{city}?lang=en")

    assert "nothing is left of it" in text


async def test_a_programme_known_by_its_file_alone_is_a_page(stack: RealParts, chromium: Path) -> None:
    async with served(stack) as pages:
        text = await looked_in_both(pages, chromium, "no-figures-yet")

    assert "There are no figures of this programme yet" in text


async def test_before_there_is_any_data_there_is_a_page(stack: RealParts, chromium: Path) -> None:
    async with served(stack) as pages:
        text = await looked(pages, chromium, "nothing-yet", "/?lang=en", status=404)

    assert "There is nothing here" in text
