"""A programme's definition: the shipped one is whole, its schema is committed, a wrong one is refused."""

import json
import shutil
from pathlib import Path

import pytest

from samenspel.failure import CommandFailed
from samenspel.programmes import Programme, read

PROGRAMMES = Path(__file__).parents[3] / "programmes"
SHIPPED = PROGRAMMES / "kansen-voor-kinderen"


def test_the_covenant_wants_eighty_percent_of_the_primary_schools() -> None:
    target = read(SHIPPED).target("adoption-strict")

    assert (target.value, str(target.due_on), target.site_kinds) == ("0.800000", "2022-12-31", ("primary",))


def test_the_schema_is_that_of_the_models() -> None:
    committed = json.loads((PROGRAMMES / "programme.schema.json").read_bytes())

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Programme.model_json_schema(by_alias=True)

    assert committed == schema


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ('"brokers": ["own:babel"]', '"brokers": ["own:x"]', "own:x is none of the brokers: own:babel"),
        ('"startsOn": "2019-06-27"', '"startsOn": "soon"', "programme.json: startsOn: must be text in ISO 8601"),
        ('"programme":', '"program":', "programme.json: programme: Field required"),
    ],
)
def test_a_programme_with_a_mistake_is_refused_with_the_place_of_the_mistake(
    tmp_path: Path, right: str, wrong: str, sentence: str
) -> None:
    shutil.copy(SHIPPED / "programme.json", tmp_path)
    text = (tmp_path / "programme.json").read_text(encoding="utf-8")
    (tmp_path / "programme.json").write_text(text.replace(right, wrong), encoding="utf-8")

    with pytest.raises(CommandFailed, match=sentence):
        read(tmp_path)
