"""A programme's definition: the shipped one is whole, its schema is committed, a wrong one is refused."""

import json

import pytest
from pydantic import ValidationError

from demo.organisations import BROKERS, PROGRAMME, WITHOUT_BROKER
from samenspel.programmes import PROGRAMMES, Programme, read


def test_the_covenant_wants_eighty_percent_of_the_primary_schools() -> None:
    target = read(PROGRAMME).target("adoption-strict")

    assert (target.value, str(target.due_on), target.site_kinds) == ("0.800000", "2022-12-31", ("primary",))


def test_the_demo_has_the_brokers_of_the_programme() -> None:
    areas = {each.area.code: set(each.brokers) for each in read(PROGRAMME).learning_areas}

    assert {code for code, brokers in areas.items() if not brokers} == set(WITHOUT_BROKER)
    for broker_id, (_, codes) in BROKERS.items():
        assert {code for code, brokers in areas.items() if broker_id in brokers} == set(codes)


def test_the_schema_is_that_of_the_models() -> None:
    committed = json.loads((PROGRAMMES / "programme.schema.json").read_bytes())

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Programme.model_json_schema(by_alias=True)

    assert committed == schema


def test_a_broker_that_the_programme_does_not_have_is_refused() -> None:
    text = (
        (PROGRAMMES / PROGRAMME / "programme.json")
        .read_text()
        .replace('"brokers": ["own:babel"]', '"brokers": ["own:x"]')
    )

    with pytest.raises(ValidationError, match="own:x is none of the brokers"):
        Programme.model_validate_json(text)
