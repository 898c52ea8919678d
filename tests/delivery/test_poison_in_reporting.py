"""Whatever arrives, `reporting` either refuses it or counts with it: no message stops the ones behind it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import InvalidMessage
from contracts.partitioner import partition_of
from contracts.sites import SITES
from services.reporting import fact_store
from services.reporting.definitions import shipped
from services.reporting.facts.events import Fact, read
from services.reporting.things import settle
from tests.deliveries import a_record, delivered_in_order, in_binary_mode, topic_of
from tests.generated import READ_BY_REPORTING, as_sent_by_its_topic, generated
from tests.scenarios import as_announced
from tests.tables import Tables, read_all

FOLDERS = sorted((Path(__file__).parents[2] / "contracts" / "examples").iterdir())
FILES = [file for folder in FOLDERS if not folder.name.startswith("Command") for file in sorted(folder.iterdir())]
Json = dict[str, Any]
EXAMPLES: list[Json] = [json.loads(file.read_text(encoding="utf-8")) for file in FILES]
TOGETHER, FEW = 200, 20  # messages in one history: as many as Hypothesis makes, for the tables are emptied for each
BEHIND_DEFINITIONS = 1_000  # an offset
MAX_INTEGER = 2**31 - 1  # in PostgreSQL
ODD_TIMES = "0001-01-01T00:00:00+14:00 9999-12-31T23:59:59-14:00 2026-02-30 2026-02-20T13:30:00 0001-01-01"
ODD_YEARS = "20xx-20yy 2025-2099"
ODD_NAMES = ["a/b", "own:x/y", "curriculum.nu", "city", "\x00"]
ODD_NUMBERS = [2**31, 2**63, -1, 10**400]

odd = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 3)
    | st.floats()
    | st.text(max_size=6)
    | st.just([])
    | st.just({})
    | st.sampled_from([*ODD_TIMES.split(), *ODD_YEARS.split(), *ODD_NAMES, *ODD_NUMBERS])
)


@st.composite
def a_spoiled_message(draw: st.DrawFn) -> Json:
    """A believable event in which something, anywhere, was replaced or removed."""
    message: Json = json.loads(json.dumps(draw(st.sampled_from(EXAMPLES))))
    for _ in range(draw(st.integers(1, 3))):
        holder, name = draw(st.sampled_from(list(_fields(message))))
        if draw(st.booleans()):
            holder[name] = draw(odd)
        elif isinstance(holder, dict):
            holder.pop(name, None)
    return message


def _fields(value: Any) -> Any:
    """Every (holder, name) in a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield value, name
        yield from _fields(part)


def _read(message: Json, offset: int) -> Fact:
    """The fact in a message, on the topic of its type and under the key that it names."""
    key = str(message.get("partitionkey")).encode("utf-8", "replace")
    try:
        topic = topic_of(message)
    except (KeyError, TypeError, StopIteration):
        topic = SITES
    record = a_record(topic, partition_of(key), offset, key=key, value=json.dumps(message).encode())
    return read(in_binary_mode(record) if offset % 2 and "data" in message else record, topic)


def _fits_its_table(fact: Fact) -> bool:
    texts = (fact.name, fact.entity, fact.event_id)
    return max(fact.epoch, fact.version) <= MAX_INTEGER and not any("\x00" in text for text in texts)


@settings(max_examples=3_000, deadline=None)  # some fields are one in a thousand
@given(a_spoiled_message())
def test_a_spoiled_message_is_refused_or_read_to_its_end(spoiled: Json) -> None:
    try:
        fact = _read(spoiled, 0)
    except InvalidMessage:
        return

    assert _fits_its_table(fact)
    assert not settle({}, [fact]).failed


