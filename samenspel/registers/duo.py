"""Primary-school locations and their pupil numbers, from two files of DUO's open education data (CC0).

One file lists the open locations, the other the pupils per location, one column a year; `read` joins them.
The files are recognised by their columns, since DUO renames them. Nothing is read when there is a mistake anywhere.
"""

import difflib
import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from contracts.values import HolidayRegion, Interval
from samenspel.registers.tables import YEAR, CellFormat, DuoProblem, Finding, Loaded, Row, Table, load

_log = logging.getLogger(__name__)

MASKED = Interval(lower=1, upper=4)
"""DUO's `<5`: one to four children."""

_MAX_NAMED = 5  # locations in a warning: enough to look one up, short enough for a line


def _format(pattern: str, allowed: str) -> CellFormat:
    return CellFormat(re.compile(pattern), allowed)


_CODES = {
    "INSTELLINGSCODE": _format(r"[0-9]{2}[A-Z]{2}", "a BRIN, two digits and two letters"),
    "VESTIGINGSCODE": _format(r"([0-9]{2}[A-Z]{2})?[0-9]{2}", "a BRIN and two digits, or these two digits alone"),
}
_HOLIDAY_REGIONS: dict[str, HolidayRegion] = {"Noord": "noord", "Midden": "midden", "Zuid": "zuid"}
OPEN_LOCATIONS = Table(
    "open locations",
    "windows-1252",
    {
        **_CODES,
        "VESTIGINGSNAAM": _format(r".*\w.*", "a name"),
        "BEVOEGD GEZAG NUMMER": _format(r"[0-9]{5}", "a board's number of five digits"),
        "POSTCODE": _format(r"[1-9][0-9]{3} ?[A-Z]{2}", "a postcode such as 5211 AB"),
        "GEMEENTENUMMER": _format(r"[0-9]{4}", "a municipality's number of four digits"),
        "GEMEENTENAAM": _format(r".*", "a name"),
        "VAKANTIEREGIO": _format("|".join(_HOLIDAY_REGIONS), "Noord, Midden or Zuid"),
    },
)
PUPILS = Table(
    "pupils per location",
    "utf-8",
    {
        **_CODES,
        "SOORT_VESTIGING": _format(r"BO|SBO|SO|VSO|SO/VSO", "BO, SBO, SO, VSO or SO/VSO"),
        "GEMEENTENAAM_VESTIGING": _format(r".*", "a name"),
    },
    yearly=_format(r"[0-9]{1,5}|<5|", "a whole number below 100,000, <5 or nothing"),
)


@dataclass(frozen=True)
class Location:
    """An open location; `pupils` is by year, None where DUO gives no number."""

    id: str
    brin4: str
    name: str
    board: str
    postcode4: str
    municipality: str
    municipality_code: str
    holiday_region: HolidayRegion
    kind: Literal["primary", "special"]
    pupils: dict[int, Interval | None]
    line: int = field(compare=False)
    """Of the file of open locations."""

    @property
    def first_year_with_pupils(self) -> int | None:
        """Used for the opening date, which DUO's files lack; the files' own first year means "then or earlier"."""
        return min((year for year, count in self.pupils.items() if count and count.upper), default=None)


def read(folder: Path, municipality: str | None = None) -> list[Location]:
    return [_location(row, pupils) for row, pupils in _of_municipality(*_load_both(folder), municipality)]


@dataclass(frozen=True)
class Register:
    """What the two files say together of the country, by id; and the code of the municipality that was asked for."""

    municipality_code: str
    locations: dict[str, Location]
    without_pupils: dict[str, Row]
    """Open locations whose pupils are not known."""

    @property
    def last_year(self) -> int:
        return max(year for location in self.locations.values() for year in location.pupils)


def read_register(folder: Path, municipality: str) -> Register:
    open_locations, pupils = _load_both(folder)
    joined = _joined(open_locations, pupils)
    return Register(
        municipality_code=f"GM{_number_of(municipality, joined, open_locations.path.name)}",
        locations={location.id: location for location in (_location(*rows) for rows in joined)},
        without_pupils={f"duo:{code}": row for code, row in open_locations.rows.items() if code not in pupils.rows},
    )


def opened_on(location: Location) -> date:
    """DUO's files have no opening dates: 1 August of the first year with pupils (ruling 38)."""
    return date(location.first_year_with_pupils or max(location.pupils), 8, 1)


def school_record(location: Location) -> dict[str, Any]:
    opened = opened_on(location)
    record = site_record(location.id, location.name, location.board, [location.kind], location, opened)
    return record | {"brin4": location.brin4}


