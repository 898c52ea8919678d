"""The page that the demo keeps as a file."""

from pathlib import Path

import pytest

from demo.page import BROWSERS, Saved, as_file, printed

ADDRESS = "http://127.0.0.1:8003/programmes/p?year=2025-2026&lang=nl"


def test_links_of_a_kept_page_lead_to_where_it_was_read() -> None:
    """Red: they led into the file system."""
    kept = as_file('<a href="/figures/a/1?lang=nl">68%</a> <a href="?year=2025-2026&amp;lang=en">en</a>', ADDRESS)

    assert 'href="http://127.0.0.1:8003/figures/a/1?lang=nl"' in kept
    assert 'href="http://127.0.0.1:8003/programmes/p?year=2025-2026&amp;lang=en"' in kept


def test_a_kept_page_refers_to_no_script() -> None:
    assert as_file('<head><script src="/page.js" defer></script></head>', ADDRESS) == "<head></head>"


PRINTS = """#!/bin/sh
for each in "$@"; do case "$each" in --print-to-pdf=*) echo %PDF > "${each#--print-to-pdf=}" ;; esac; done
"""
DOES_NOT = "#!/bin/sh\nexit 1\n"
SAYS_THAT_IT_DID = "#!/bin/sh\n"


@pytest.mark.parametrize("name", BROWSERS)
def test_a_page_is_printed_by_whichever_chromium_there_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(a_browser(tmp_path, name, PRINTS)))

    kept = printed(tmp_path / "page.html")

    assert kept == Saved(tmp_path / "page.html", tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_text() == "%PDF\n"


@pytest.mark.parametrize("script", [DOES_NOT, SAYS_THAT_IT_DID])
def test_that_a_chromium_did_not_print_is_not_that_there_is_none(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red: both were told as no Chromium."""
    monkeypatch.setenv("PATH", str(a_browser(tmp_path, "chromium", script)))

    assert printed(tmp_path / "page.html") == Saved(tmp_path / "page.html", None, "not-printed")


def test_without_a_chromium_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert printed(tmp_path / "page.html") == Saved(tmp_path / "page.html", None, "no-chromium")


def a_browser(folder: Path, name: str, script: str) -> Path:
    """A folder with a program of this name, that stands for a browser."""
    program = folder / "bin" / name
    program.parent.mkdir()
    program.write_text(script)
    program.chmod(0o755)
    return program.parent
