"""The page of the played year, kept as one HTML file, and as PDF where there is a Chromium to print it."""

import asyncio
import re
import shutil
import subprocess
import tempfile
from html import escape, unescape
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urljoin

import httpx

from demo.programme import PROGRAMME
from demo.simulation.calendar import SCHOOL_YEAR
from words.language import Language

BROWSERS = (  # all of them are Chromium, and print in the same way
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
)
PRINT_SECONDS = 60.0
# Without its own calls to the outside, and on machines on which its sandbox cannot work.
QUIETLY = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)


_LINK = re.compile(r'\b(href)="([/?][^"]*)"')
_SCRIPT = re.compile(r"<script src=[^>]*></script>")


NoPdf = Literal["no-chromium", "not-printed"]


class Saved(NamedTuple):
    """What was kept of the page."""

    html: Path
    pdf: Path | None = None
    why_no_pdf: NoPdf | None = None


async def save(client: httpx.AsyncClient, folder: Path, language: Language) -> Saved:
    path = f"/programmes/{PROGRAMME}?year={SCHOOL_YEAR}&lang={language}"
    page = (await client.get(path)).raise_for_status()
    return await asyncio.to_thread(_keep, as_file(page.text, str(page.url)), folder)


def as_file(text: str, address: str) -> str:
    """A page that was read at an address, as it is to be kept: its links lead there, and it has no script, which would
    ask for what is new."""
    linked = _LINK.sub(lambda found: f'{found[1]}="{escape(urljoin(address, unescape(found[2])))}"', text)
    return _SCRIPT.sub("", linked)


def _keep(text: str, folder: Path) -> Saved:
    folder.mkdir(parents=True, exist_ok=True)
    html = folder / "page.html"
    html.write_text(text, encoding="utf-8")
    return printed(html)


def printed(html: Path) -> Saved:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return Saved(html, why_no_pdf="no-chromium")
    pdf = html.with_suffix(".pdf")
    with tempfile.TemporaryDirectory() as profile:
        words = (browser, *QUIETLY, f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", html.absolute().as_uri())
        try:
            subprocess.run(words, capture_output=True, check=True, timeout=PRINT_SECONDS)  # noqa: S603 - ours
        except (subprocess.SubprocessError, OSError):
            return Saved(html, why_no_pdf="not-printed")
    return Saved(html, pdf) if pdf.is_file() else Saved(html, why_no_pdf="not-printed")
