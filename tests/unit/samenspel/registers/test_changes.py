"""A newer DUO file changes the future, not the past (ruling 41); what it changes is reported."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.sites import DeclaredAdoption, Link, SiteDetails
from contracts.values import Name
from samenspel.registers.changes import Change, Changes, RecordedSite, compare
from samenspel.registers.duo import read_register
from tests.builders import site_details

EXCERPT = Path(__file__).parents[4] / "programmes" / "kansen-voor-kinderen" / "duo"
PLACES = "02.-alle-schoolvestigingen-basisonderwijs.csv"
PUPILS = "06.-historisch-overzicht-aantal-leerlingen-per-schoolvestiging.csv"
CITY = "'s-Hertogenbosch"
NOUR, ANTONIUS = "duo:23RT00", "duo:04DZ00"
"""The first two locations of the file: on line 2 and 3."""
FIRST, NEXT, LAST = date(2025, 10, 1), date(2026, 2, 1), date(2026, 10, 1)

Edit = Callable[[bytes], bytes]
Records = dict[str, dict[date, SiteDetails]]
"""Of each site, what is recorded from which day on."""


def replacing(old: bytes, new: bytes) -> Edit:
    def edit(text: bytes) -> bytes:
        assert old in text
        return text.replace(old, new)

    return edit


def without(code: bytes) -> Edit:
    return lambda text: b"".join(line for line in text.splitlines(keepends=True) if code not in line)


class City:
    """What is recorded of a city, and how an import changes it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.records = folder, Records()

    def imports(self, on: date, *edits: Edit, pupils: Edit | None = None) -> Changes:
        """Import the excerpt as it is after these edits of the open locations, and of the pupils."""
        text = (EXCERPT / PLACES).read_bytes()
        for edit in edits:
            text = edit(text)
        (self.folder / PLACES).write_bytes(text)
        counts = (EXCERPT / PUPILS).read_bytes()
        (self.folder / PUPILS).write_bytes(pupils(counts) if pupils else counts)
        changes = compare(read_register(self.folder, CITY), self.recorded(on), on)
        for change in changes.made:
            self.record(change.site_id, change.details)
        return changes

    def record(self, site_id: str, details: SiteDetails) -> None:
        self.records.setdefault(site_id, {})[details.valid_from] = details

    def amend(self, site_id: str, **fields: Any) -> None:
        """As a coordinator does by hand, in the newest record."""
        newest = self.on(site_id, date.max)
        self.record(site_id, newest.model_copy(update=fields))

    def on(self, site_id: str, day: date) -> SiteDetails:
        days = sorted(self.records[site_id])
        return self.records[site_id][max([each for each in days if each <= day], default=days[0])]

    def recorded(self, day: date) -> Mapping[str, RecordedSite]:
        return {site_id: RecordedSite(self.on(site_id, day), self.on(site_id, date.max)) for site_id in self.records}


@pytest.fixture
def city(tmp_path: Path) -> City:
    """After a first import."""
    city = City(tmp_path)
    city.imports(FIRST)
    return city


def only(changes: Changes) -> Change:
    (change,) = changes.made
    return change


