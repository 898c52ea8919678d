"""The pages in a real Chromium: axe finds nothing, nothing is wider than the screen, a programme prints on one A4."""

import json
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from demo.external_check import node_home
from local import FOLDER, Stack

BROWSER = Path(__file__).parent / "browser"
INSTALL_SECONDS, LOOK_SECONDS = 300, 180
PAGES = (
    "/programmes/kansen-voor-kinderen?lang=nl",
    "/programmes/kansen-voor-kinderen?lang=en",
    "/figures/adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31?lang=en",
    "/figures/reach-school/1/kansen-voor-kinderen/city/all/2025-2026?lang=nl",
    "/programmes/another?lang=en",
)


@pytest.fixture(scope="module")
def chromium() -> Path:
    """Node, with what is needed to open pages in a Chromium of its own: from the npm registry, as the lock says."""
    home = node_home()
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    with FileLock(FOLDER / "browser.lock"):
        words = (home / "bin" / "node", npm, "ci", *quiet)
        subprocess.run(words, cwd=BROWSER, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    return home / "bin" / "node"


def looked_at(node: Path, pictures: Path, *addresses: str) -> list[str]:
    """What is wrong with these pages, light and dark, on a phone and at a desk; what was seen is kept as pictures."""
    words = [str(node), "look.mjs", str(pictures), *addresses]
    done = subprocess.run(words, cwd=BROWSER, capture_output=True, text=True, timeout=LOOK_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.usefixtures("samenspel")
def test_everybody_can_read_the_pages(running: Stack, chromium: Path) -> None:
    url = running.service_url("reporting")

    assert looked_at(chromium, FOLDER / "pictures", *(f"{url}{path}" for path in PAGES)) == []


def test_a_page_that_not_everybody_can_read_is_found(chromium: Path, tmp_path: Path) -> None:
    """The negative control."""
    bad = tmp_path / "bad.html"
    bad.write_text("<title>x</title><p style='color:#ccc;width:2000px'>faint</p><img src='x.png'><script></script>")

    found = " ".join(looked_at(chromium, tmp_path, bad.as_uri()))

    for each in ("color-contrast", "image-alt", "html-has-lang", "is wider than the screen", "has a script"):
        assert each in found
