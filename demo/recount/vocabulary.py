"""How each event type is read from the plain `data` of its message: the table `TYPES`, and one reader each.

Optional fields that the contracts give a default take that default; every other field that a figure needs
must be there and be what wire.md says.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from demo.recount import events
from demo.recount.days import amsterdam_day
from demo.recount.events import Said
from demo.recount.plain import (
    areas,
    day,
    instant,
    listed,
    maybe,
    maybe_day,
    one_of,
    school_year,
    span,
    text,
    texts,
    whole,
)

KINDS = {"primary", "secondary", "special", "childcare", "out_of_school_care"}
REGISTERS = ("school", "childcare", "project")
AUDIENCES = {"children", "parents", "professionals"}
SUBSTITUTIONS = {"replaces", "stacks", "unknown"}

Data = dict[str, Any]


def _site(data: Data) -> Said:
    return events.SiteRecorded(
        site_id=text(data["siteId"]),
        valid_from=day(data["validFrom"]),
        kinds=frozenset(one_of(kind, KINDS) for kind in listed(data["kinds"])),
        neighbourhood=text(data["neighbourhood"]),
        opened_on=maybe_day(data.get("openedOn")),
        closed_on=maybe_day(data.get("closedOn")),
        links=tuple(span(link, of="siteId") for link in listed(data.get("links", []))),
        declared=tuple(span(word, of="programme") for word in listed(data.get("declaredAdoption", []))),
    )


def _group(data: Data) -> Said:
    fewest, most = whole(data["headcount"]["lower"]), whole(data["headcount"]["upper"])
    if most < fewest:
        raise ValueError(f"headcount: at most {most} is below at least {fewest}")
    return events.GroupRecorded(
        group_id=text(data["groupId"]),
        site_id=text(data["siteId"]),
        register=one_of(data["register"], REGISTERS),
        school_year=school_year(data["schoolYear"]),
        fewest=fewest,
        most=most,
    )


def _request(data: Data) -> Said:
    return events.RequestRaised(
        request_id=text(data["requestId"]),
        site_id=text(data["siteId"]),
        co_site_ids=texts(data.get("coSiteIds", [])),
        programme=text(data["programme"]),
        areas=areas(data["learningAreas"]),
        raised_at=instant(data["raisedAt"]),
    )


def _moved(step: str) -> Callable[[Data], Said]:
    return lambda data: events.RequestMoved(step, instant(data[f"{step}At"]))


def _groups(data: Data) -> tuple[events.TakingPart, ...]:
    taking_part = tuple(
        events.TakingPart(
            group_id=text(group["groupId"]),
            participants=None if group.get("participants") is None else whole(group["participants"]),
            whole_group=group.get("wholeGroup", False) is True,
        )
        for group in listed(data.get("groups", []))
    )
    if len({group.group_id for group in taking_part}) < len(taking_part):
        raise ValueError("the same group twice in one activity is refused (ruling 9)")
    return taking_part


def _body(data: Data) -> events.Body:
    return events.Body(
        site_ids=frozenset(texts(data["siteIds"])),
        programme=text(data["programme"]),
        areas=areas(data["learningAreas"]),
        day=amsterdam_day(instant(data["occurredAt"])),
        minutes=whole(data["durationMinutes"]),
        audience=one_of(data.get("audience", "children"), AUDIENCES),
        groups=_groups(data),
        substitution=one_of(data.get("substitution", "unknown"), SUBSTITUTIONS),
        request_id=maybe(data.get("requestId")),
    )


def _delivered(data: Data) -> Said:
    return events.ActivityDelivered(_body(data), texts(data.get("confirmedBySites", [])), instant(data["registeredAt"]))


def _referral(data: Data) -> Said:
    return events.ReferralMade(text(data["requestId"]), instant(data["madeAt"]))


def _accepted(data: Data) -> Said:
    return events.ReferralAccepted(instant(data["acceptedAt"]))


def _confirmed(data: Data) -> Said:
    return events.ActivityConfirmed(text(data["siteId"]), instant(data["confirmedAt"]))


def _disputed(data: Data) -> Said:
    return events.ActivityDisputed(text(data["siteId"]))


class Type(NamedTuple):
    """The kind of aggregate that an event is about, the field that names it, and what it says."""

    aggregate: str
    identified_by: str
    read: Callable[[Data], Said]


TYPES = {
    "SiteRecorded": Type("site", "siteId", _site),
    "GroupRecorded": Type("group", "groupId", _group),
    "RequestRaised": Type("request", "requestId", _request),
    "RequestVoided": Type("request", "requestId", lambda _: events.RequestVoided()),
    "ReferralMade": Type("referral", "referralId", _referral),
    "ReferralAccepted": Type("referral", "referralId", _accepted),
    "ReferralVoided": Type("referral", "referralId", lambda _: events.ReferralVoided()),
    "ActivityDelivered": Type("activity", "activityId", _delivered),
    "ActivityCorrected": Type("activity", "activityId", lambda data: events.ActivityCorrected(_body(data))),
    "ActivityRetracted": Type("activity", "activityId", lambda _: events.ActivityRetracted()),
    "ActivityConfirmed": Type("activity", "activityId", _confirmed),
    "ActivityDisputed": Type("activity", "activityId", _disputed),
}
"""By the name in the envelope's `type`; what is not here is unknown."""

for _step in ("Assigned", "Unbrokered", "Answered", "Closed", "Reopened", "Withdrawn"):
    TYPES[f"Request{_step}"] = Type("request", "requestId", _moved(_step.lower()))

# They move no figure, but a later epoch may begin with one of them. Choice (32): `RequestAmended` is here
# because wire.md does not say what it carries.
for _aggregate, _names in {
    "request": "RequestAmended",
    "referral": "ReferralAcknowledged ReferralDeclined ReferralWaitlisted ReferralExpired ReferralStarted "
    "ReferralWithdrawn WithdrawalRequested ReferralCompleted ReferralFailed OutcomeConfirmed OutcomeDisputed",
    "activity": "ActivityPlanned ActivityRescheduled ActivityCancelled ActivityNotHeld",
}.items():
    for _name in _names.split():
        TYPES[_name] = Type(_aggregate, f"{_aggregate}Id", lambda _: events.NothingOfInterest())