def site_record(
    site_id: str, name: str, board: str, kinds: Sequence[str], location: Location, opened: date
) -> dict[str, Any]:
    return {
        "siteId": site_id,
        "validFrom": opened.isoformat(),
        "kinds": list(kinds),
        "name": {"nl": name},
        "board": board,
        "municipality": location.municipality_code,
        "postcode4": location.postcode4,
        "neighbourhood": location.postcode4,
        "holidayRegion": location.holiday_region,
        "openedOn": opened.isoformat(),
    }


def excerpt(folder: Path, municipality: str, into: Path) -> None:
    """Write the part of DUO's files that is about one municipality: the same bytes, without telephone numbers."""
    files = _load_both(folder)
    kept = {row.location for row, _ in _of_municipality(*files, municipality)}
    for file in files:
        header, *lines = file.path.read_bytes().splitlines(keepends=True)
        rows = [_without_telephone(lines[row.line - 2], row) for row in file.rows.values() if row.location in kept]
        (into / file.path.name).write_bytes(b"".join([header, *rows]))


def _load_both(folder: Path) -> tuple[Loaded, Loaded]:
    files: list[Loaded] = []
    findings: list[Finding] = []
    for table in (OPEN_LOCATIONS, PUPILS):
        try:
            files.append(load(folder, table))
        except DuoProblem as problem:
            findings += problem.findings
    if findings:
        raise DuoProblem(*findings)
    return files[0], files[1]


def _joined(open_locations: Loaded, pupils: Loaded) -> list[tuple[Row, Row]]:
    joined = [(row, pupils.rows[code]) for code, row in open_locations.rows.items() if code in pupils.rows]
    if not joined:
        allowed = f"locations that {pupils.path.name} knows too"
        raise DuoProblem(Finding(open_locations.path.name, None, "VESTIGINGSCODE", "none", allowed))
    return joined


def _of_municipality(open_locations: Loaded, pupils: Loaded, municipality: str | None) -> list[tuple[Row, Row]]:
    joined = _joined(open_locations, pupils)
    number = None if municipality is None else _number_of(municipality, joined, open_locations.path.name)
    wanted = {code for code, row in open_locations.rows.items() if number in (None, row.cells["GEMEENTENUMMER"])}
    if unknown := sorted(wanted - pupils.rows.keys()):
        named = ", ".join(unknown[:_MAX_NAMED]) + (", …" if unknown[_MAX_NAMED:] else "")
        _log.warning("open locations left out, pupils not known: %d (%s)", len(unknown), named)
    return [(row, counts) for row, counts in joined if row.location in wanted]


def _number_of(municipality: str, joined: list[tuple[Row, Row]], file: str) -> str:
    """The files spell one name in two ways, S HERTOGENBOSCH and 'S-HERTOGENBOSCH; the number is the same."""
    spelled = {
        _bare(name): (name, row.cells["GEMEENTENUMMER"])
        for row, counts in joined
        for name in (row.cells["GEMEENTENAAM"], counts.cells["GEMEENTENAAM_VESTIGING"])
        if name
    }
    if found := spelled.get(_bare(municipality)):
        return found[1]
    nearest = difflib.get_close_matches(_bare(municipality), spelled, n=3, cutoff=0)
    names = ", ".join(spelled[name][0] for name in nearest)
    raise DuoProblem(Finding(file, None, "GEMEENTENAAM", municipality, f"a municipality in it, such as {names}"))


def _bare(name: str) -> str:
    """Letters alone: no two municipalities differ only in capitals, accents, apostrophes or hyphens."""
    return re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", name).casefold())


def _location(row: Row, counts: Row) -> Location:
    known = row.cells
    return Location(
        id=f"duo:{row.location}",
        brin4=known["INSTELLINGSCODE"],
        name=known["VESTIGINGSNAAM"],
        board=f"duo:{known['BEVOEGD GEZAG NUMMER']}",
        postcode4=known["POSTCODE"][:4],
        municipality=counts.cells["GEMEENTENAAM_VESTIGING"] or known["GEMEENTENAAM"],
        municipality_code=f"GM{known['GEMEENTENUMMER']}",
        holiday_region=_HOLIDAY_REGIONS[known["VAKANTIEREGIO"]],
        kind="primary" if counts.cells["SOORT_VESTIGING"] == "BO" else "special",
        pupils={int(year[1]): _count(cell) for name, cell in counts.cells.items() if (year := YEAR.fullmatch(name))},
        line=row.line,
    )


@cache
def _count(cell: str) -> Interval | None:
    if cell == "<5":
        return MASKED
    return Interval(lower=int(cell), upper=int(cell)) if cell else None


def _without_telephone(line: bytes, row: Row) -> bytes:
    """We keep no telephone numbers, though the licence allows it; an empty cell of DUO's holds a space."""
    number = row.cells.get("TELEFOONNUMMER")
    return line.replace(f";{number};".encode(), b"; ;", 1) if number else line
