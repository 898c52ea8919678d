"""The examples: believable, complete, and one story that another system can test itself with."""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from uuid import UUID

import pytest
import rfc8785

from contracts.envelope import decode, encode
from contracts.events import catalogue
from tests.contract.story import EXAMPLES, contents

NAMES = [f"{path.parent.name}/{path.stem}" for path in EXAMPLES]
FIGURES = [path for path in EXAMPLES if path.parent.name.startswith("Metric")]
NOT_DIGESTED = {"cutId", "knownAt", "digest", "status", "previous", "causes", "causeCount"}


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_an_example_is_read_and_written_again_as_it_was(path: Path) -> None:
    example = path.read_bytes()

    message = decode(example)

    assert json.loads(encode(message.envelope, message.event)) == json.loads(example)
    assert path.parent.name == f"{type(message.event).__name__}.v{message.event.version}"


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_an_example_has_ids_that_sort_by_the_time_of_the_event(path: Path) -> None:
    envelope = decode(path.read_bytes()).envelope

    milliseconds = int(envelope.time.timestamp() * 1000)

    assert UUID(str(envelope.id)).version == 7
    assert envelope.id.int >> 80 == milliseconds


def test_every_event_has_an_example() -> None:
    shown = {contents(path)["type"] for path in EXAMPLES}

    assert shown == set(catalogue)


def test_no_two_examples_have_the_same_id() -> None:
    ids = [contents(path)["id"] for path in EXAMPLES]

    assert len(set(ids)) == len(ids)


def test_the_examples_tell_every_aggregate_from_its_first_version_on() -> None:
    versions = defaultdict(list)

    for message in (decode(path.read_bytes()) for path in EXAMPLES):
        versions[message.aggregate].append(message.envelope.aggregateversion)

    assert {aggregate: sorted(said) for aggregate, said in versions.items()} == {
        aggregate: list(range(1, len(said) + 1)) for aggregate, said in versions.items()
    }


@pytest.mark.parametrize("path", FIGURES, ids=[path.stem for path in FIGURES])
def test_the_digest_of_a_figure_can_be_recomputed_from_what_the_contract_says(path: Path) -> None:
    figure = contents(path)["data"]

    digested = {name: value for name, value in figure.items() if name not in NOT_DIGESTED}

    assert figure["digest"] == hashlib.sha256(rfc8785.dumps(digested)).hexdigest()
