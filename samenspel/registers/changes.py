"""What a newer file of a register changes: records from its reference date on, never earlier ones (ruling 41). Pure.

Only what the register knows is taken from it: links, declared adoption and the like stay as they are recorded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import ValidationError

from contracts.personal_data import find_personal_data
from contracts.sites import SiteDetails
from contracts.values import holds_on
from samenspel.registers.duo import Location, Register, opened_on, school_record

ChangeKind = Literal["added", "changed", "moved", "closed", "reopened"]
KINDS: tuple[ChangeKind, ...] = ("added", "changed", "moved", "closed", "reopened")
_LOCATION = re.compile(r"duo:[0-9]{2}[A-Z]{2}[0-9]{2}")
_ADDRESS = {"municipality", "postcode4"}
_FROM_DUO = ("name", "board", "brin4", "municipality", "postcode4", "holiday_region")
_DUO_KINDS = ("primary", "special")
_NEW = timedelta(days=365)
"""DUO counts once a year: a school that opened is in a file within a year."""


@dataclass(frozen=True)
class RecordedSite:
    """A site as `requests` has it: in force on the reference date (or its first record), and its newest record."""

    on_day: SiteDetails
    newest: SiteDetails

    def is_open_on(self, day: date) -> bool:
        site = self.on_day
        return site.valid_from <= day and holds_on(day, site.opened_on, site.closed_on)


@dataclass(frozen=True)
class Change:
    """A record to make; `line` is that of the file of open locations, `before` what the changed fields were."""

    kind: ChangeKind
    site_id: str
    line: int | None
    details: SiteDetails
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A location of which nothing is recorded, and why."""

    site_id: str
    line: int | None
    reason: str


@dataclass
class Changes:
    """What a file changes in one municipality, and how many of its locations it leaves as they are."""

    made: list[Change] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unchanged: int = 0


def compare(register: Register, recorded: Mapping[str, RecordedSite], on: date) -> Changes:
    changes = Changes()
    here = {id_ for id_, site in recorded.items() if site.on_day.municipality == register.municipality_code}
    listed = {id_ for id_, each in register.locations.items() if each.municipality_code == register.municipality_code}
    is_first = 2 * len(listed & recorded.keys()) < len(listed)  # a few were recorded by hand; an import records all
    for id_, row in register.without_pupils.items():
        if id_ in here or row.cells["GEMEENTENUMMER"] == register.municipality_code.removeprefix("GM"):
            reason = "its pupils are in no file, so its kind and opening are not known; what is recorded of it stays"
            changes.refused.append(Refused(id_, row.line, reason))
    for id_, location in register.locations.items():
        if id_ in here or id_ in listed:
            _take(changes, _of_location(location, recorded.get(id_), on, is_first=is_first))
    for id_ in sorted(here - register.locations.keys() - register.without_pupils.keys()):
        if _LOCATION.fullmatch(id_) and _is_primary(recorded[id_]) and recorded[id_].is_open_on(on):
            _take(changes, _of_vanished(id_, recorded[id_], on))
    return changes


def _take(changes: Changes, found: Change | Refused | None) -> None:
    match found:
        case Change():
            changes.made.append(found)
        case Refused():
            changes.refused.append(found)
        case None:
            changes.unchanged += 1


def _is_primary(site: RecordedSite) -> bool:
    """DUO's file of open locations has primary schools only; what it does not list may be open."""
    return "primary" in site.on_day.kinds


def _of_location(location: Location, site: RecordedSite | None, on: date, *, is_first: bool) -> Change | Refused | None:
    try:
        wanted = _added(location, on, is_first=is_first) if site is None else _as_duo_says(location, site, on)
    except ValidationError as error:
        wrong = error.errors()[0]
        reason = f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"
        return Refused(location.id, location.line, reason)
    if found := find_personal_data(wanted.model_dump(mode="json", by_alias=True)):
        return Refused(location.id, location.line, f"{found[0]} seems to hold {found[1]}")
    if site is None:
        return Change("added", location.id, location.line, wanted)
    before = {name: old for name, old in dict(site.on_day).items() if old != getattr(wanted, name)}
    if not before:
        return None
    if later := _later(site, on):
        return Refused(location.id, location.line, f"differs in {', '.join(before)}, but {later}")
    kind: ChangeKind = "reopened" if "closed_on" in before else "moved" if before.keys() & _ADDRESS else "changed"
    return Change(kind, location.id, location.line, wanted.model_copy(update={"valid_from": on}), before)


def _of_vanished(site_id: str, site: RecordedSite, on: date) -> Change | Refused:
    if later := _later(site, on):
        return Refused(site_id, None, f"is not in the file, but {later}")
    details = site.on_day.model_copy(update={"valid_from": on, "closed_on": on})
    return Change("closed", site_id, None, details, {"closed_on": site.on_day.closed_on})


def _later(site: RecordedSite, on: date) -> str | None:
    """Why a record from `on` would not be the newest: then a newer file, or a person, has said how it goes on."""
    last = max(site.on_day.valid_from, site.newest.valid_from)
    return f"a record from {last}, after the reference date, is known already" if last > on else None


def _added(location: Location, on: date, *, is_first: bool) -> SiteDetails:
    """From its opening on (ruling 38). Where a municipality was imported before, a school that is no new one came from
    elsewhere: it is here from the reference date on, so that what was counted before stays as it was."""
    record = {name: value for name, value in school_record(location).items() if name != "siteId"}
    if not is_first and opened_on(location) < on - _NEW:
        record["validFrom"] = on.isoformat()
    return SiteDetails.model_validate(record)


def _as_duo_says(location: Location, site: RecordedSite, on: date) -> SiteDetails:
    duo, now = _added(location, on, is_first=True), site.on_day
    said: dict[str, Any] = {name: getattr(duo, name) for name in _FROM_DUO}
    others = tuple(kind for kind in now.kinds if kind not in _DUO_KINDS)
    if {*duo.kinds, *others} != set(now.kinds):
        said["kinds"] = (*duo.kinds, *others)
    if now.postcode4 != duo.postcode4:  # a code of Statistics Netherlands is of the old address
        said["neighbourhood"] = duo.neighbourhood
    if now.closed_on is not None and now.closed_on <= on:
        said["closed_on"] = None
    return now.model_copy(update=said)
