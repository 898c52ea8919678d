"""What is asked: sites and groups that are recorded, a time that can be, and one way to count the children. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.requests import RequestAmended, RequestDetails, RequestRaised
from contracts.sites import GroupDetails, SiteDetails
from contracts.values import Actor, calendar_day, holds_on
from services.chassis.checks import check_headcount, check_order, check_unique
from services.chassis.life_cycle import EVERYONE, allow
from services.chassis.problems import Malformed, RuleSaysNo, WrongField
from services.chassis.schemes import Schemes, check_areas_unique, check_learning_areas
from services.requests.rules.records import UnknownSite
from services.requests.rules.request import LIFE_CYCLE, Request, check_allowed


class UnknownGroup(Malformed):
    """No such group is recorded at the sites that ask."""


class GroupsOrHeadcount(Malformed):
    """A request for children names its groups or a headcount, one of the two."""


class SiteClosed(RuleSaysNo):
    """A site that is not open cannot raise a request."""


class SiteCannotChange(RuleSaysNo):
    """Another site cannot ask the same request: withdraw it, and raise one there."""


class NothingAmended(RuleSaysNo):
    """An amendment changes something; this is what is asked already."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is recorded of the sites and groups that a request names, and the codes that there are."""

    sites: Mapping[str, SiteDetails]
    groups: Mapping[str, GroupDetails]
    schemes: Schemes


def raise_request(
    request_id: UUID,
    details: RequestDetails,
    *,
    known: Known,
    by: Actor,
    at: datetime,
) -> RequestRaised:
    """A coordinator asks, or an operator for a site."""
    allow(LIFE_CYCLE, "raise", None, by, {"site": (details.site_id,), "city": EVERYONE}, calendar_day(at))
    _check_asked(details, known, at)
    return RequestRaised(**dict(details), request_id=request_id, raised_by=by, raised_at=at)


def amend(request: Request, details: RequestDetails, *, known: Known, by: Actor, at: datetime) -> RequestAmended:
    """The asking side says anew what it asks."""
    check_allowed(request, "amend", by, at)
    if details.site_id != request.details.site_id:
        raise SiteCannotChange(None, WrongField("siteId", details.site_id, request.details.site_id))
    _check_asked(details, known, at)
    changed = tuple(
        str(field.alias)
        for name, field in RequestDetails.model_fields.items()
        if getattr(details, name) != getattr(request.details, name)
    )
    if not changed:
        raise NothingAmended(None, WrongField("body", None, "a body that differs from what is asked"))
    return RequestAmended(**dict(details), request_id=request.id, changed=changed, amended_by=by, amended_at=at)


def _check_asked(details: RequestDetails, known: Known, at: datetime) -> None:
    """What is asked names what is recorded and open, and is what the schema of a request cannot say."""
    check_learning_areas(details.learning_areas, known.schemes)
    check_order(details.wished_from, details.wished_to, field="wishedTo", after="wishedFrom")
    check_unique([group.group_id for group in details.groups], field="groups")
    check_areas_unique(details.learning_areas)
    check_unique(details.co_site_ids, field="coSiteIds", beside=(details.site_id,))
    if details.audience == "children" and bool(details.groups) == (details.headcount is not None):
        raise GroupsOrHeadcount(None, WrongField("groups", None, "groups or headcount"))
    check_headcount(details.headcount, field="headcount")
    for index, group in enumerate(details.groups):
        check_headcount(group.headcount, field=f"groups[{index}].headcount")
    named = [("siteId", details.site_id)]
    named += [(f"coSiteIds[{index}]", site_id) for index, site_id in enumerate(details.co_site_ids)]
    for field, site_id in named:
        _check_open(field, site_id, known.sites.get(site_id), at)
    for index, group in enumerate(details.groups):
        recorded = known.groups.get(group.group_id)
        if recorded is None or recorded.site_id not in known.sites:
            raise UnknownGroup(
                f"groups[{index}].groupId is {group.group_id}: no such group is recorded at the sites that ask.",
                WrongField(f"groups[{index}].groupId", group.group_id, "a recorded group of these sites"),
            )


def _check_open(field: str, site_id: str, site: SiteDetails | None, at: datetime) -> None:
    if site is None:
        raise UnknownSite(
            f"{field} is {site_id}: no such site is recorded.", WrongField(field, site_id, "a recorded site")
        )
    day = calendar_day(at)
    if not holds_on(day, site.opened_on, site.closed_on):
        raise SiteClosed(
            f"{field} is {site_id}, which is not open on {day} (opened {site.opened_on}, closed {site.closed_on}).",
            WrongField(field, site_id, "a site that is open"),
        )
