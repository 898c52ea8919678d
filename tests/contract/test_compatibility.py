"""What may change in a released contract: each kind of break is seen, and what is harmless passes."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import model_validator

from contracts.admission import Admitted
from contracts.documents import documents, manifest
from contracts.documents.__main__ import broken, main, release, unpromised, unreadable
from contracts.documents.compatibility import manifest_breaks, schema_breaks
from contracts.events import Event, catalogue
from contracts.requests import RequestVoided
from contracts.sites import SiteRecorded
from tests.contract.story import CONTRACTS, contents

Schema = dict[str, Any]
EVENT_SCHEMAS = [path for path in (CONTRACTS / "schemas").glob("*.json") if path.stem != "Envelope.v1"]

RELEASED: Schema = {
    "title": "Voorbeeld",
    "type": "object",
    "properties": {
        "siteId": {"$ref": "#/$defs/SiteId"},
        "kind": {"type": "string", "enum": ["primary", "special"]},
        "specversion": {"type": "string", "const": "1.0"},
        "headcount": {"type": "integer", "minimum": 0, "maximum": 100},
        "registeredAt": {"type": "string", "format": "date-time"},
        "groups": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Group"}},
        "strata": {"type": "object", "propertyNames": {"enum": ["site"]}, "additionalProperties": {"type": "string"}},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "assignment": {"type": "string"},
    },
    "required": ["siteId", "kind", "specversion", "headcount", "registeredAt", "groups", "strata", "either"],
    "$defs": {
        "SiteId": {"type": "string", "pattern": "^duo:"},
        "Group": {
            "type": "object",
            "properties": {"groupId": {"type": "string"}, "wholeGroup": {"type": "boolean"}},
            "required": ["groupId"],
        },
    },
}


def changed(change: Callable[[Schema], object]) -> Schema:
    schema = copy.deepcopy(RELEASED)
    change(schema)
    return schema


BREAKS: list[tuple[str, Callable[[Schema], object], str, str]] = [
    ("field removed", lambda s: s["properties"].pop("assignment"), "$.assignment", "was removed"),
    ("new required field", lambda s: (s["properties"].update(new={}), s["required"].append("new")), "$.new", "is new"),
    ("required became optional", lambda s: s["required"].remove("kind"), "$.kind", "became optional"),
    ("optional became required", lambda s: s["required"].append("assignment"), "$.assignment", "became required"),
    ("enum narrowed", lambda s: s["properties"]["kind"].update(enum=["primary"]), "$.kind", 'allows "special"'),
    ("enum widened", lambda s: s["properties"]["kind"]["enum"].append("other"), "$.kind", 'also allows "other"'),
    ("enum dropped", lambda s: s["properties"]["kind"].pop("enum"), "$.kind", "enum changed"),
    (
        "const widened",
        lambda s: s["properties"].update(specversion={"type": "string", "enum": ["1.0", "1.1"]}),
        "$.specversion",
        'also allows "1.1"',
    ),
    ("const changed", lambda s: s["properties"]["specversion"].update(const="2.0"), "$.specversion", 'allows "1.0"'),
    ("type changed", lambda s: s["properties"]["headcount"].update(type="number"), "$.headcount", "type changed"),
    ("null allowed", lambda s: s["properties"]["kind"].update(type=["string", "null"]), "$.kind", "type changed"),
    ("pattern changed", lambda s: s["$defs"]["SiteId"].update(pattern="^(duo|lrk):"), "$.siteId", "pattern changed"),
    ("pattern added", lambda s: s["properties"]["assignment"].update(pattern="^a"), "$.assignment", "from none"),
    ("format changed", lambda s: s["properties"]["registeredAt"].update(format="date"), "$.registeredAt", "format"),
    ("bound narrowed", lambda s: s["properties"]["headcount"].update(maximum=50), "$.headcount", "from 100 to 50"),
    ("bound widened", lambda s: s["properties"]["headcount"].update(maximum=500), "$.headcount", "from 100 to 500"),
    ("bound dropped", lambda s: s["properties"]["headcount"].pop("minimum"), "$.headcount", "from 0 to none"),
    ("fewer items allowed", lambda s: s["properties"]["groups"].update(maxItems=3), "$.groups", "maxItems changed"),
    (
        "field of an item removed",
        lambda s: s["$defs"]["Group"]["properties"].pop("wholeGroup"),
        "$.groups[].wholeGroup",
        "was removed",
    ),
    (
        "key of a map added",
        lambda s: s["properties"]["strata"]["propertyNames"]["enum"].append("city"),
        "$.strata.propertyNames",
        'also allows "city"',
    ),
    (
        "value of a map changed",
        lambda s: s["properties"]["strata"]["additionalProperties"].update(type="integer"),
        "$.strata.additionalProperties",
        "type changed",
    ),
    (
        "alternative changed",
        lambda s: s["properties"]["either"]["anyOf"][1].update(type="number"),
        "$.either.anyOf[1]",
        "type changed",
    ),
    (
        "alternative added",
        lambda s: s["properties"]["either"]["anyOf"].append({"type": "null"}),
        "$.either",
        "anyOf changed",
    ),
    ("closed", lambda s: s.update(additionalProperties=False), "$", "additionalProperties changed"),
]

HARMLESS: list[tuple[str, Callable[[Schema], object]]] = [
    ("nothing", lambda _: None),
    ("a new optional field", lambda s: s["properties"].update(remark={"type": "string"})),
    ("a new optional field of an item", lambda s: s["$defs"]["Group"]["properties"].update(year={"type": "string"})),
    ("other words", lambda s: (s.update(title="Anders"), s["properties"]["kind"].update(description="Anders"))),
    ("another order", lambda s: (s["required"].reverse(), s["properties"]["kind"]["enum"].reverse())),
    (
        "a definition renamed",
        lambda s: (
            s["$defs"].update(Location=s["$defs"].pop("SiteId")),
            s["properties"]["siteId"].update({"$ref": "#/$defs/Location"}),
        ),
    ),
    (
        "one allowed value written as a list",
        lambda s: s["properties"].update(specversion={"type": "string", "enum": ["1.0"]}),
    ),
]


@pytest.mark.parametrize(("change", "path", "what"), [each[1:] for each in BREAKS], ids=[each[0] for each in BREAKS])
def test_a_change_that_would_break_somebody_is_named_with_its_place(
    change: Callable[[Schema], object], path: str, what: str
) -> None:
    found = schema_breaks(RELEASED, changed(change))

    assert {each.path for each in found} == {path}
    assert any(what in each.what for each in found)


@pytest.mark.parametrize("change", [each[1] for each in HARMLESS], ids=[each[0] for each in HARMLESS])
def test_a_harmless_change_is_no_break(change: Callable[[Schema], object]) -> None:
    assert schema_breaks(RELEASED, changed(change)) == []


MANIFEST_BREAKS: list[tuple[str, Callable[[Schema], object], str]] = [
    ("other number of partitions", lambda m: m.update(partitions=24), "partitions"),
    ("other partitioner", lambda m: m.update(partitioner="crc32"), "partitioner"),
    ("topic gone", lambda m: m["topics"].pop(5), "partnership.targets.v1 producer"),
    ("other producer", lambda m: m["topics"][0].update(producer="reporting"), "partnership.sites.v1 producer"),
    ("other key", lambda m: m["topics"][0].update(key="the board"), "partnership.sites.v1 key"),
    (
        "kept for less long",
        lambda m: m["topics"][0]["settings"].update({"retention.ms": "1"}),
        "partnership.sites.v1 retention.ms",
    ),
    (
        "event moved away",
        lambda m: m["topics"][0]["events"].pop(0),
        "partnership.sites.v1 nl.samenspel.GroupRecorded.v1 aggregate",
    ),
    (
        "other subject",
        lambda m: m["topics"][0]["events"][0].update(subject="siteId"),
        "partnership.sites.v1 nl.samenspel.GroupRecorded.v1 subject",
    ),
]


@pytest.mark.parametrize(
    ("change", "path"), [each[1:] for each in MANIFEST_BREAKS], ids=[each[0] for each in MANIFEST_BREAKS]
)
def test_a_promise_of_the_manifest_that_is_not_kept_is_named(change: Callable[[Schema], object], path: str) -> None:
    now = manifest()
    change(now)

    found = manifest_breaks(manifest(), now)

    assert found[0].path == path


def test_a_new_topic_and_a_new_consumer_are_no_break() -> None:
    now = manifest()
    now["topics"].append({**now["topics"][0], "name": "partnership.new.v1"})
    now["topics"][0]["consumers"].append("somebody")

    assert manifest_breaks(manifest(), now) == []


def _promise(folder: Path, name: str, change: Callable[[Schema], object]) -> None:
    """Let the released form of a schema differ, so that the present one is the change."""
    path = folder / "released" / name
    schema = json.loads(path.read_text())
    change(schema)
    path.write_text(json.dumps(schema))


def test_what_is_there_now_keeps_what_was_released() -> None:
    assert list(broken(CONTRACTS)) == []


def test_a_break_says_where_who_reads_it_and_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _promise(folder, "SiteRecorded.v1.json", lambda schema: schema["properties"].update(phase={"type": "string"}))

    code = main(["check"], folder)

    assert code == 1
    assert capsys.readouterr().out == (
        "contracts/schemas/SiteRecorded.v1.json: $.phase was removed; read by referrals, reporting, other systems."
        " Take it back, or make SiteRecorded.v2 beside it.\n"
    )


def test_a_released_schema_that_no_event_has_any_more_is_a_break(folder: Path) -> None:
    shutil.copy(folder / "released" / "CutTaken.v1.json", folder / "released" / "CutDropped.v1.json")

    assert list(broken(folder)) == [
        "contracts/released/CutDropped.v1.json was promised to consumers, but no event has this schema."
    ]


def test_a_broken_promise_is_not_released(folder: Path) -> None:
    _promise(folder, "CutTaken.v1.json", lambda schema: schema["properties"].update(gone={"type": "string"}))
    before = (folder / "released" / "CutTaken.v1.json").read_text()

    code = main(["release"], folder)

    assert code == 1
    assert (folder / "released" / "CutTaken.v1.json").read_text() == before


def test_a_release_says_who_rolls_out_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _promise(folder, "ActivityPlanned.v1.json", lambda schema: schema["properties"].pop("referralId"))

    code = release(folder, generated=1)

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        "ActivityPlanned.v1: first its readers (reporting, requests, other systems), then referrals.",
        "1 documents released.",
    ]
    released = (folder / "released" / "ActivityPlanned.v1.json").read_text()
    assert released == documents()["schemas/ActivityPlanned.v1.json"]


def _spoil(schema: Schema, name: str, **keywords: object) -> None:
    schema["properties"][name] |= keywords


CHANGES_OF_AN_EVENT: list[tuple[str, str, Callable[[Schema], object], str]] = [
    (
        "a field was removed",
        "OutcomeConfirmed",
        lambda released: released["properties"].update(remark={"type": "string"}),
        "$.remark was removed",
    ),
    (
        "a field became required",
        "RequestWithdrawn",
        lambda released: released["required"].remove("reason"),
        "$.reason was optional and became required",
    ),
    (
        "a required field is new",
        "ReferralFailed",
        lambda released: (released["required"].remove("reason"), released["properties"].pop("reason")),
        "$.reason is new",
    ),
    (
        "an enum is narrower",
        "RequestReopened",
        lambda released: released["properties"]["returnsTo"]["enum"].append("raised"),
        'no longer allows "raised"',
    ),
    (
        "a text may be less long",
        "UnmetNeedPublished",
        lambda released: _spoil(released, "key", maxLength=600),
        "$.key maxLength changed from 600 to 512",
    ),
    (
        "a list must have each thing once",
        "RequestRaised",
        lambda released: released["properties"]["groups"].pop("uniqueItems"),
        "$.groups uniqueItems changed from none to True",
    ),
]


@pytest.mark.parametrize(
    ("event", "before", "what"),
    [each[1:] for each in CHANGES_OF_AN_EVENT],
    ids=[each[0] for each in CHANGES_OF_AN_EVENT],
)
def test_a_change_of_any_event_that_breaks_readers_fails_the_check(
    folder: Path, capsys: pytest.CaptureFixture[str], event: str, before: Callable[[Schema], object], what: str
) -> None:
    _promise(folder, f"{event}.v1.json", before)

    assert main(["check"], folder) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"contracts/schemas/{event}.v1.json: ")
    assert what in said


def test_every_event_is_released_with_messages() -> None:
    released = CONTRACTS / "released"

    assert list(unpromised(CONTRACTS)) == []
    assert {path.stem for path in (released / "corpus").glob("*")} == {path.stem for path in EVENT_SCHEMAS}
    assert len(list((released / "corpus").glob("*"))) == len(catalogue)


@pytest.mark.parametrize("missing", ["SiteRecorded.v1.json", "corpus/SiteRecorded.v1.jsonl"])
def test_an_event_that_was_never_released_fails_the_check(
    folder: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    (folder / "released" / missing).unlink()

    assert main(["check"], folder) == 1
    assert capsys.readouterr().out == (
        "contracts/schemas/SiteRecorded.v1.json was never released, so nobody would see that a change of it breaks a"
        " reader: run `python -m contracts.documents release`.\n"
    )


def test_every_released_message_is_still_read() -> None:
    assert list(unreadable(CONTRACTS)) == []


@pytest.mark.parametrize("event", sorted(path.stem for path in EVENT_SCHEMAS))
def test_every_example_stands_in_the_corpus(event: str) -> None:
    """What was an example once stays readable, also when a newer one takes its place."""
    corpus = (CONTRACTS / "released" / "corpus" / f"{event}.jsonl").read_bytes().splitlines()
    kept = [json.loads(line) for line in corpus]

    examples = [contents(path) for path in (CONTRACTS / "examples" / event).glob("*.json")]

    assert examples
    assert [example["id"] for example in examples if example not in kept] == [], "python -m contracts.documents release"


def test_a_validator_that_a_reader_gained_is_a_break_though_no_schema_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stricter(SiteRecorded):
        """A reader that has become stricter than the schema says."""

        @model_validator(mode="after")
        def _closes_after_it_opens(self) -> Self:
            assert self.opened_on is None, "a rule that no schema tells"
            return self

    monkeypatch.setitem(catalogue, SiteRecorded.type, Stricter)

    first, *others = unreadable(folder)

    assert first.startswith("contracts/released/corpus/SiteRecorded.v1.jsonl, line ")
    assert "what was released stays readable for ever" in first
    assert all("SiteRecorded" in sentence for sentence in others)


def test_a_validator_that_only_the_reader_of_topics_gained_is_a_break(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stricter(admitted: Admitted) -> Event:
        if admitted.kind is RequestVoided:
            raise ValueError("a rule that no schema tells")
        return admitted.kind.model_validate_json(admitted.data, extra="ignore")

    monkeypatch.setattr(Admitted, "event", stricter)

    refused = list(unreadable(folder))

    assert refused
    assert all(sentence.startswith("contracts/released/corpus/RequestVoided.v1.jsonl") for sentence in refused)


def test_the_corpus_is_only_ever_added_to(folder: Path) -> None:
    path = folder / "released" / "corpus" / "GroupRecorded.v1.jsonl"
    earlier = path.read_bytes().splitlines()[-1].replace(b'"lower"', b'"newer":"a\xe2\x80\xa8b","lower"')  # U+2028
    before = earlier + b"\n" + path.read_bytes()
    path.write_bytes(before)

    release(folder, generated=1)

    assert path.read_bytes().startswith(before)
