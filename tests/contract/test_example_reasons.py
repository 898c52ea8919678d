"""The examples give reasons as the services that ship today accept them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.reasons import ReasonLists
from services.referrals import reasons as referrals
from services.requests import reasons as requests
from tests.contract.story import EXAMPLES, Json, contents

SHIPPED: ReasonLists = {**requests.LISTS, **referrals.LISTS}
LISTS = [path for path in EXAMPLES if path.parent.name == "ReasonListPublished.v1"]


def _reasons_in(node: Any) -> Iterator[Json]:
    if isinstance(node, dict) and node.keys() == {"list", "code"}:
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _reasons_in(child)


GIVEN = [(path, reason) for path in EXAMPLES for reason in _reasons_in(contents(path)["data"])]


def test_some_examples_give_a_reason() -> None:
    assert {reason["list"] for _, reason in GIVEN} == set(SHIPPED)


@pytest.mark.parametrize(("path", "reason"), GIVEN, ids=[f"{path.parent.name}/{path.stem}" for path, _ in GIVEN])
def test_a_reason_is_one_that_its_list_has_for_whoever_gives_it(path: Path, reason: Json) -> None:
    by = [who["role"] for name, who in contents(path)["data"].items() if name.endswith("By")]

    listed = {each.code: each for each in SHIPPED[reason["list"]].reasons}

    assert reason["code"] in listed
    assert set(by) <= set(listed[reason["code"]].roles)


@pytest.mark.parametrize("path", LISTS, ids=[path.stem for path in LISTS])
def test_a_published_list_is_the_one_that_ships(path: Path) -> None:
    example = contents(path)["data"]

    ships = json.loads(SHIPPED[example["list"]].model_dump_json(by_alias=True, exclude_none=True))

    assert {**example, "publishedAt": None} == {**ships, "publishedAt": None}
