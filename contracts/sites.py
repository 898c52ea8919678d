"""Topic `partnership.sites.v1`: where children are, who is linked with whom, and how many there are."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.events import Event
from contracts.values import (
    DISTINCT,
    NUMBER,
    HolidayRegion,
    Identifier,
    Interval,
    Municipality,
    Name,
    Neighbourhood,
    Postcode4,
    RecordDay,
    SchoolYear,
    Slug,
    Value,
)

SITES = "partnership.sites.v1"

SiteKind = Literal["primary", "secondary", "special", "childcare", "out_of_school_care"]
Register = Literal["school", "childcare", "project"]


class Link(Value):
    """Two sites that work as one: a child centre, or the continuous line from primary to secondary."""

    site_id: Identifier
    kind: Literal["child_centre", "continuous_line"]
    starts_on: Annotated[RecordDay, Field(alias="from")]
    ends_on: Annotated[RecordDay | None, Field(alias="to")] = None
    """The first day on which it does not hold any more."""


class DeclaredAdoption(Value):
    """The site's own word that it works with a programme, from a day up to (not including) another."""

    programme: Slug
    starts_on: Annotated[RecordDay, Field(alias="from")]
    ends_on: Annotated[RecordDay | None, Field(alias="to")] = None
    """The first day on which it does not hold any more."""


class SiteDetails(Event):
    """What is recorded of a site, whoever asks."""

    valid_from: RecordDay
    """From this day on the site is as this record says (until a later record)."""
    kinds: Annotated[tuple[SiteKind, ...], Field(min_length=1, max_length=5), DISTINCT]
    name: Name
    board: Identifier
    """The organisation that answers for the site (school board, childcare organisation)."""
    brin4: Annotated[str | None, Field(pattern=r"^[0-9]{2}[A-Z]{2}$")] = None
    municipality: Municipality
    postcode4: Postcode4
    neighbourhood: Neighbourhood
    holiday_region: HolidayRegion | None = None
    succeeded_by: Identifier | None = None
    """The site that went on with its work when it merged or was renamed."""
    opened_on: RecordDay | None = None
    closed_on: RecordDay | None = None
    """The first day on which it is not there any more."""
    # Neither names each thing once: a site may be linked, or adopt a programme, again in another period.
    links: Annotated[tuple[Link, ...], Field(max_length=100)] = ()
    declared_adoption: Annotated[tuple[DeclaredAdoption, ...], Field(max_length=100)] = ()


class SiteRecorded(SiteDetails, topics=(SITES,), aggregate="site", identified_by="site_id", nl="Vestiging vastgelegd"):
    """A site is recorded, anew or changed. On a day it is what the record with the greatest `validFrom`
    not after that day says, in its newest version."""

    site_id: Identifier


class GroupDetails(Event):
    """What is recorded of a group, whoever asks."""

    site_id: Identifier
    register_: Annotated[Register, Field(alias="register")]
    """The register that counts the child; a child is in one group per register and school year."""
    school_year: SchoolYear
    age_from: Annotated[int, Field(ge=0, le=18), NUMBER]
    age_to: Annotated[int, Field(ge=0, le=18), NUMBER]
    headcount: Interval
    """The number of children; a masked count is an interval."""


class GroupRecorded(GroupDetails, topics=(SITES,), aggregate="group", identified_by="group_id", nl="Groep vastgelegd"):
    """A group of children at a site in one school year, with its headcount, is recorded or changed. It belongs to that
    site and school year for good; should another year arrive all the same, each year keeps its newest record."""

    group_id: Identifier
