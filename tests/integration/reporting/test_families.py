"""A family of figures is a folder: its worked example holds, and one more folder needs no other file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.events import Event, catalogue
from contracts.metrics import CutTaken
from contracts.sites import SiteRecorded
from local import RealParts
from services.chassis.http.examples import first_example
from services.chassis.running.database import Connection
from services.reporting import fact_store, figure_store, figures, rebuild
from services.reporting.definitions import shipped
from services.reporting.figures import families, functions
from services.reporting.sources import sources
from tests.deliveries import delivered_in_order
from tests.integration.reporting.test_rebuilds import BRON, Partnership, a_service, ask, has_an_outcome, outcome
from tests.sandbox import a_sandbox
from tests.scenarios import PROGRAMMES, Scenario, as_announced
from tests.tables import Tables
from tests.waiting import eventually
from words.figures import source_of
from words.language import Language, Texts

KINDS = {kind.__name__: kind for kind in catalogue.values()}


@pytest.mark.parametrize("name", sorted(families()))
def test_the_worked_example_of_a_family_holds(tables: Tables, name: str) -> None:
    example = families()[name].example

    found = tables.figures(delivered_in_order([*as_announced(shipped()), *played(example["events"]).announced]))

    shown = {key: {field: found[key].get(field) for field in said} for key, said in example["figures"].items()}
    assert shown == example["figures"]
    from_where = {each["denominator"]["source"] for each in found.values() if "denominator" in each}
    dutch = Texts("words", Language.NL)
    assert [each for each in from_where if source_of(each, dutch) == each] == []  # it is said in Dutch, too


@pytest.mark.parametrize("name", sorted(families()))
def test_counts_carry_their_home_also_when_their_site_turns_out_to_be_elsewhere(tables: Tables, name: str) -> None:
    """The programme, and the municipality of the site: by these the tables could be shared out."""
    family = families()[name]
    scenario = played(family.example["events"])
    homes = f"SELECT DISTINCT programme, municipality FROM {family.table}"
    first = [*as_announced(shipped()), *scenario.announced]

    tables.figures(delivered_in_order(first))
    before = tables.run(tables.db.fetch(homes))
    for site in scenario.events():
        if isinstance(site, SiteRecorded):
            scenario.announce(site.model_copy(update={"municipality": "GM9999"}))
    tables.figures(delivered_in_order([*as_announced(shipped()), *scenario.announced], cuts=[len(first)]))
    after = tables.run(tables.db.fetch(homes))

    assert {tuple(row) for row in before} == {(PROGRAMMES[0], "GM0796")}
    assert {tuple(row) for row in after} == {(PROGRAMMES[0], "GM9999")}


def test_what_a_definition_of_a_newer_release_names_is_said_and_the_rest_is_made(tables: Tables) -> None:
    example = families()["substitution"].example
    newer = [each.model_copy(update={"periods": (*each.periods, "term")}) for each in shipped()]
    events = played(example["events"]).announced

    with capture_logs() as logs:
        found = tables.figures(delivered_in_order([*as_announced(newer), *events]))

    said = [each for each in logs if each["event"] == "definition_names_what_is_not_made_here"]
    assert {each["definition"]: each["names"] for each in said} == {
        f"indicator:{each.indicator}": ["period term"] for each in newer
    }
    assert example["figures"].keys() <= found.keys()


def played(events: list[dict[str, dict[str, Any]]]) -> Scenario:
    """Events of which an example says what matters; the rest is as in the first example of each."""
    scenario = Scenario()
    for each in events:
        ((name, said),) = each.items()
        data = first_example(KINDS[name])["data"] | said
        event: Event = KINDS[name].model_validate({field: value for field, value in data.items() if value is not None})
        scenario.announce(event, key=said.get("siteId"))
    return scenario


FAMILY = '''
"""For whom activities are: how many there are for children."""

from services.reporting.figures.values import Function, Result, decimal, first_day

SUBJECT = "activity_id"
AFFECTED = {"activity": "SELECT id, id FROM unnest($1::text[]) AS id"}
AT_SITES = "SELECT activity_id FROM activity_sites WHERE site_id = ANY ($1)"


def _for_children(sums, parameters, cell):
    number = sums["children"]
    return Result(decimal(number), number, (number, number), "activities", first_day(cell.period)) if number else None


FUNCTIONS = {"for-children@1": Function("audience", _for_children, {})}
'''
COUNTS = """
SELECT activity_id AS subject, programme, min(municipality) AS municipality, school_year AS period, 'all' AS stratum,
    ARRAY['city'] AS units, ARRAY[audience] AS components, ARRAY[1]::bigint[] AS amounts
FROM activities ${only} JOIN activity_sites USING (activity_id) JOIN site_records USING (site_id)
GROUP BY activity_id
"""
SOURCES = "SELECT subject, 'activity:' || subject AS thing FROM subjects"
DEFINITION = {
    "indicator": "for-children",
    "definitionVersion": 1,
    "label": {"nl": "Voor kinderen", "en": "For children"},
    "explanation": {"nl": "Activiteiten voor kinderen.", "en": "Activities for children."},
    "formula": "activities for children",
    "measure": "children",
    "function": "for-children@1",
    "parameters": {},
    "strata": {"city": ["all"]},
    "periods": ["school-year"],
    "definedAt": "2025-07-01T00:00:00Z",
}
KEY = f"for-children/1/{PROGRAMMES[0]}/city/all/2025-2026"


@pytest.fixture
def one_family_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder beside the others."""
    folder = tmp_path / "audience"
    folder.mkdir()
    for file, text in {
        "__init__.py": FAMILY,
        "counts.sql": COUNTS,
        "sources.sql": SOURCES,
        "definitions.json": json.dumps([DEFINITION]),
        "example.json": json.dumps({"en": "", "nl": "", "events": [], "figures": {}}),
    }.items():
        (folder / file).write_text(text)
    monkeypatch.setattr(figures, "__path__", [*figures.__path__, str(tmp_path)])
    families.cache_clear()
    functions.cache_clear()
    yield
    families.cache_clear()
    functions.cache_clear()


@pytest.mark.usefixtures("one_family_more")
async def test_one_folder_more_gives_figures_explanations_and_rebuilds(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox, a_service(sandbox):
        partnership = Partnership(sandbox)
        await partnership.deliver(BRON, 3)
        await eventually(lambda: partnership.counts(3))
        rows = await sandbox.database.pool.fetch("SELECT data FROM newest WHERE key = $1", KEY)
        assert [json.loads(row["data"])["numerator"] for row in rows] == [3]

        async with sandbox.database.pool.acquire() as db, db.transaction():
            behind = sources(db, KEY, own=None, below=await known_of(db), after=None)
            names = [source.fact.name async for source in behind]
        assert names == ["IndicatorDefined", *["ActivityDelivered"] * 3]

        await ask(sandbox)
        await eventually(lambda: has_an_outcome(sandbox))
        said = await outcome(sandbox)
        assert said is not None
        assert said["equal"]


async def known_of(db: Connection) -> fact_store.Vector:
    """What the newest cut knew."""
    return rebuild.vector_of(CutTaken.model_validate(await figure_store.newest_cut_event(db)))
