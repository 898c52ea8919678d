"""Figures of a site: its coordinator, its board, analysts and operators see them; those of the city everyone."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from contracts.topics import INPUTS
from contracts.values import Actor, Role
from local import RealParts
from services.chassis.http.identity import ROLES
from tests.builders import an_actor
from tests.contract.story import all_examples_on_their_topics
from tests.integration.contracts.played import Play
from tests.integration.publishing import publish
from tests.life_cycles import STRANGER
from tests.service_process import ServiceProcess, problem_type, started
from tests.waiting import wait_until
from tests.who_sees_what import OF_A_PARTY, SEES_ALL

SITE, BOARD = "duo:99ZA00", "own:stichting-aan-de-dommel"
SEES_THE_SITE = [an_actor("coordinator", SITE), an_actor("board", BOARD), *map(an_actor, SEES_ALL)]
SEES_IT_NOT = [
    *(an_actor(role, STRANGER) for role in OF_A_PARTY),
    *(an_actor(role, SITE) for role in OF_A_PARTY if role != "coordinator"),
    an_actor("coordinator", BOARD),
]
everyone = pytest.mark.parametrize(
    ("by", "sees"),
    [*((by, True) for by in SEES_THE_SITE), *((by, False) for by in SEES_IT_NOT)],
    ids=lambda by: f"{by.role}-{by.organisation}" if isinstance(by, Actor) else "",
)


@pytest.fixture(scope="module")
def reporting(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that nobody else in this folder changes, after the story of the examples."""
    prefix, folder = "figures-", tmp_path_factory.mktemp("figures")
    lines = [line for line in all_examples_on_their_topics() if line["topic"] in INPUTS]
    counted = "SELECT FROM newest WHERE indicator = 'requests-raised' AND unit = 'city'"
    with started(stack, "reporting", prefix=prefix, folder=folder) as service:
        asyncio.run(publish(stack.kafka, prefix, lines))
        wait_until(lambda: service.rows(counted))
        yield service


def figures(reporting: ServiceProcess, by: Actor, **asked: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={quote(value)}" for name, value in {"limit": "1000", **asked}.items())
    items: list[dict[str, Any]] = reporting.ask_ok("GET", f"/v1/figures?{query}", by=by)["items"]
    return items


@everyone
@pytest.mark.parametrize("moment", [{}, {"knownAt": "2100-01-01T00:00:00Z"}], ids=["now", "then"])
def test_on_the_list_are_figures_that_a_caller_sees(
    reporting: ServiceProcess, by: Actor, sees: bool, moment: dict[str, str]
) -> None:
    everything = figures(reporting, an_actor("operator"), **moment)
    of_the_site = [figure for figure in everything if figure["unit"] == f"site:{SITE}"]
    of_everyone = [figure for figure in everything if not figure["unit"].startswith("site:")]
    shown = figures(reporting, by, **moment)

    assert of_the_site
    assert of_everyone
    assert [figure for figure in shown if figure["unit"] == f"site:{SITE}"] == (of_the_site if sees else [])
    assert [figure for figure in shown if not figure["unit"].startswith("site:")] == of_everyone
    assert figures(reporting, by, unit=f"site:{SITE}", **moment) == (of_the_site if sees else [])


@everyone
@pytest.mark.parametrize("about", ["history", "sources"])
def test_to_others_there_is_no_figure_of_the_site(reporting: ServiceProcess, by: Actor, sees: bool, about: str) -> None:
    key = figures(reporting, an_actor("operator"), unit=f"site:{SITE}")[0]["key"]

    answer = reporting.ask("GET", f"/v1/figures/{quote(key, safe='')}/{about}", by=by)

    assert answer.is_success if sees else problem_type(answer) == "no-such-figure"


@everyone
def test_of_the_events_behind_a_figure_of_the_city_a_caller_finds_those_of_its_own_sites(
    reporting: ServiceProcess, by: Actor, sees: bool
) -> None:
    key = next(each["key"] for each in figures(reporting, by, unit="city") if each["indicator"] == "requests-raised")

    found = reporting.ask_ok("GET", f"/v1/figures/{quote(key, safe='')}/sources?limit=1000", by=by)["items"]

    kinds = {item["countsFor"].partition(":")[0] for item in found}
    assert kinds == ({"indicator", "request"} if sees else {"indicator"})
    sites = {item["data"]["siteId"] for item in found if item["type"] == "RequestRaised"}
    assert sites <= {SITE} or by.role in SEES_ALL


@pytest.mark.parametrize(("language", "what"), [("nl", "Activiteit uitgevoerd"), ("en", "Activity delivered")])
def test_the_events_behind_a_figure_are_told_as_people_know_them(
    reporting: ServiceProcess, language: str, what: str
) -> None:
    by = an_actor("coordinator", SITE)
    key = next(each["key"] for each in figures(reporting, by, unit="city") if each["indicator"] == "replaced-share")

    names = reporting.ask_ok("GET", f"/v1/figures/{quote(key, safe='')}/sources", by=by)["siteNames"]
    page = " ".join(reporting.ask("GET", f"/figures/{quote(key)}?lang={language}", by=by).text.split())

    assert f" {what} · {names[SITE]} · " in page
    assert names[SITE] != SITE


def test_nothing_is_stuck(reporting: ServiceProcess) -> None:
    assert reporting.ask_ok("GET", "/v1/stuck-figures", by=an_actor("analyst")) == {"items": [], "things": []}


@pytest.mark.parametrize(
    "by", [*map(an_actor, SEES_ALL), an_actor("coordinator", SITE), an_actor("board", BOARD)], ids=lambda by: by.role
)
def test_what_cannot_be_made_is_told_to_those_who_see_every_figure(reporting: ServiceProcess, by: Actor) -> None:
    reporting.rows(
        "INSERT INTO stuck_things VALUES ('activity:1', 'why', now()) ON CONFLICT DO NOTHING RETURNING entity"
    )

    told = reporting.ask_ok("GET", "/v1/stuck-figures", by=by)["things"]

    assert [each["entity"] for each in told] == (["activity:1"] if by.role in SEES_ALL else [])


NOT_THERE = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("service", "path", "status"),
    [
        ("reporting", "rebuilds", 200),
        ("reporting", f"rebuilds/{NOT_THERE}", 404),
        ("reporting", "republications", 200),
        ("requests", "republications", 200),
        ("requests", f"restorations/{NOT_THERE}", 404),
    ],
)
def test_what_operators_do_is_told_to_operators(played: Play, role: Role, service: str, path: str, status: int) -> None:
    """Red: anybody identified could read the differences of a rebuild, which quote figures of schools."""
    answer = played.services[service].ask("GET", f"/v1/{path}", by=an_actor(role))

    assert answer.status_code == (status if role == "operator" else 403)
