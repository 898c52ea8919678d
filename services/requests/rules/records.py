"""Who records sites and groups, and what the schema of one cannot say. Pure."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from contracts.sites import DeclaredAdoption, GroupDetails, Link, SiteDetails
from contracts.values import Actor, Identifier, Role
from services.chassis.checks import BoundsInWrongOrder, check_bounds, check_name, check_order, check_unique
from services.chassis.life_cycle import EVERYONE, check_actor, check_operator
from services.chassis.problems import Malformed, RuleSaysNo, WrongField

RECORDERS: Mapping[Role, str] = {"coordinator": "site", "operator": "city"}


class UnknownSite(Malformed):
    """No such site is recorded; record it first with PUT /v1/sites/{siteId}."""


class GroupCannotMove(RuleSaysNo):
    """A group does not move to another site; record a new group there."""


class GroupOfAnotherYear(RuleSaysNo):
    """A group belongs to one school year for good; record a new group."""


class WrongKindOfId(Malformed):
    """This is the id of another kind of thing, or not as its register writes it."""


class _KindOfId(NamedTuple):
    """Ids of one kind of thing, as registers write them (ruling 43)."""

    name: str
    pattern: re.Pattern[str]
    allowed: str


_OF_A_SITE = _KindOfId(
    "site's",
    re.compile(r"duo:[0-9]{2}[A-Z]{2}[0-9]{2}|lrk:[1-9][0-9]*|own:.+"),
    "a location of DUO (duo:16NV00), a number of the LRK without a zero before it (lrk:212423455), or own:…",
)
_OF_A_BOARD = _KindOfId(
    "board's",
    re.compile(r"duo:[0-9]{5}|lrk:[1-9][0-9]*|own:.+"),
    "a board of DUO (duo:30650), a number of the LRK without a zero before it (lrk:212423455), or own:…",
)


def check_recorder(site_id: Identifier, *, is_new: bool, by: Actor) -> None:
    """An operator records a new site; the site's coordinator may amend what is recorded of it."""
    if is_new:
        check_operator("record a new site", by)
    else:
        check_actor("amend the site", RECORDERS, by, {"site": (site_id,), "city": EVERYONE})


def check_site(site_id: Identifier, site: SiteDetails) -> None:
    """What the schema of a site cannot say."""
    _check_kind_of_id(site_id, _OF_A_SITE, field="siteId")
    _check_kind_of_id(site.board, _OF_A_BOARD, field="board")
    check_name(site.name.nl, field="name.nl")
    check_order(site.opened_on, site.closed_on, field="closedOn", after="openedOn")
    check_unique(site.kinds, field="kinds")
    for index, link in enumerate(site.links):
        _check_kind_of_id(link.site_id, _OF_A_SITE, field=f"links[{index}].siteId")
        _check_period(f"links[{index}]", link)
    for index, declared in enumerate(site.declared_adoption):
        _check_period(f"declaredAdoption[{index}]", declared)


def _check_kind_of_id(said: Identifier, kind: _KindOfId, *, field: str) -> None:
    if not kind.pattern.fullmatch(said):
        raise WrongKindOfId(f"{field} is {said}, which is no {kind.name}.", WrongField(field, said, kind.allowed))


def _check_period(field: str, period: Link | DeclaredAdoption) -> None:
    check_order(period.starts_on, period.ends_on, field=f"{field}.to", after=f"{field}.from")


def check_group(recorded: GroupDetails | None, group: GroupDetails, sites: Mapping[str, SiteDetails]) -> None:
    """A group belongs to a recorded site and a school year, and stays there: its events are ordered under that site,
    and another year would take its children from the figures of the first (ruling 40)."""
    check_bounds(group.headcount, field="headcount")
    if group.age_to < group.age_from:
        raise BoundsInWrongOrder(
            f"ageTo is {group.age_to}, below ageFrom ({group.age_from}).",
            WrongField("ageTo", group.age_to, f"at least {group.age_from}"),
        )
    if group.site_id not in sites:
        raise UnknownSite(
            f"siteId is {group.site_id}: no such site is recorded.",
            WrongField("siteId", group.site_id, "a recorded site"),
        )
    if recorded is not None and recorded.site_id != group.site_id:
        raise GroupCannotMove(None, WrongField("siteId", group.site_id, "the site at which it was recorded"))
    if recorded is not None and recorded.school_year != group.school_year:
        raise GroupOfAnotherYear(
            f"schoolYear is {group.school_year}; this group is recorded for {recorded.school_year}.",
            WrongField("schoolYear", group.school_year, recorded.school_year),
        )
