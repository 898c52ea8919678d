"""Adoption: which share of the schools works with the approach (rulings 16 to 20)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from demo.recount.days import Season
from demo.recount.events import SiteRecorded
from demo.recount.facts import Activity, Facts
from demo.recount.figures import Figure, key, part_of
from demo.recount.places import units_of

CHILD_CENTRE = {"childcare", "out_of_school_care"}
"""The two kinds of partner that a school needs beside it for strict adoption."""


def adoption(facts: Facts, season: Season) -> Iterator[Figure]:
    """Strict, loose and declared, on 31 December and 31 July of the school year."""
    year = season.first_of_august.year
    for day in (date(year, 12, 31), date(year + 1, 7, 31)):
        schools = list(_schools(facts, day))
        in_unit = defaultdict(list)
        for school in schools:
            for unit in units_of(school):
                in_unit[unit].append(school.site_id)
        working = _working(facts, season.programme, day)
        joined = {school for school, activity in working if _joint(facts, school, activity)}
        qualifying = {
            "adoption-strict": joined,
            "adoption-loose": {school for school, _ in working},
            "adoption-declared": {school.site_id for school in schools if _declares(school, season.programme, day)},
        }
        for indicator, chosen in qualifying.items():
            for unit, here in in_unit.items():
                share = part_of(sum(school in chosen for school in here), len(here))
                yield key(indicator, season.programme, unit, "all", day.isoformat()), share


def _schools(facts: Facts, day: date) -> Iterator[SiteRecorded]:
    """The regular primary locations that are open on the day, child centres included (19)."""
    for site_id in facts.places.records:
        site = facts.places.on(site_id, day)
        # Choice (19): a location that is primary and special is special education, and not in it.
        if site and "primary" in site.kinds and "special" not in site.kinds:
            opened = site.opened_on is None or site.opened_on <= day
            if opened and (site.closed_on is None or day < site.closed_on):
                yield site


def _working(facts: Facts, programme: str, day: date) -> list[tuple[str, Activity]]:
    """Each site with each activity that replaces and that this very site confirmed, in the year that ends on
    the day (16, 17)."""
    year_before = day.replace(year=day.year - 1)
    return [
        (site, activity)
        for activity in facts.activities
        if activity.body.programme == programme
        # Choice (7): "nor in adoption" is about the whole activity, with or without groups.
        and activity.body.audience == "children"
        and activity.body.substitution == "replaces"
        and year_before < activity.body.day <= day
        for site in activity.sites & activity.confirmed_by
    ]


def _joint(facts: Facts, school: str, activity: Activity) -> bool:
    """Whether its sites and its request's include childcare and out-of-school care that are linked with the
    school on the activity's day (18)."""
    # Choice (18): a school is not linked with itself, whatever other kinds its own record has.
    together = set(activity.sites)
    request = facts.requests.get(activity.body.request_id or "")
    # Choice (18, 36): a request of another programme lends no sites.
    if request and request.raised.programme == activity.body.programme:
        together |= {request.raised.site_id, *request.raised.co_site_ids}
    kinds: set[str] = set()
    for site_id in together:
        site = facts.places.on(site_id, activity.body.day)
        if site and facts.places.linked(school, site_id, activity.body.day):
            kinds |= site.kinds
    return kinds >= CHILD_CENTRE


def _declares(school: SiteRecorded, programme: str, day: date) -> bool:
    return any(word.of == programme and word.holds_on(day) for word in school.declared)
