"""`samenspel import duo` against a real `requests`: what newer files change, and what they leave."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local import RealParts
from tests.builders import an_actor
from tests.service_process import ServiceProcess, started

EXCERPT = Path(__file__).parents[3] / "programmes" / "kansen-voor-kinderen" / "duo"
PLACES = "02.-alle-schoolvestigingen-basisonderwijs.csv"
OPERATOR = an_actor("operator")
NOUR, ANTONIUS = "duo:23RT00", "duo:04DZ00"
Import = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def requests(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    with started(stack, "requests", prefix="import-", folder=tmp_path_factory.mktemp("requests")) as service:
        yield service


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """DUO's files, to be replaced by newer ones."""
    return shutil.copytree(EXCERPT, tmp_path / "duo")


@pytest.fixture
def import_duo(requests: ServiceProcess, folder: Path) -> Import:
    def run(on: str, *words: str, expect: int = 0) -> "subprocess.CompletedProcess[str]":
        where = ("--municipality", "'s-Hertogenbosch", "--reference-date", on)
        command = (sys.executable, "-m", "samenspel", "import", "duo", str(folder), *where, *words)
        environment = os.environ | {"SAMENSPEL_REQUESTS": requests.url, "COLUMNS": "200"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    return run


def change(folder: Path, old: bytes, new: bytes) -> None:
    text = (folder / PLACES).read_bytes()
    assert old in text
    (folder / PLACES).write_bytes(text.replace(old, new))


def leave_out(folder: Path, code: bytes) -> None:
    lines = (folder / PLACES).read_bytes().splitlines(keepends=True)
    (folder / PLACES).write_bytes(b"".join(line for line in lines if code not in line))


def site(requests: ServiceProcess, site_id: str, day: str) -> dict[str, Any]:
    """What is recorded of a site on a day."""
    details: dict[str, Any] = requests.ask_ok("GET", f"/v1/sites/{site_id}?day={day}", by=OPERATOR)["details"]
    return details


def test_a_newer_file_changes_the_future_and_not_the_past(
    requests: ServiceProcess, import_duo: Import, folder: Path
) -> None:
    first = json.loads(import_duo("2025-10-01", "--json").stdout)
    again = json.loads(import_duo("2026-01-01", "--json").stdout)
    before = {each: site(requests, each, "2026-01-31") for each in (NOUR, ANTONIUS)}
    change(folder, b";82;5224 BW;", b";82;5223 AA;")
    leave_out(folder, b";04DZ00;")

    planned = import_duo("2026-02-01", "--dry-run").stdout
    unchanged = site(requests, NOUR, "2026-02-01")
    newer = json.loads(import_duo("2026-02-01", "--json").stdout)

    assert (first["recorded"], len(first["added"])) == (41, 41)
    assert (again["recorded"], again["unchanged"]) == (0, 41)
    moved = "duo:23RT00 Basisschool Nour (line 2), from 2026-02-01: postcode4 5224 -> 5223"
    assert f"moved: 1\n  {moved}, neighbourhood 5224 -> 5223\nclosed: 1\n  duo:04DZ00" in planned
    assert unchanged == before[NOUR]
    assert (newer["recorded"], newer["unchanged"], newer["refused"]) == (2, 39, [])
    assert [(each["siteId"], each["line"], each["from"]) for each in newer["moved"]] == [(NOUR, 2, "2026-02-01")]
    assert [(each["siteId"], each["line"], each["from"]) for each in newer["closed"]] == [
        (ANTONIUS, None, "2026-02-01")
    ]
    assert {each: site(requests, each, "2026-01-31") for each in before} == before
    assert site(requests, NOUR, "2026-02-01")["postcode4"] == "5223"
    assert site(requests, ANTONIUS, "2026-02-01")["closedOn"] == "2026-02-01"


def test_a_file_with_a_mistake_is_refused_with_its_line_and_nothing_is_recorded(
    requests: ServiceProcess, import_duo: Import, folder: Path
) -> None:
    change(folder, b"23RT;23RT00", b"23RT;23rt00")
    before = requests.ask_ok("GET", "/v1/sites?day=2100-12-31", by=OPERATOR)

    refused = json.loads(import_duo("2025-10-01", "--json", expect=1).stdout)

    assert (refused["recorded"], [(each["file"], each["line"]) for each in refused["refused"]]) == (0, [(PLACES, 2)])
    assert requests.ask_ok("GET", "/v1/sites?day=2100-12-31", by=OPERATOR) == before
