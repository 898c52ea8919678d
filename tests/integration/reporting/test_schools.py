"""Which schools are short of what was agreed, by name, with what each is missing: for those who may know, and nobody
else."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.activities import ActivityConfirmed, ActivityDelivered, TakingPart
from contracts.sites import GroupRecorded
from contracts.values import Interval
from local import RealParts
from tests.integration.reporting.test_cuts import BRON, LINDE, key
from tests.integration.reporting.test_page import CHECKOUT, COORDINATOR, PAGE, Outline, Site, a_site
from tests.scenarios import GROUP, PROGRAMMES, deliver, record_school

SCHOOLS = f"{PAGE}/schools?lang=en"
HOEK = "own:hoek"
NAMES = {BRON: "De Bron", LINDE: "De Linde", HOEK: "De Hoek"}


def actor(role: str, organisation: str = "own:city") -> dict[str, str]:
    return {"Samenspel-Actor": f"role={role}; organisation={organisation}; actor=a1"}


OPERATOR = actor("operator")
NOBODYS: Sequence[Mapping[str, str]] = (
    {},
    *(actor(role, "own:babel") for role in ("consultant", "broker_lead", "partner")),
    actor("coordinator", "own:another"),
    actor("board", "own:another"),
)


async def three_schools(site: Site) -> None:
    """De Bron has an activity that it did not confirm, De Linde one of its own that it did, De Hoek none."""
    for site_id, name in NAMES.items():
        record_school(site.partnership.scenario, site_id, "5211", name={"nl": name})
    site.partnership.deliver(BRON)
    deliver(site.partnership.scenario, LINDE, is_confirmed=True)
    await site.partnership.cut()


def missing(page: Outline) -> dict[str, list[str]]:
    """By school what it is missing, and who can supply it."""
    found: dict[str, list[str]] = {}
    school = ""
    for word in filter(None, page.words):
        if word in NAMES.values():
            school = word
            found[school] = []
        elif school:
            found[school].append(word)
    return found


@pytest.mark.parametrize("by", [OPERATOR, actor("analyst")], ids=["operator", "analyst"])
async def test_operators_and_analysts_see_which_schools_are_short_and_what_each_is_missing(
    stack: RealParts, by: dict[str, str]
) -> None:
    async with a_site(stack) as site:
        await three_schools(site)

        page = await site.get(SCHOOLS, headers=by)

        assert missing(page) == {
            "De Bron": ["1 delivered activity that replaces is not confirmed", "the school"],
            "De Hoek": ["an activity that replaces a lesson", "the school: it can raise a request"],
            "De Linde": [
                "an activity together with the childcare and the out-of-school care to which it is linked",
                "the school with its childcare and out-of-school care",
            ],
        }
        for link in (each for each in page.links if each.startswith("/figures/")):
            await site.get(link, headers=by)


@pytest.mark.parametrize("by", NOBODYS, ids=lambda by: by.get("Samenspel-Actor", "nobody").partition(";")[0])
async def test_to_others_no_school_is_named(stack: RealParts, by: dict[str, str]) -> None:
    async with a_site(stack) as site:
        await three_schools(site)

        answer = await site.client.get(SCHOOLS, headers=by)

        assert answer.status_code == 200
        for each in (*NAMES, *NAMES.values(), "site%3A"):
            assert each not in answer.text


async def test_a_coordinator_sees_its_own_school_alone(stack: RealParts) -> None:
    async with a_site(stack) as site:
        await three_schools(site)

        page = await site.get(SCHOOLS, headers=COORDINATOR)

        assert list(missing(page)) == ["De Bron"]
        assert "You see your own schools alone here." in page.words


async def test_a_school_that_is_there_is_not_listed(stack: RealParts, tmp_path: Path) -> None:
    async with a_site(stack, programmes=with_a_target(tmp_path, "adoption-loose", "0.800000")) as site:
        await three_schools(site)

        assert list(missing(await site.get(SCHOOLS, headers=OPERATOR))) == ["De Bron", "De Hoek"]


async def test_who_may_not_know_is_told_who_may(stack: RealParts) -> None:
    async with a_site(stack) as site:
        await three_schools(site)

        words = " ".join((await site.get(SCHOOLS)).words)

        assert "shown only to the school itself, its board, and the programme's analysts and operators" in words


async def test_children_that_are_missing_are_said_and_which_groups_may_have_the_answer(
    stack: RealParts, tmp_path: Path
) -> None:
    """A school of which the reach is undecided, and one of which it surely is too low."""
    async with a_site(stack, programmes=with_a_target(tmp_path, "reach-school", "0.800000")) as site:
        scenario = site.partnership.scenario
        for site_id, participants in ((BRON, None), (LINDE, 5)):
            record_school(scenario, site_id, "5211", name={"nl": NAMES[site_id]})
            counted: dict[str, Any] = {"school_year": "2025-2026", "headcount": Interval(lower=20, upper=20)}
            group = GROUP | {"group_id": f"{site_id}-5", "site_id": site_id, "register": "school"} | counted
            scenario.announce(GroupRecorded.model_validate(group), key=site_id)
            deliver(scenario, site_id, TakingPart(group_id=f"{site_id}-5", headcount=20, participants=participants))
        await site.partnership.cut()

        page = await site.get(SCHOOLS, headers=OPERATOR)

        who = "the school and its partners"
        assert missing(page) == {
            "De Bron": ["16 children more", who, "or an exact count: 1 group is not counted exactly", who],
            "De Linde": ["11 children more", who],
        }


def with_a_target(folder: Path, indicator: str, share: str) -> Path:
    file = CHECKOUT / "programmes" / PROGRAMMES[0] / "programme.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    said["targets"] = [said["targets"][0] | {"indicator": indicator, "value": share}]
    (folder / PROGRAMMES[0]).mkdir()
    (folder / PROGRAMMES[0] / "programme.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


async def test_what_schools_have_not_confirmed_is_said_where_adoption_is_explained(stack: RealParts) -> None:
    """Red: that nothing was missing, while a confirmation would have decided it."""
    async with a_site(stack) as site:
        await three_schools(site)
        explained = f"/figures/{key('adoption-strict', 'city', '2026-07-31')}?lang=en"
        said = "1 activity that replaces is not confirmed by its school"

        before = await site.get(explained)
        confirm(site, delivered_at(site, BRON))
        await site.partnership.cut()
        after = await site.get(explained)

        assert any(word.startswith(said) for word in before.words)
        assert not any(said in word for word in after.words)
        assert "Nothing: every part of it is known." in after.words


def delivered_at(site: Site, site_id: str) -> ActivityDelivered:
    events = [each.event for each in site.partnership.scenario.announced]
    return next(each for each in events if isinstance(each, ActivityDelivered) and each.site_ids[0] == site_id)


def confirm(site: Site, delivered: ActivityDelivered) -> None:
    said = {"activity_id": delivered.activity_id, "site_id": BRON, "confirmed_at": datetime(2025, 11, 5, tzinfo=UTC)}
    site.partnership.scenario.announce(ActivityConfirmed.model_validate(said), key=BRON)


async def test_the_page_says_how_sure_it_is(stack: RealParts) -> None:
    async with a_site(stack) as site:
        await three_schools(site)

        words = [each for each in (await site.get(f"{PAGE}?lang=en")).words if each]

        assert words[words.index("activities that their school can still confirm") + 1] == "1"
