"""The operator's command against running services: demo, figures, rebuild, topics, import and dead letters."""

import asyncio
import json
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from contracts.partitioner import partition_of
from contracts.sites import SITES
from local import Stack
from local.waiting import until
from samenspel.topic_records import read_topics
from tests.builders import SCHOOL
from tests.e2e.conftest import Command

ADOPTION = "adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31"

SITES_RECORDED = Path(__file__).parents[2] / "contracts" / "examples" / "SiteRecorded.v1"


def test_a_second_demo_on_the_same_stack_is_played_and_proven_too(samenspel: Command) -> None:
    demo = json.loads(samenspel("demo", "--against-running", "--json", "--activities", "50", "--seed", "6").stdout)

    assert demo["proofs"]["recount"]["equal"]
    assert demo["proofs"]["rebuilt"]["equal"]
    assert demo["proofs"]["delivered"] == {"lost": 0, "doubled": 0}


def test_figures_are_shown(samenspel: Command) -> None:
    show = ("figures", "show", "--indicator", "adoption-strict", "--unit", "city", "--json")
    shown: list[dict[str, Any]] = json.loads(samenspel(*show).stdout)

    assert [figure["period"] for figure in shown] == ["2025-12-31", "2026-07-31", "2026-12-31"]


def test_a_key_that_is_shown_can_be_pasted_into_explain(samenspel: Command) -> None:
    shown = samenspel("figures", "show", "--indicator", "adoption-strict", "--unit", "city", "--language", "en").stdout

    assert shown.startswith("Adoption (strict)\n  City, 31 Dec 2025")
    key = shown.splitlines()[2].strip()
    assert samenspel("figures", "explain", key, "--language", "en").stdout.startswith("Adoption (strict), city, 31 Dec")


def test_a_school_is_found_by_its_name_and_one_name_of_many_is_a_sentence(samenspel: Command) -> None:
    shown = json.loads(samenspel("figures", "show", "--unit", "de hobbit", "--json").stdout)
    many = samenspel("figures", "show", "--unit", "basisschool", expect=1)

    assert {figure["unit"] for figure in shown} == {"site:duo:11AZ00"}
    assert "sites have 'basisschool' in their name: " in many.stderr
    assert "Traceback" not in many.stderr


def test_figures_are_compared_shown_through_time_and_exported(samenspel: Command, tmp_path: Path) -> None:
    compared = samenspel("figures", "compare", "adoption-strict", "--unit", "city", "--language", "en").stdout
    history = samenspel("figures", "history", ADOPTION, "--language", "en").stdout
    file = tmp_path / "figures.csv"
    exported = samenspel("figures", "export", str(file), "--indicator", "adoption-strict", "--decimal", "comma").stdout

    assert compared.splitlines()[1].split("  ")[-1].strip() == "31 Dec 2026"
    assert " of 41" in history
    assert file.read_text(encoding="utf-8-sig").startswith("key;indicator;label;")
    assert str(file) in exported
    assert json.loads((tmp_path / "figures.csv-metadata.json").read_text())["url"] == "figures.csv"


def test_a_figure_is_explained_with_definition_events_and_history(samenspel: Command) -> None:
    explained = json.loads(samenspel("figures", "explain", ADOPTION, "--limit", "5", "--json").stdout)

    assert explained["definition"]["function"] == "adoption@1"
    assert len(explained["items"]) == 5
    assert explained["nextCursor"]
    assert explained["history"][-1] == explained["figure"]
    assert samenspel("figures", "explain", ADOPTION, "--language", "en").stdout.startswith("Adoption (strict), city")


def test_an_unknown_figure_is_one_sentence(samenspel: Command) -> None:
    done = samenspel("figures", "explain", "nothing/1", expect=1)

    assert "No figure with this key was published" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rebuild_equals_what_was_published(samenspel: Command) -> None:
    outcome = json.loads(samenspel("rebuild", "--json").stdout)

    assert outcome["equal"]
    assert outcome["figures"] > 1000


def test_the_topics_are_as_the_manifest_says(samenspel: Command) -> None:
    assert json.loads(samenspel("topics", "apply", "--json").stdout)["created"] == []


def test_an_import_of_what_the_demo_recorded_changes_nothing(samenspel: Command) -> None:
    folder = str(Path(__file__).parents[2] / "programmes" / "kansen-voor-kinderen" / "duo")
    words = ("import", "duo", folder, "--municipality", "'s-Hertogenbosch", "--reference-date", "2025-10-01")

    imported = json.loads(samenspel(*words, "--json").stdout)

    assert (imported["recorded"], imported["unchanged"], imported["refused"]) == (0, 41, [])


def test_a_dead_letter_is_listed_shown_and_redriven(samenspel: Command, running: Stack, tmp_path: Path) -> None:
    asyncio.run(_poison(running.kafka))

    def letters() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(samenspel("dead-letters", "list", "--json").stdout)
        return found

    assert until(lambda: len(letters()) == 2, within=30, every=0.2)  # of `referrals` and of `reporting`
    letter = letters()[0]
    corrected = tmp_path / "corrected.json"
    corrected.write_bytes((SITES_RECORDED / "primary-school-in-a-child-centre.json").read_bytes())

    assert letter["reason"] == "malformed-json"
    assert "{half a message" in samenspel("dead-letters", "show", letter["letter"]).stdout
    redrive = ("dead-letters", "redrive", letter["letter"], "--value", str(corrected), "--json")
    redriven = json.loads(samenspel(*redrive).stdout)

    assert redriven["topic"] == SITES
    assert redriven["partition"] == partition_of(SCHOOL.encode())
    assert letters() == []  # the other service's letter was about the same record
    closed = json.loads(samenspel("dead-letters", "list", "--all", "--json").stdout)
    assert {each["redriven-as"] for each in closed} == {redriven["eventId"]}
    assert json.loads(samenspel("rebuild", "--json").stdout)["equal"]


def test_a_service_publishes_its_journal_again_and_no_figure_changes(samenspel: Command, running: Stack) -> None:
    once = asyncio.run(read_topics(running.kafka, [SITES]))

    said = json.loads(samenspel("republish", "requests", "--topic", SITES, "--json").stdout)

    twice = asyncio.run(read_topics(running.kafka, [SITES]))
    of_the_service = {record.value for record in twice} - {b"{half a message"}
    assert said == {"messages": {SITES: len(of_the_service)}, "waiting": 0}
    assert len(twice) == len(once) + len(of_the_service)
    assert json.loads(samenspel("rebuild", "--json").stdout)["equal"]


def test_a_service_is_told_that_its_database_was_restored(samenspel: Command) -> None:
    """What every topic has is in the journal, so nothing comes back; what it announces from now on is of the epoch."""
    done = json.loads(samenspel("restored", "requests", "--epoch", "7", "--json").stdout)

    assert (done["state"], done["epoch"], done["leftOut"]) == ("done", 7, [])
    assert json.loads(samenspel("rebuild", "--json").stdout)["equal"]


async def _poison(kafka: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await producer.send_and_wait(SITES, b"{half a message", key=b"own:poison")
    finally:
        await producer.stop()
