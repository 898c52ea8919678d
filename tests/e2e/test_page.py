"""The pages in a real Chromium: axe finds nothing, nothing is wider than the screen, a programme prints on one A4."""

from pathlib import Path

import pytest

from local import FOLDER, Stack
from tests.e2e.browser import installed, looked_at

PAGES = (
    "/programmes/kansen-voor-kinderen?lang=nl",
    "/programmes/kansen-voor-kinderen?lang=en",
    "/figures/adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31?lang=en",
    "/figures/reach-school/1/kansen-voor-kinderen/city/all/2025-2026?lang=nl",
    "/programmes/another?lang=en",
)


@pytest.fixture(scope="module")
def chromium() -> Path:
    return installed()


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
