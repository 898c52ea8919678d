"""Things: from the facts of one site, group, request, referral or activity to the rows of its tables.

Pure: the rows of a thing depend on its facts alone, whatever order they came in. They are replaced whole.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from asyncpg import Range

from contracts.values import calendar_day, school_year_of
from services.reporting.facts import folds
from services.reporting.facts.events import Fact, GroupRecorded, Held, IndicatorDefined, RequestRaised, Unreadable
from services.reporting.figures.values import ALL, standing_days

NO_BROKER = "no_offer_in_area"
"""Why a request without a broker is unmet."""
NOT_SAID = "not-said"
"""Why something is unmet where a closure gives no reason."""

Row = tuple[Any, ...]
Rows = Mapping[str, Iterable[Row]]
"""By table."""


class Kind(NamedTuple):
    fold: Callable[[list[Fact]], Any]
    """None where nothing is left of the thing."""
    rows: Callable[[str, Any], Rows]
    tables: tuple[str, ...]
    id_column: str


def _site_rows(site_id: str, site: folds.Site) -> Rows:
    records: list[Row] = []
    links: list[Row] = []
    declared: list[Row] = []
    ends_of = [*(record.valid_from for record in site.records[1:]), date.max]
    for number, (record, ends) in enumerate(zip(site.records, ends_of, strict=True)):
        starts = record.valid_from
        opens, closes = record.opened_on or date.min, record.closed_on or date.max
        first = date.min if number == 0 else starts
        what = record.kinds, record.neighbourhood, opens, closes, record.board, record.municipality
        records.append((site_id, starts, first, ends, *what))
        links += [(site_id, link.site_id, *_both(starts, ends, link)) for link in record.links]
        declared += [(site_id, each.programme, *_both(starts, ends, each)) for each in record.declared_adoption]
    return {"site_records": records, "site_links": links, "site_declarations": declared}


def _both(starts: date, ends: date, held: Held) -> tuple[date, date]:
    return max(starts, held.starts_on), min(ends, held.ends_on or date.max)


def _group_rows(group_id: str, years: Mapping[str, GroupRecorded]) -> Rows:
    return {
        "groups": [
            (
                group_id,
                year,
                group.site_id,
                group.register,
                group.headcount.lower,
                group.headcount.upper,
                date(int(year[:4]), 8, 1),
            )
            for year, group in years.items()
        ]
    }


def _request_rows(request_id: str, request: folds.Request) -> Rows:
    raised = request.raised
    if raised is None:
        return {}
    raised_on = calendar_day(raised.raised_at)
    row = (
        request_id,
        raised.programme,
        raised.site_id,
        [area.stratum for area in raised.learning_areas],
        school_year_of(raised_on),
        raised_on,
        calendar_day(request.assigned_at) if request.assigned_at else None,
        calendar_day(request.answered_at) if request.answered_at else None,
        request.without_broker,
        [Range(*span, lower_inc=False, upper_inc=False) for span in request.ended],
        request.closure.outcome if request.closure else None,
        *_unmet(request, raised),
    )
    sites = {raised.site_id, *raised.co_site_ids}
    return {"requests": [row], "request_sites": [(request_id, site_id) for site_id in sites]}


def _unmet(request: folds.Request, raised: RequestRaised) -> tuple[list[str], str | None]:
    """The areas that are unmet now, and why (ruling 29)."""
    if request.without_broker:
        return [area.stratum for area in raised.learning_areas], NO_BROKER
    if request.closure is None or not request.closure.unmet_areas:
        return [], None
    why = request.closure.reason
    return [area.stratum for area in request.closure.unmet_areas], why.code if why else NOT_SAID


def _referral_rows(referral_id: str, referral: folds.Referral) -> Rows:
    made = referral.made
    if made is None:
        return {}
    row = (
        referral_id,
        made.request_id,
        made.made_at,
        calendar_day(made.made_at),
        calendar_day(referral.accepted_at) if referral.accepted_at else None,
        [area.stratum for area in made.learning_areas],
        made.attempt,
        referral.ended_as,
    )
    return {"referrals": [row]}


def _clock_rows(clock_id: str, waits: tuple[folds.Wait, ...]) -> Rows:
    return {"waits": [_wait_row(clock_id, number, wait) for number, wait in enumerate(waits)]}


def _wait_row(clock_id: str, number: int, wait: folds.Wait) -> Row:
    started, started_on = wait.started, calendar_day(wait.started.started_at)
    of_referral = started.object_id if started.object_kind == "referral" else None
    about = started.clock, started.request_id, of_referral, started.site_id, started.programme
    ended_on = calendar_day(wait.paused_at) if wait.paused_at else None
    return clock_id, number, *about, school_year_of(started_on), started_on, ended_on, wait.breached


def _activity_rows(activity_id: str, activity: folds.Activity) -> Rows:
    body = activity.body
    areas = [area.stratum for area in body.learning_areas]
    row = (
        activity_id,
        body.programme,
        activity.day,
        activity.school_year,
        body.audience,
        body.substitution,
        body.duration_minutes,
        body.request_id,
        areas,
    )
    return {
        "activities": [row],
        "activity_sites": [(activity_id, site_id, site_id in activity.confirmed_by) for site_id in body.site_ids],
        "activity_groups": [(activity_id, part.group_id, part.participants, part.whole_group) for part in body.groups],
        "activity_confirmations": [(activity_id, site_id, calendar_day(at)) for site_id, at in activity.confirmations],
    }


def _definitions(facts: list[Fact]) -> dict[int, Fact]:
    return {fact.body.definition_version: fact for fact in facts if isinstance(fact.body, IndicatorDefined)}


def _definition_rows(indicator: str, versions: Mapping[int, Fact]) -> Rows:
    return {"definitions": [(indicator, version, fact.data) for version, fact in versions.items()]}


KINDS: dict[str, Kind] = {
    "indicator": Kind(_definitions, _definition_rows, ("definitions",), "indicator"),
    "site": Kind(folds.site, _site_rows, ("site_records", "site_links", "site_declarations"), "site_id"),
    "group": Kind(folds.group, _group_rows, ("groups",), "group_id"),
    "request": Kind(folds.request, _request_rows, ("requests", "request_sites"), "request_id"),
    "referral": Kind(folds.referral, _referral_rows, ("referrals",), "referral_id"),
    "clock": Kind(folds.clock, _clock_rows, ("waits",), "clock_id"),
    "activity": Kind(
        folds.activity,
        _activity_rows,
        ("activities", "activity_sites", "activity_groups", "activity_confirmations"),
        "activity_id",
    ),
}

ProgrammePeriod = tuple[str, str, str]
"""A programme, a school year or a day (and with it the year that ends there), and a stratum."""


def programme_periods_of(kind: str, thing: Any) -> list[ProgrammePeriod]:  # noqa: ANN401 - a thing of any kind
    """The periods of a programme that a thing is part of (ruling 49)."""
    if kind == "request" and thing is not None and thing.raised is not None:
        return _periods(thing.raised.programme, calendar_day(thing.raised.raised_at))
    if kind == "activity" and thing is not None:
        areas = thing.body.learning_areas if thing.body.audience == "children" else ()
        of_areas = [(thing.body.programme, thing.school_year, area.stratum) for area in areas]
        return [*_periods(thing.body.programme, thing.day), *of_areas]
    return []


@lru_cache(maxsize=4_096)  # ten years of days
def _periods(programme: str, day: date) -> list[ProgrammePeriod]:
    periods = school_year_of(day), *(each.isoformat() for each in standing_days(day))
    return [(programme, period, ALL) for period in periods]


@dataclass(slots=True)
class Settled:
    """What new facts change."""

    ids: defaultdict[str, list[str]]
    """By kind, the things that changed."""
    known: defaultdict[str, list[str]]
    """By kind, those of them that were known before."""
    rows: defaultdict[str, list[Row]]
    programme_periods: Counter[ProgrammePeriod]
    """How many more things each has, or fewer."""
    fresh: list[Fact]
    """What was not known before: not the same once more."""
    failed: dict[str, Exception]
    """The things that cannot be made: nothing is there of them, and the others go on."""


class StoredFactUnreadable(ValueError):
    """This release cannot read what an earlier one stored."""


class _Made(NamedTuple):
    rows: Rows
    programme_periods: Sequence[ProgrammePeriod]
    error: Exception | None = None


def _check_readable(facts: Iterable[Fact]) -> None:
    for fact in facts:
        if type(fact.body) is Unreadable:  # a third of the time that `isinstance` and `any` take, for every thing
            raise StoredFactUnreadable


def _made(kind_name: str, id_: str, facts: list[Fact]) -> _Made:
    kind = KINDS[kind_name]
    try:
        _check_readable(facts)
        thing = kind.fold(facts)
        rows = kind.rows(id_, thing) if thing is not None else {}
        return _Made(rows, programme_periods_of(kind_name, thing))
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        return _Made({}, (), error)


def settle(earlier: Mapping[str, Sequence[Fact]], fresh: Iterable[Fact]) -> Settled:
    """Fold the things of which there are new facts; `earlier` are the facts that were known of them."""
    settled = Settled(defaultdict(list), defaultdict(list), defaultdict(list), Counter(), [], {})
    by_entity: defaultdict[str, list[Fact]] = defaultdict(list)
    left: list[ProgrammePeriod] = []
    joined: list[ProgrammePeriod] = []
    for fact in fresh:
        by_entity[fact.entity].append(fact)
    for entity, came in by_entity.items():
        kind_name, _, id_ = entity.partition(":")
        if kind_name not in KINDS:
            continue
        before: Mapping[tuple[int, int], Fact] = {}
        if len(came) == 1 and entity not in earlier:  # most things have one fact
            settled.fresh.append(came[0])
            facts = came
        else:
            before = folds.distinct(earlier.get(entity, ()))
            after = folds.distinct((*before.values(), *came))
            if after == before:
                continue
            settled.fresh += [fact for version, fact in after.items() if before.get(version) is not fact]
            facts = folds.that_happened(after.values())
        settled.ids[kind_name].append(id_)
        if before:
            settled.known[kind_name].append(id_)
            left += _made(kind_name, id_, folds.that_happened(before.values())).programme_periods
        made = _made(kind_name, id_, facts)
        joined += made.programme_periods
        for table, rows in made.rows.items():
            settled.rows[table] += rows
        if made.error is not None:
            settled.failed[entity] = made.error
    settled.programme_periods.update(joined)
    settled.programme_periods.subtract(left)
    return settled