@pytest.mark.parametrize("number", [1_000, pytest.param(50_000, marks=pytest.mark.long)])
def test_spoiled_messages_are_refused_or_counted_but_never_stop_the_rest(tables: Tables, number: int) -> None:
    """To the end: also the figures that they give can be announced."""

    @settings(max_examples=number // TOGETHER, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(a_spoiled_message(), min_size=TOGETHER // 2, max_size=TOGETHER))
    def check(spoiled: list[Json]) -> None:
        # The spoiled first: of duplicates the first one counts. And behind the definitions on their topic.
        numbered = enumerate([*spoiled, *EXAMPLES], start=BEHIND_DEFINITIONS)
        facts = [*filter(None, (_read_or_refused(message, offset) for offset, message in numbered))]

        published, stuck = tables.run(_publish(tables, facts))
        assert published > 0
        assert stuck == 0

    check()


def _read_or_refused(message: Json, offset: int) -> Fact | None:
    try:
        return _read(message, offset)
    except InvalidMessage:
        return None


async def _publish(tables: Tables, facts: list[Fact]) -> tuple[int, int]:
    """How many figures these facts give with the definitions, and of how many cells they could not be announced."""
    await tables.forget()
    await tables.append([*facts, *read_all(delivered_in_order(as_announced(shipped())).records)])
    taken = await tables.cut()
    return taken.figure_count, await fact_store.count_stuck(tables.db)


UNKNOWN_DEFINITIONS: list[dict[str, Any]] = [
    {"function": "unknown@1"},
    {"parameters": {}},
    {"parameters": {"reading": "other"}},
    {"strata": {"country": ["domain"]}},
    {"periods": ["term"]},
]


@pytest.mark.parametrize("change", UNKNOWN_DEFINITIONS)
def test_a_definition_that_this_release_cannot_compute_publishes_nothing_and_stops_nothing(
    tables: Tables, change: dict[str, Any]
) -> None:
    assert published_with(tables, change) == []


def test_the_definition_among_the_examples_publishes_figures(tables: Tables) -> None:
    """The negative control of the one before."""
    assert published_with(tables, {})


def published_with(tables: Tables, change: dict[str, Any]) -> list[str]:
    """The keys of the figures of all examples, with this change in the definition."""
    defined = next(example for example in EXAMPLES if example["type"].endswith("IndicatorDefined.v1"))
    others = [example for example in EXAMPLES if example is not defined]
    messages = [defined | {"data": defined["data"] | change}, *others]

    async def publish() -> list[str]:
        await tables.forget()
        await tables.append([_read(message, offset) for offset, message in enumerate(messages)])
        await tables.cut()
        return list(await tables.newest())

    return tables.run(publish())


def test_every_example_is_read() -> None:
    assert EXAMPLES

    for offset, example in enumerate(EXAMPLES):
        fact = _read(example, offset)

        assert fact.entity.endswith(f":{example['subject']}")


def test_a_spoiled_order_or_day_is_refused() -> None:
    raised = next(example for example in EXAMPLES if example["type"].endswith("RequestRaised.v1"))
    spoiled = [
        raised | {"aggregateversion": 2**31},
        raised | {"data": raised["data"] | {"raisedAt": "2026-02-20T13:30:00"}},
        raised | {"data": raised["data"] | {"raisedAt": "0001-01-01T00:00:00+14:00"}},
        raised | {"data": raised["data"] | {"programme": "a/b"}},
        raised | {"subject": "another"},
    ]

    for message in spoiled:
        with pytest.raises(InvalidMessage, match=r"invalid-data|invalid-envelope"):
            _read(message, 0)


WITHOUT_DEFINITIONS = [type_ for type_ in READ_BY_REPORTING if "IndicatorDefined" not in type_]


@pytest.mark.parametrize("number", [400, pytest.param(50_000, marks=pytest.mark.long)])
def test_whatever_the_schemas_allow_gives_figures_that_can_be_announced(tables: Tables, number: int) -> None:
    """In both content modes."""

    @settings(max_examples=number // FEW, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(WITHOUT_DEFINITIONS).flatmap(generated), min_size=1, max_size=FEW))
    def check(said: list[Json]) -> None:
        records = [as_sent_by_its_topic(message, offset) for offset, message in enumerate(said)]
        facts = read_all([in_binary_mode(record) if offset % 2 else record for offset, record in enumerate(records)])

        _, stuck = tables.run(_publish(tables, facts))
        assert stuck == 0

    check()
