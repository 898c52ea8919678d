"""The city: DUO's schools with their real pupil numbers; groups and childcare are invented, with names that say so.

Pure: locations in, the bodies of commands out. DUO counts pupils per location, so their groups are invented too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

from contracts.values import Interval
from demo.programme import PROGRAMME
from demo.simulation.calendar import SCHOOL_YEAR
from demo.simulation.plan import Body
from samenspel.registers.duo import Location, opened_on, school_record, site_record

GROUPS_PER_SCHOOL = 8  # the eight years of a Dutch primary school
SMALLEST_GROUP = 5  # small schools combine years
FIRST_AGE = 4
LINKED = 0.84  # share of the schools that are a child centre with childcare and out-of-school care
HALF_LINKED = 0.5  # share of the others that have childcare alone
RECORDED_BY_CARE = 0.25  # share of the links that are in the record of the care, not of the school
DECLARES = 0.7  # share of the schools that declare their adoption
NAMES = ("Kikker", "Egel", "Merel", "Otter", "Uil", "Vos", "Zwaluw", "Das", "Bever", "Specht", "Lijster", "Haas")


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    site_id: str
    register: str
    headcount: Interval

    @property
    def size(self) -> int:
        """One number, as partners enter it."""
        return self.headcount.upper


@dataclass(slots=True)
class School:
    """A school, its groups, and the sites with which it is a child centre."""

    id: str
    name: str
    groups: list[Group]
    childcare: str | None = None
    out_of_school_care: str | None = None
    care_groups: list[Group] = field(default_factory=list)

    @property
    def is_child_centre(self) -> bool:
        return self.childcare is not None and self.out_of_school_care is not None


@dataclass(frozen=True, slots=True)
class City:
    """A city's sites and groups: as the simulation uses them, and as lines to import."""

    name: str
    schools: tuple[School, ...]
    secondary: tuple[str, ...]
    site_lines: tuple[Body, ...]
    group_lines: tuple[Body, ...]
    pupils: Interval


def city_of(name: str, locations: Sequence[Location], seed: int) -> City:
    rng = Random(f"city {seed}")  # noqa: S311 - a simulation, not a secret
    schools: list[School] = []
    sites: list[Body] = []
    for number, location in enumerate(locations):
        school, lines = _school(location, number, rng)
        sites += lines
        if location.kind == "primary":
            schools.append(school)
    secondary = [_secondary(number, locations[0]) for number in (1, 2)]
    sites += secondary
    groups = [group for school in schools for group in (*school.groups, *school.care_groups)]
    return City(
        name=name,
        schools=tuple(schools),
        secondary=tuple(each["siteId"] for each in secondary),
        site_lines=tuple(sites),
        group_lines=tuple(_group_line(group) for group in groups),
        pupils=Interval(
            lower=sum(group.headcount.lower for school in schools for group in school.groups),
            upper=sum(group.headcount.upper for school in schools for group in school.groups),
        ),
    )


def _school(location: Location, number: int, rng: Random) -> tuple[School, list[Body]]:
    code = location.id.removeprefix("duo:")
    school = School(location.id, location.name, list(_groups(location, code)))
    record, opened = school_record(location), opened_on(location)
    if rng.random() < DECLARES:
        record["declaredAdoption"] = [{"programme": PROGRAMME, "from": f"{rng.randint(2019, 2024)}-08-01"}]
    care: list[Body] = []
    if location.kind == "primary":
        is_linked = rng.random() < LINKED
        if is_linked or rng.random() < HALF_LINKED:
            school.childcare = f"own:kdv-{code}"
            care.append(_care(school, school.childcare, "childcare", location, opened, number))
        if is_linked:
            school.out_of_school_care = f"own:bso-{code}"
            care.append(_care(school, school.out_of_school_care, "out_of_school_care", location, opened, number))
    for other in care:
        holder, linked = (other, location.id) if rng.random() < RECORDED_BY_CARE else (record, other["siteId"])
        link = {"siteId": linked, "kind": "child_centre", "from": opened.isoformat()}
        holder["links"] = [*holder.get("links", []), link]
        school.care_groups.append(_care_group(other, rng))
    return school, [record, *care]


def _groups(location: Location, code: str) -> list[Group]:
    """The newest pupil number, spread evenly over at most eight groups; a masked one stays one interval."""
    pupils = location.pupils[max(location.pupils)] or Interval(lower=0, upper=0)
    if pupils.lower != pupils.upper:
        return [Group(f"own:{code}-1", location.id, "school", pupils)]
    number = max(1, min(GROUPS_PER_SCHOOL, pupils.upper // SMALLEST_GROUP))
    sizes = [pupils.upper // number + (index < pupils.upper % number) for index in range(number)]
    return [
        Group(f"own:{code}-{index}", location.id, "school", Interval(lower=size, upper=size))
        for index, size in enumerate(sizes, 1)
    ]


def _care(school: School, site_id: str, kind: str, location: Location, opened: date, number: int) -> Body:
    what = "kinderopvang" if kind == "childcare" else "BSO"
    name = f"Verzonnen {what} {NAMES[number % len(NAMES)]} ({school.id.removeprefix('duo:')})"
    return site_record(site_id, name, "own:verzonnen-opvang", [kind], location, opened)


def _care_group(site: Body, rng: Random) -> Group:
    """The one group of a childcare site, of a size that Dutch rules allow at that age."""
    size = rng.randint(10, 16) if site["kinds"] == ["childcare"] else rng.randint(18, 30)
    site_id: str = site["siteId"]
    return Group(f"{site_id}-groep", site_id, "childcare", Interval(lower=size, upper=size))


def _secondary(number: int, near: Location) -> Body:
    name = f"Verzonnen College {('Noord', 'Zuid')[number - 1]}"
    return site_record(f"own:vo-{number}", name, "own:verzonnen-vo", ["secondary"], near, date(2010, 8, 1))


def _group_line(group: Group) -> Body:
    is_small = group.site_id.startswith("own:kdv-")
    index = int(group.id.rsplit("-", 1)[1]) if group.register == "school" else 1
    first = FIRST_AGE + index - 1 if group.register == "school" else (0 if is_small else FIRST_AGE)
    last = first + 1 if group.register == "school" else (FIRST_AGE if is_small else 12)
    return {
        "groupId": group.id,
        "siteId": group.site_id,
        "register": group.register,
        "schoolYear": SCHOOL_YEAR,
        "ageFrom": first,
        "ageTo": last,
        "headcount": {"lower": group.headcount.lower, "upper": group.headcount.upper},
    }
