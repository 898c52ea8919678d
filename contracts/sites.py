"""Topic `partnership.sites.v1`: where children are, who is linked with whom, and how many there are."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.events import Event
from contracts.values import (
    Day,
    Identifier,
    Interval,
    Name,
    Postcode4,
    SchoolYear,
    Slug,
    Value,
    check_order,
    check_unique,
)

SITES = "partnership.sites.v1"

SiteKind = Literal["primary", "secondary", "special", "childcare", "out_of_school_care"]
Register = Literal["school", "childcare", "project"]


class Link(Value):
    """Two sites that work as one: a child centre, or the continuous line from primary to secondary."""

    site_id: Identifier
    kind: Literal["child_centre", "continuous_line"]
    starts_on: Annotated[Day, Field(alias="from")]
    ends_on: Annotated[Day | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        check_order(self.starts_on, self.ends_on, field="to", after="from")
        return self


class DeclaredAdoption(Value):
    """The site's own word that it works with a programme, from a day up to (not including) another."""

    programme: Slug
    starts_on: Annotated[Day, Field(alias="from")]
    ends_on: Annotated[Day | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        check_order(self.starts_on, self.ends_on, field="to", after="from")
        return self


class SiteDetails(Event):
    """What is recorded of a site, whoever asks."""

    valid_from: Day
    """From this day on the site is as this record says (until a later record)."""
    kinds: Annotated[tuple[SiteKind, ...], Field(min_length=1)]
    name: Name
    board: Identifier
    """The organisation that answers for the site (school board, childcare organisation)."""
    brin4: Annotated[str | None, Field(pattern=r"^[0-9]{2}[A-Z]{2}$")] = None
    municipality: Annotated[str, Field(pattern=r"^GM[0-9]{4}$")]
    postcode4: Postcode4
    neighbourhood: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9-]+$")]
    """The neighbourhood's code; the four digits of the postcode until a CBS code says better."""
    opened_on: Day | None = None
    closed_on: Day | None = None
    links: tuple[Link, ...] = ()
    declared_adoption: tuple[DeclaredAdoption, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        check_order(self.opened_on, self.closed_on, field="closedOn", after="openedOn")
        check_unique(list(self.kinds), field="kinds")
        return self


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
    age_from: Annotated[int, Field(ge=0, le=18)]
    age_to: Annotated[int, Field(ge=0, le=18)]
    headcount: Interval
    """The number of children; a masked count is an interval."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.headcount.upper < self.headcount.lower:
            raise PydanticCustomError("bounds", "upper is below lower", {"field": "headcount.upper"})
        return self


class GroupRecorded(GroupDetails, topics=(SITES,), aggregate="group", identified_by="group_id", nl="Groep vastgelegd"):
    """A group of children at a site in one school year, with its headcount, is recorded or changed."""

    group_id: Identifier
