"""Take the pictures of the documentation from a stack that runs and has seen a demo: `make pictures`."""

import shutil
import sys
from pathlib import Path

from local import FOLDER
from samenspel.endpoints import find_endpoints
from tests.e2e.browser import installed, looked_at

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "pictures"
KEPT = {  # in the order of the languages below
    "0-light-desk.png": "page-nl.png",
    "0-light-phone.png": "page-nl-phone.png",
    "0-print.png": "page-nl-a4.png",
    "1-light-desk.png": "page-en.png",
    "1-light-phone.png": "page-en-phone.png",
    "1-print.png": "page-en-a4.png",
    "2-light-desk.png": "figure-en.png",
}


PAGES = ("/?lang=nl", "/?lang=en", "/figures/adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31?lang=en")


def main() -> None:
    """Ends with 1, and what is wrong with the pages, where something is."""
    url = find_endpoints().urls["reporting"]
    wrong = looked_at(installed(), FOLDER / "pictures", *(f"{url}{path}" for path in PAGES))
    if wrong:
        sys.exit("\n".join(wrong))
    DOCUMENTATION.mkdir(exist_ok=True)
    for taken, name in KEPT.items():
        shutil.copy(FOLDER / "pictures" / taken, DOCUMENTATION / name)


if __name__ == "__main__":
    main()
