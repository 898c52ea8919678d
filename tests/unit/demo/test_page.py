"""The page that the demo keeps as a file."""

from demo.page import as_file

ADDRESS = "http://127.0.0.1:8003/programmes/p?year=2025-2026&lang=nl"


def test_links_of_a_kept_page_lead_to_where_it_was_read() -> None:
    """Red: they led into the file system."""
    kept = as_file('<a href="/figures/a/1?lang=nl">68%</a> <a href="?year=2025-2026&amp;lang=en">en</a>', ADDRESS)

    assert 'href="http://127.0.0.1:8003/figures/a/1?lang=nl"' in kept
    assert 'href="http://127.0.0.1:8003/programmes/p?year=2025-2026&amp;lang=en"' in kept


def test_a_kept_page_refers_to_no_script() -> None:
    assert as_file('<head><script src="/page.js" defer></script></head>', ADDRESS) == "<head></head>"
