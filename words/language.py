"""What people read, in Dutch or in English: texts from catalogues, and numbers and dates in the form of the language.

A package keeps its texts in `locale/<language>/LC_MESSAGES/<package>.po`. A catalogue is compiled when it is first
used: no build step, and no binary file in the repository.
"""

import os
import textwrap
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO
from unicodedata import bidirectional

from contracts.values import AMSTERDAM


class Language(StrEnum):
    EN = "en"
    NL = "nl"


_LOCALES = {Language.EN: "en_GB", Language.NL: "nl_NL"}  # English as in Europe: day before month, 24 hours

WIDTH = 80  # columns of what people read

Number = int | float | Decimal


def usual_language() -> Language:
    """The language of the terminal; English where it is neither of the two."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return Language.NL if locale.startswith("nl") else Language.EN


class Texts:
    """The texts of one package in one language, and the numbers and dates to put into them.

    Patterns of numbers are those of Unicode's CLDR: `#,##0.#` has at most one decimal.
    """

    def __init__(self, package: str, language: Language) -> None:
        from babel.support import Format  # noqa: PLC0415 - 0.1 s, for those commands alone that print a text

        self.language = language
        self._catalogue = _catalogue(package, language)
        self._format = Format(_LOCALES[language])

    def say(self, name: str, /, count: int | None = None, **parts: object) -> str:
        """The text of this name with its parts filled in; `count` chooses between singular and plural."""
        if count is None:
            return self._catalogue.gettext(name).format(**parts)
        return self._catalogue.ngettext(name, name, count).format(count=self.number(count), **parts)

    def word(self, kind: str, text: str, /) -> str:
        """What is said for a text that came as data, such as a code; the text itself where there is no other."""
        name = f"{kind}.{text}"
        said = self._catalogue.gettext(name)
        return text if said == name else said

    def number(self, number: Number, pattern: str = "#,##0") -> str:
        return self._format.decimal(number, pattern)

    def percent(self, share: Number, pattern: str = "#,##0%") -> str:
        return self._format.percent(share, pattern)

    def numbers(self, lower: Number, upper: Number, pattern: str = "#,##0") -> str:
        """One number, or from and to."""
        return _interval(self.number(lower, pattern), self.number(upper, pattern))

    def percents(self, lower: Number, upper: Number, pattern: str = "#,##0%") -> str:
        """One percentage, or from and to with one sign."""
        low, high = self.percent(lower, pattern), self.percent(upper, pattern)
        return high if low == high else _interval(self.number(100 * lower, pattern.rstrip("%")), high)

    def days(self, number: Number) -> str:
        """Such as 1 day, 3.5 days."""
        from babel.units import format_unit  # noqa: PLC0415 - as above

        # As a float: Babel takes Decimal("1.000000") for a plural. Short: Babel does not find the long form in Dutch.
        return format_unit(float(number), "duration-day", "short", "#,##0.#", locale=self._format.locale)

    def day(self, day: date) -> str:
        """Such as 31 Jul 2026."""
        return self._format.date(day)

    def moment(self, instant: str) -> str:
        """Such as 22 Nov 2026, 14:03:07: on the wall clock in Amsterdam, from an instant as contracts write it."""
        return self._format.datetime(datetime.fromisoformat(instant).astimezone(AMSTERDAM))


def in_line(name: str) -> str:
    """A name as it stands among other words: where it is written from right to left it is isolated (Unicode's UAX 9),
    or what stands beside it would change places."""
    is_from_right = any(bidirectional(each) in {"R", "AL"} for each in name)
    return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" if is_from_right else name


def _interval(low: str, high: str) -> str:
    return low if low == high else f"{low}\N{EN DASH}{high}"


@cache
def _catalogue(package: str, language: Language) -> GNUTranslations:
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - as above
    from babel.messages.pofile import read_po  # noqa: PLC0415

    file = files(package) / "locale" / language / "LC_MESSAGES" / f"{package}.po"
    compiled = BytesIO()
    with file.open("rb") as texts:
        write_mo(compiled, read_po(texts, locale=language, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of 80 columns; only the first has what is not blank in the indent."""
    blank = " " * len(indent)
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=blank, break_on_hyphens=False)
