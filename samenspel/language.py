"""The languages that people read: Dutch and English."""

import os
from enum import StrEnum


class Language(StrEnum):
    """What people read."""

    EN = "en"
    NL = "nl"


def usual_language() -> Language:
    """The language of the terminal."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return Language.NL if spoken.startswith("nl") else Language.EN
