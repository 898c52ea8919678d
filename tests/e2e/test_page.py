"""The pages in a real Chromium: axe finds nothing, nothing is wider than the screen, a keyboard is enough, and a
programme prints on one A4."""

import json
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from local import FOLDER, Stack
from tests.builders import request_details
from tests.e2e.browser import HERE as BROWSER
from tests.e2e.browser import installed, looked_at
from tests.e2e.conftest import Command
from tests.service_process import as_json
from tests.waiting import SOON, wait_until

PAGES = (
    "/programmes/kansen-voor-kinderen?lang=nl",
    "/programmes/kansen-voor-kinderen?lang=en",
    "/figures/adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31?lang=en",
    "/figures/reach-school/1/kansen-voor-kinderen/city/all/2025-2026?lang=nl",
    "/programmes/another?lang=en",
    "/programmes/kansen-voor-kinderen/schools?lang=en",
    "/uncounted?lang=nl",
)


@pytest.fixture(scope="module")
def chromium() -> Path:
    return installed()


@pytest.mark.usefixtures("samenspel")
def test_everybody_can_read_the_pages(running: Stack, chromium: Path) -> None:
    url = running.service_url("reporting")

    assert looked_at(chromium, FOLDER / "pictures" / "pages", *(f"{url}{path}" for path in PAGES)) == []


def test_a_page_that_not_everybody_can_read_is_found(chromium: Path, tmp_path: Path) -> None:
    """The negative control."""
    bad = tmp_path / "bad.html"
    faint = "<main data-sheets=1><p style='color:#ccc;width:2000px;height:300cm'>faint</p></main>"
    still = "<a href='#' tabindex='-1' style='transition: color 1s'>never reached</a>"
    bad.write_text(f"<title>x</title>{faint}{still}<img src='x.png'><script></script>")

    found = " ".join(looked_at(chromium, tmp_path, bad.as_uri()))

    for each in (
        "color-contrast",
        "image-alt",
        "html-has-lang",
        "is wider than the screen",
        "has a script of another kind",
        ", not on 1",
        "1 elements move where less motion is asked for",
        '"never reached" is not reached with the keyboard',
    ):
        assert each in found


def test_an_open_page_tells_what_is_new_and_at_the_next_visit_what_became_new(
    running: Stack, samenspel: Command, chromium: Path
) -> None:
    """As it happens, without taking the reader's place away; and what was shown before is kept in the browser alone."""
    year, address = "2025-2026", f"{running.service_url('reporting')}{PAGES[1]}&year=2025-2026"
    running.time.set(datetime(2026, 6, 1, 10, tzinfo=UTC))

    with watching(chromium, address) as chromium_says:
        assert next(chromium_says) == "open"
        before = raised(samenspel, year)
        raise_a_request(running)
        live = json.loads(next(chromium_says))
        assert next(chromium_says) == "closed"
        raise_a_request(running)
        wait_until(lambda: raised(samenspel, year) == before + 2)
        chromium_says.send("again")
        later = json.loads(next(chromium_says))

    assert live["news"].startswith("Changed: ")
    assert f"From question to delivery raised {before} → {before + 1}" in live["news"]
    assert "From question to delivery raised" in live["outlined"]
    assert live["isVisible"]
    assert live["focused"]
    assert live["openDetails"] == 1
    assert later["news"].startswith("Since your last visit, ")
    assert f"From question to delivery raised {before + 1} → {before + 2}" in later["news"]
    assert (live["wrong"], later["wrong"]) == ([], [])


@contextmanager
def watching(node: Path, address: str) -> Iterator[Generator[str, str, None]]:
    """What the page in Chromium tells, line by line; what is sent is a line to it."""
    words = [str(node), "watch.mjs", address]
    with subprocess.Popen(words, cwd=BROWSER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def lines() -> Generator[str, str, None]:
            assert process.stdin is not None
            assert process.stdout is not None
            while line := process.stdout.readline().strip():
                while (said := (yield line)) is not None:
                    process.stdin.write(f"{said}\n")
                    process.stdin.flush()
                    line = "sent"

        yield lines()
        process.stdin.close() if process.stdin else None
        assert process.wait(SOON) == 0


def raised(samenspel: Command, year: str) -> int:
    words = ("figures", "show", "--indicator", "requests-raised", "--unit", "city", "--period", year, "--json")
    figures = json.loads(samenspel(*words).stdout)
    return next(int(figure["numerator"]) for figure in figures if figure["stratum"] == "all")


def raise_a_request(running: Stack) -> None:
    site_id = "duo:11AZ00"
    details = as_json(request_details(site_id=site_id, groups=(), headcount=20))
    headers = {
        "Samenspel-Actor": f"role=coordinator; organisation={site_id}; actor=a1",
        "Idempotency-Key": str(uuid4()),
    }
    httpx.post(f"{running.service_url('requests')}/v1/requests", json=details, headers=headers).raise_for_status()
