"""Spectral's rules for OpenAPI and the Dutch REST API Design Rules (`spectral/ruleset.mjs`) find nothing in what is
committed, and find each thing that is spoilt: all in one run of Node, because starting it takes a second."""

import copy
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.contract.story import CONTRACTS, Json, contents
from tests.node import node_with_packages_of

SPECTRAL = Path(__file__).parent / "spectral"
APIS = sorted((CONTRACTS.parent / "docs" / "openapi").glob("*.json"))
LINT_SECONDS = 120
SMALLEST = contents(CONTRACTS.parent / "docs" / "openapi" / "reporting.json")

Spoil = Callable[[Json], object]


def a_command(api: Json) -> Json:
    """Asks for a rebuild."""
    operation: Json = api["paths"]["/rebuilds"]["post"]
    return operation


def shown(api: Json) -> Json:
    """The fields of what is shown of a rebuild."""
    properties: Json = api["components"]["schemas"]["RebuildView"]["properties"]
    return properties


SPOILT: dict[str, Spoil] = {
    "adr-openapi-3": lambda api: api.update(openapi="3.1"),
    "adr-semver": lambda api: api["info"].update(version="1.0"),
    "adr-contact": lambda api: api["info"]["contact"].pop("url"),
    "adr-version-in-uri": lambda api: api["servers"][0].update(url="/api"),
    "adr-version-header": lambda api: a_command(api)["responses"]["202"]["headers"].pop("API-Version"),
    "adr-standard-methods": lambda api: api["paths"]["/rebuilds"].update(trace=a_command(api)),
    "adr-kebab-case": lambda api: api["paths"].update({"/listOfFigures": api["paths"].pop("/figures")}),
    "adr-query-in-camel-case": lambda api: next(
        each for each in api["paths"]["/figures"]["get"]["parameters"] if each["name"] == "knownAt"
    ).update(name="known_at"),
    "adr-problem": lambda api: api["components"]["responses"]["Malformed"].update(
        content={"application/json": {"schema": {"type": "object"}}}
    ),
    "adr-problem-members": lambda api: api["components"]["schemas"]["Problem"]["required"].remove("detail"),
    "adr-invalid-input": lambda api: a_command(api)["responses"].pop("400"),
    "adr-not-422": lambda api: a_command(api)["responses"].update({"422": a_command(api)["responses"]["400"]}),
    "adr-time-with-zone": lambda api: shown(api).update(at={"type": "string", "format": "time"}),
    "adr-date": lambda api: shown(api).update(dueOn={"type": "string", "format": "date-time"}),
    "adr-date-time": lambda api: shown(api).update(seenAt={"type": "string", "format": "date"}),
    "adr-names-in-camel-case": lambda api: shown(api).update(site_id={"type": "string"}),
    "adr-schemas-in-pascal-case": lambda api: api["components"]["schemas"].update(
        stuck_cell=api["components"]["schemas"].pop("StuckCell")
    ),
    # of Spectral itself
    "operation-operationId-unique": lambda api: a_command(api).update(operationId="listRebuilds"),
    "path-keys-no-trailing-slash": lambda api: api["paths"].update({"/figures/": api["paths"].pop("/figures")}),
    "oas3-unused-component": lambda api: api["components"]["schemas"].update(Unused={"type": "string"}),
    "oas3-schema": lambda api: a_command(api).update(responses=[]),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """What is wrong, by the name of the description."""
    folder = tmp_path_factory.mktemp("spoilt")
    for rule, spoil in SPOILT.items():
        api = copy.deepcopy(SMALLEST)
        spoil(api)
        (folder / f"{rule}.json").write_text(json.dumps(api))
    files = [*APIS, *sorted(folder.glob("*.json"))]
    node = node_with_packages_of(SPECTRAL)
    done = subprocess.run(
        [node, "lint.mjs", *files], cwd=SPECTRAL, capture_output=True, text=True, timeout=LINT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, list[str]] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("service", [path.stem for path in APIS])
def test_what_is_committed_keeps_every_rule(found: Mapping[str, list[str]], service: str) -> None:
    assert found[service] == []


@pytest.mark.parametrize("rule", SPOILT)
def test_what_breaks_a_rule_is_found(found: Mapping[str, list[str]], rule: str) -> None:
    assert rule in {sentence.partition(" ")[0] for sentence in found[rule]}


def test_every_rule_of_ours_has_been_seen_to_find_something() -> None:
    ours = {line.split("'")[1] for line in (SPECTRAL / "ruleset.mjs").read_text().splitlines() if "'adr-" in line}

    assert ours <= SPOILT.keys()
