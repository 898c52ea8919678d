"""Adoption: schools that work with a programme (metrics.md 1, rulings 16 to 20).

A school's *trailing year* at d is d - 1 year < occurrence <= d. It *qualifies* (loose) by a delivered activity
for children that replaces and that this school confirmed; strictly when such an activity, with its request,
is joint with a linked childcare site and a linked out-of-school-care site.
"""

from collections.abc import Iterable
from datetime import date

from services.reporting.facts.events import SiteRecorded
from services.reporting.facts.folds import Activity
from services.reporting.facts.ledger import Ledger
from services.reporting.figures.cells import Component, Contributions
from services.reporting.figures.values import ALL, CITY, Cell

NAME = "adoption"
CARE = ("childcare", "out_of_school_care")


def day_of(cell: Cell) -> date:
    return date.fromisoformat(cell.period)


def contributions(ledger: Ledger, school_id: str) -> Contributions:
    """What one school contributes on every day that ends a year of a programme (ruling 49)."""
    site = ledger.sites.get(school_id)
    found: dict[Cell, dict[Component, int]] = {}
    if site is None:
        return found
    days = [
        (programme, date.fromisoformat(period))
        for (programme, period), count in ledger.programme_years.items()
        if count > 0 and len(period) == len("2025-12-31")
    ]
    for programme, day in days:
        record = site.on(day)
        if record is None or not is_regular_primary(record) or not record.is_open_on(day):
            continue
        adopting = list(qualifying(ledger, school_id, programme, day))
        counted: dict[Component, int] = {
            "schools": 1,
            "loose": int(bool(adopting)),
            "strict": int(any(is_joint(ledger, school_id, activity) for activity in adopting)),
            "declared": int(
                any(each.programme == programme and each.holds_on(day) for each in record.declared_adoption)
            ),
        }
        for unit in (f"site:{school_id}", f"neighbourhood:{record.neighbourhood}", CITY):
            found[Cell(programme, unit, ALL, day.isoformat())] = counted
    return found


def is_regular_primary(record: SiteRecorded) -> bool:
    """Child centres count as regular primary schools, special education does not (ruling 19)."""
    return "primary" in record.kinds and "special" not in record.kinds


def qualifying(ledger: Ledger, school_id: str, programme: str, day: date) -> Iterable[Activity]:
    """The school's confirmed, replacing activities for children in the year that ends on `day`, as far as the
    school was there on their day (ruling 38)."""
    year_before = day.replace(year=day.year - 1)  # never 29 February: the days are 31 December and 31 July
    school = ledger.sites[school_id]
    for activity_id in ledger.activities_at[school_id]:
        activity = ledger.activities[activity_id]
        body = activity.body
        if (
            body.substitution == "replaces"
            and body.audience == "children"
            and body.programme == programme
            and school_id in activity.confirmed_by
            and year_before < activity.day <= day
            and school.on(activity.day) is not None
        ):
            yield activity


def is_joint(ledger: Ledger, school_id: str, activity: Activity) -> bool:
    involved = set(activity.body.site_ids)
    request = ledger.requests.get(activity.body.request_id) if activity.body.request_id else None
    if request is not None and request.raised is not None and request.raised.programme == activity.body.programme:
        involved |= {request.raised.site_id, *request.raised.co_site_ids}
    kinds: set[str] = set()
    for site_id in involved - {school_id}:
        if are_linked(ledger, school_id, site_id, activity.day):
            record = ledger.site_on(site_id, activity.day)
            kinds |= set(record.kinds) if record else set()
    return all(kind in kinds for kind in CARE)


def are_linked(ledger: Ledger, one: str, other: str, day: date) -> bool:
    for holder, target in ((one, other), (other, one)):
        record = ledger.site_on(holder, day)
        if record and any(link.site_id == target and link.holds_on(day) for link in record.links):
            return True
    return False