def test_the_first_import_dates_every_location_from_its_opening(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.record("own:by-hand", site_details())

    changes = city.imports(FIRST)

    assert {change.kind for change in changes.made} == {"added"}
    assert (len(changes.made), changes.unchanged, changes.refused) == (41, 0, [])
    assert all(change.details.valid_from == change.details.opened_on for change in changes.made)


def test_the_same_file_again_changes_nothing(city: City) -> None:
    for on in (FIRST, NEXT):
        again = city.imports(on)

        assert (again.made, again.refused, again.unchanged) == ([], [], 41)


def test_a_school_that_moved_lies_elsewhere_from_the_reference_date_on(city: City) -> None:
    before = city.on(NOUR, NEXT)

    moved = only(city.imports(NEXT, replacing(b";82;5224 BW;", b";82;5223 AA;")))

    assert (moved.kind, moved.site_id, moved.line, moved.details.valid_from) == ("moved", NOUR, 2, NEXT)
    assert moved.before == {"postcode4": "5224", "neighbourhood": "5224"}
    assert city.on(NOUR, date(2026, 1, 31)) == before
    assert (city.on(NOUR, NEXT).postcode4, city.on(NOUR, NEXT).neighbourhood) == ("5223", "5223")


def test_a_school_that_got_another_board_or_name_is_changed_from_the_reference_date_on(city: City) -> None:
    changed = only(city.imports(NEXT, replacing(b";31076;23RT", b";40169;23RT"), replacing(b"Nour", b"Noor")))

    assert (changed.kind, changed.details.board, changed.details.name.nl) == (
        "changed",
        "duo:40169",
        "Basisschool Noor",
    )
    assert changed.before == {"board": "duo:31076", "name": Name(nl="Basisschool Nour")}
    assert city.on(NOUR, date(2026, 1, 31)).board == "duo:31076"


def test_a_school_whose_holiday_region_was_not_recorded_has_it_from_the_reference_date_on(city: City) -> None:
    city.amend(NOUR, holiday_region=None)

    changed = only(city.imports(NEXT))

    assert (changed.kind, changed.before, changed.details.holiday_region) == (
        "changed",
        {"holiday_region": None},
        "zuid",
    )
    assert city.on(NOUR, date(2026, 1, 31)).holiday_region is None


def test_a_school_that_vanished_is_closed_on_the_reference_date(city: City) -> None:
    closed = only(city.imports(NEXT, without(b";23RT00;")))

    assert (closed.kind, closed.site_id, closed.line) == ("closed", NOUR, None)
    assert (closed.details.valid_from, closed.details.closed_on) == (NEXT, NEXT)
    assert city.on(NOUR, date(2026, 1, 31)).closed_on is None
    assert city.imports(LAST, without(b";23RT00;")).made == []  # it is closed already


def test_a_school_that_returns_is_opened_again(city: City) -> None:
    opened_on = city.on(NOUR, NEXT).opened_on
    city.imports(NEXT, without(b";23RT00;"))

    reopened = only(city.imports(LAST))

    assert (reopened.kind, reopened.site_id, reopened.details.valid_from) == ("reopened", NOUR, LAST)
    assert (reopened.details.closed_on, reopened.details.opened_on) == (None, opened_on)
    assert city.on(NOUR, date(2026, 9, 30)).closed_on == NEXT


def test_a_new_school_is_there_from_its_opening_on(city: City) -> None:
    del city.records[NOUR]
    line = next(each for each in (EXCERPT / PUPILS).read_bytes().splitlines() if b";23RT00;" in each)
    *about, newest = line.split(b";")
    new = b";".join([*about[:-29], *[b""] * 29, newest])

    added = only(city.imports(FIRST, pupils=replacing(line, new)))

    assert (added.kind, added.details.valid_from, added.details.opened_on) == (
        "added",
        date(2025, 8, 1),
        date(2025, 8, 1),
    )


def test_a_school_that_came_from_elsewhere_is_here_from_the_reference_date_on(city: City) -> None:
    del city.records[NOUR]

    added = only(city.imports(NEXT))

    assert (added.kind, added.details.valid_from) == ("added", NEXT)
    assert added.details.opened_on is not None
    assert added.details.opened_on < FIRST


def test_a_school_that_is_recorded_elsewhere_moves_here(city: City) -> None:
    city.amend(NOUR, municipality="GM0855", postcode4="5011", neighbourhood="BU08550101")

    moved = only(city.imports(NEXT))

    assert (moved.kind, moved.details.municipality, moved.details.neighbourhood) == ("moved", "GM0796", "5224")


def test_what_duo_does_not_know_stays_as_it_was_recorded(city: City) -> None:
    links = (Link(site_id="lrk:990000017", kind="child_centre", starts_on=FIRST),)
    declared = (DeclaredAdoption(programme="kansen-voor-kinderen", starts_on=FIRST),)
    own = {"links": links, "declared_adoption": declared, "neighbourhood": "BU07960101"}
    city.amend(NOUR, kinds=("primary", "childcare"), **own)

    unchanged = city.imports(NEXT)
    changed = only(city.imports(NEXT, replacing(b"Nour", b"Noor")))

    assert unchanged.made == []
    assert {name: getattr(changed.details, name) for name in own} == own
    assert changed.details.kinds == ("primary", "childcare")


def test_sites_that_the_file_does_not_list_are_left_alone(city: City) -> None:
    city.record("own:verzonnen", site_details(kinds=("primary",)))
    city.record("duo:99ZB00", site_details(kinds=("secondary",)))
    city.record("duo:99ZS00", site_details(kinds=("special",)))
    city.record("duo:99ZA00", site_details(municipality="GM0855"))

    assert city.imports(NEXT).made == []


def test_an_older_file_does_not_change_what_a_newer_one_said(city: City) -> None:
    city.imports(LAST, replacing(b";82;5224 BW;", b";82;5223 AA;"), without(b";04DZ00;"))

    older = city.imports(NEXT, replacing(b"Nour", b"Noor"), without(b";04DZ00;"))

    assert older.made == []
    assert [(refused.site_id, refused.line) for refused in older.refused] == [(NOUR, 2), (ANTONIUS, None)]
    assert all("a record from 2026-10-01" in refused.reason for refused in older.refused)


def test_a_planned_closing_stays_until_its_day(city: City) -> None:
    city.amend(NOUR, closed_on=date(2026, 8, 1))

    assert city.imports(NEXT).made == []
    assert only(city.imports(LAST)).kind == "reopened"


def test_a_location_without_pupils_is_refused_with_its_line_and_neither_added_nor_closed(city: City) -> None:
    del city.records[ANTONIUS]
    no_pupils = without(b";04DZ00;")

    changes = city.imports(NEXT, pupils=lambda text: no_pupils(without(b";23RT00;")(text)))

    assert changes.made == []
    assert [(refused.site_id, refused.line) for refused in changes.refused] == [(NOUR, 2), (ANTONIUS, 3)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [(b"Bel 073-6123456", "name.nl seems to hold a telephone number"), (b"N" * 201, "name.nl: String should have")],
)
def test_a_name_that_no_door_accepts_is_refused_with_its_line(city: City, name: bytes, reason: str) -> None:
    changes = city.imports(NEXT, replacing(b"Basisschool Nour", name))

    (refused,) = changes.refused
    assert changes.made == []
    assert (refused.site_id, refused.line) == (NOUR, 2)
    assert refused.reason.startswith(reason)
    assert "6123456" not in refused.reason
