"""Adoption: which share of the schools works with the approach (rulings 16 to 20 and 49)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from demo.recount.entities import Activity, Entities
from demo.recount.events import SiteRecorded
from demo.recount.figures import KeyedFigure, key, share_of
from demo.recount.sites import units_of

CHILD_CENTRE = {"childcare", "out_of_school_care"}
"""The two kinds of partner that a school needs beside it for strict adoption."""


def adoption(entities: Entities) -> Iterator[KeyedFigure]:
    """Strict, loose and declared, on each 31 December and 31 July with something in the year before it (49)."""
    for programme, day in sorted(_days(entities)):
        schools = list(_schools(entities, day))
        in_unit = defaultdict(list)
        for school in schools:
            for unit in units_of(school):
                in_unit[unit].append(school.site_id)
        working = _working(entities, programme, day)
        joined = {school for school, activity in working if _joint(entities, school, activity)}
        qualifying = {
            "adoption-strict": joined,
            "adoption-loose": {school for school, _ in working},
            "adoption-declared": {school.site_id for school in schools if _declares(school, programme, day)},
        }
        for indicator, chosen in qualifying.items():
            for unit, here in in_unit.items():
                share = share_of(sum(school in chosen for school in here), len(here))
                yield key(indicator, programme, unit, "all", day.isoformat()), share


def _days(entities: Entities) -> set[tuple[str, date]]:
    """The days at which a programme is looked at: whatever happened in the year that ends there."""
    years = {day.year + later for _, day in entities.days for later in (0, 1)}
    ends = [date(year, month, 31) for year in years for month in (7, 12)]
    return {
        (programme, end)
        for programme, day in entities.days
        for end in ends
        if end.replace(year=end.year - 1) < day <= end
    }


def _schools(entities: Entities, day: date) -> Iterator[SiteRecorded]:
    """The regular primary locations that are open on the day, child centres included (19)."""
    for site_id in entities.sites.records:
        site = entities.sites.on(site_id, day)
        # Choice (19): a location that is primary and special is special education, and not in it.
        if site and "primary" in site.kinds and "special" not in site.kinds:
            opened = site.opened_on is None or site.opened_on <= day
            if opened and (site.closed_on is None or day < site.closed_on):
                yield site


def _working(entities: Entities, programme: str, day: date) -> list[tuple[str, Activity]]:
    """Each site with each replacing activity that this very site confirmed, in the year before the day (16, 17)."""
    year_before = day.replace(year=day.year - 1)
    return [
        (site, activity)
        for activity in entities.activities
        if activity.details.programme == programme
        # Choice (7): "nor in adoption" is about the whole activity, with or without groups.
        and activity.details.audience == "children"
        and activity.details.substitution == "replaces"
        and year_before < activity.details.day <= day
        for site in activity.sites & activity.confirmed_by
    ]


def _joint(entities: Entities, school: str, activity: Activity) -> bool:
    """Whether its sites and its request's include childcare and out-of-school care that are linked with the school
    on the day of the activity (18)."""
    # Choice (18): a school is not linked with itself, whatever other kinds its own record has.
    together = set(activity.sites)
    request = entities.requests.get(activity.details.request_id or "")
    # Choice (18, 36): a request of another programme lends no sites.
    if request and request.raised.programme == activity.details.programme:
        together |= {request.raised.site_id, *request.raised.co_site_ids}
    kinds: set[str] = set()
    for site_id in together:
        site = entities.sites.on(site_id, activity.details.day)
        if site and entities.sites.linked(school, site_id, activity.details.day):
            kinds |= site.kinds
    return kinds >= CHILD_CENTRE


def _declares(school: SiteRecorded, programme: str, day: date) -> bool:
    return any(each.about == programme and each.holds_on(day) for each in school.declared)
