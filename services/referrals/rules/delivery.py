"""What was delivered: it names what is known here, each once, and counts nobody who is not there. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from contracts.activities import ActivityPlan, DeliveryDetails, TakingPart
from contracts.outcomes import Warned
from contracts.values import Identifier, calendar_day, school_year_of
from services.chassis.checks import check_headcount, check_unique
from services.chassis.problems import Malformed, NotYetKnown, WrongField
from services.chassis.schemes import Schemes, check_areas_unique, check_learning_areas
from services.referrals.rules.referral import UnknownPartner


class OccurrenceInFuture(Malformed):
    """An activity is registered on its own day or later."""


class ParticipantsExceedHeadcount(Malformed):
    """More children of a group took part than the group has."""


@dataclass(frozen=True, slots=True)
class Known:
    """What this service knows of the sites, groups and partners that an activity names."""

    sites: Collection[Identifier]
    groups: Mapping[Identifier, Identifier]
    """The site of each group."""
    partners: Collection[Identifier]
    schemes: Schemes


def body_of(event: DeliveryDetails) -> DeliveryDetails:
    """The body alone, of an event or a command that carries more."""
    return DeliveryDetails.model_validate(dict(event), extra="ignore")


def check_body(body: DeliveryDetails, known: Known, today: date) -> None:
    """A body names what is known here, is about today or before, and counts nobody who is not there."""
    check_named(body, known)
    check_unique([group.group_id for group in body.groups], field="groups")
    if calendar_day(body.occurred_at) > today:
        raise OccurrenceInFuture(
            f"occurredAt is {body.occurred_at.isoformat()}; today is {today}.",
            WrongField("occurredAt", body.occurred_at.isoformat(), f"at most {today}"),
        )
    for index, group in enumerate(body.groups):
        _check_group(f"groups[{index}]", group, body.site_ids, known)


def _check_group(field: str, group: TakingPart, site_ids: Collection[Identifier], known: Known) -> None:
    if known.groups.get(group.group_id) not in site_ids:  # that it is another site's is not for everybody to know
        raise _not_yet_known(f"{field}.groupId", group.group_id, "group of these sites")
    check_headcount(group.headcount, field=f"{field}.headcount")
    if group.participants is not None and group.participants > group.headcount:
        raise ParticipantsExceedHeadcount(
            f"{field}.participants is {group.participants}; the group's headcount is {group.headcount}.",
            WrongField(f"{field}.participants", group.participants, f"at most {group.headcount}"),
        )


def check_named(named: ActivityPlan | DeliveryDetails, known: Known) -> None:
    """A plan or a body names known sites and partners, each once."""
    check_learning_areas(named.learning_areas, known.schemes)
    check_areas_unique(named.learning_areas)
    check_unique(named.site_ids, field="siteIds")
    check_unique(named.partner_ids, field="partnerIds")
    for index, site_id in enumerate(named.site_ids):
        if site_id not in known.sites:
            raise _not_yet_known(f"siteIds[{index}]", site_id, "site")
    for index, partner_id in enumerate(named.partner_ids):
        if partner_id not in known.partners:
            raise UnknownPartner(
                f"partnerIds[{index}] is {partner_id}: no such partner is recorded.",
                WrongField(f"partnerIds[{index}]", partner_id, "a recorded partner"),
            )


def _not_yet_known(field: str, value: str, kind: str) -> NotYetKnown:
    return NotYetKnown(
        f"{field} is {value}: this service has not heard of that {kind} yet; ask again shortly.",
        WrongField(field, value, f"a recorded {kind}"),
    )


def warnings(body: DeliveryDetails | None, school_years: Mapping[Identifier, str]) -> tuple[Warned, ...]:
    """What counts nowhere though it was delivered: groups of another school year (ruling 10). `school_years` are those
    of the groups that are known here."""
    if body is None:
        return ()
    year = school_year_of(calendar_day(body.occurred_at))
    return tuple(
        Warned(
            field=f"groups[{index}].groupId",
            value=group.group_id,
            detail=f"a group of {school_years[group.group_id]}; what was delivered in {year} counts in no reach of it",
        )
        for index, group in enumerate(body.groups)
        if school_years.get(group.group_id, year) != year
    )
