"""The documentation is true where a test can tell: links lead somewhere, READMEs name the events that services have."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.events import catalogue
from contracts.topics import CLIENT_TOPICS, INPUTS, SERVICES, TOPICS
from services.chassis.messaging.inbox import Reactions
from services.referrals.reactions import reactions as reactions_of_referrals
from services.requests.reactions import reactions as reactions_of_requests

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    path.relative_to(ROOT)
    for folder in (".", "docs/**", "services/*", "programmes/**")
    for path in sorted(ROOT.glob(f"{folder}/*.md"))
]
EVENT_OR_TOPIC = re.compile(r"`(partnership\.[\w.{}-]+|[A-Z]\w+)`")


def section(service: str, title: str) -> str:
    text = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def events_by_topic(table: str) -> dict[str, set[str]]:
    """The events that a table names, by the topic that its row begins with."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for topic, *events in (EVENT_OR_TOPIC.findall(row) for row in table.splitlines() if row.startswith("| `")):
        found[topic] |= set(events)
    return found


def links(document: Path) -> Iterator[Path]:
    for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text(encoding="utf-8")):
        if "://" not in link:
            yield ROOT / document.parent / link


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert [link for link in links(document) if not link.exists()] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_readme_names_the_events_that_its_service_announces(service: str) -> None:
    written = [topic for topic in (*TOPICS, *CLIENT_TOPICS) if service in topic.producer.split(" and ")]
    topics = {topic.name for topic in written if topic.carries == "events"}
    announced = {topic: {event.__name__ for event in catalogue.values() if topic in event.topics} for topic in topics}

    assert events_by_topic(section(service, "Events out")) == announced


def test_what_a_partner_needs_is_on_the_topic_that_the_readme_names() -> None:
    text = (ROOT / "contracts" / "README.md").read_text(encoding="utf-8")
    table = text.partition("**What a partner needs**")[2].partition("\n## ")[0]
    rows = [EVENT_OR_TOPIC.findall(row) for row in table.splitlines() if row.startswith("| `")]

    named = [(event, row) for row in rows for event in row if not event.startswith("partnership.")]

    assert len(named) > len(rows)
    assert [event for event, row in named if not set(catalogue[f"nl.samenspel.{event}.v1"].topics) & set(row)] == []


@pytest.mark.parametrize(
    ("service", "reactions"), [("requests", reactions_of_requests), ("referrals", reactions_of_referrals)]
)
def test_a_readme_names_the_events_to_which_its_service_reacts(service: str, reactions: Reactions) -> None:
    named = {
        (topic, event) for topic, events in events_by_topic(section(service, "Events in")).items() for event in events
    }

    assert {event for _, event in named} == {catalogue[name].__name__ for name in reactions.by_type}
    assert all(topic in catalogue[f"nl.samenspel.{event}.v1"].topics for topic, event in named)


def test_the_readme_of_reporting_names_every_topic_that_it_reads() -> None:
    assert set(EVENT_OR_TOPIC.findall(section("reporting", "Events in"))) == set(INPUTS)


PACKAGES = {"chassis": "services/chassis", **{service: f"services/{service}" for service in SERVICES}}
UNIT_TESTS = [
    path.relative_to(ROOT / "tests" / "unit") for path in sorted((ROOT / "tests" / "unit").rglob("test_*.py"))
]


@pytest.mark.parametrize("test", [path for path in UNIT_TESTS if len(path.parts) > 1], ids=str)
def test_a_unit_test_has_the_name_of_the_module_that_it_tests(test: Path) -> None:
    """Those beside the packages are about all of them, or about what tests share."""
    package = ROOT / PACKAGES.get(test.parts[0], test.parts[0])
    name = test.stem.removeprefix("test_")

    assert [*package.rglob(f"{name}.py"), *package.rglob(f"{name}/__init__.py")]
