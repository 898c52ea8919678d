"""How each event type is read from the plain `data` of its message: the table `TYPES`, and one reader each.

Optional fields to which the contracts give a default take that default; every other field that a figure needs
must be there and be valid.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from demo.recount import events
from demo.recount.days import amsterdam_day
from demo.recount.events import EventData
from demo.recount.json_values import (
    areas,
    array,
    count,
    day,
    instant,
    one_of,
    optional_day,
    optional_text,
    school_year,
    span,
    text,
    texts,
)

KINDS = {"primary", "secondary", "special", "childcare", "out_of_school_care"}
REGISTERS = ("school", "childcare", "project")
AUDIENCES = {"children", "parents", "professionals"}
SUBSTITUTIONS = {"replaces", "stacks", "unknown"}

Data = dict[str, Any]


def _site(data: Data) -> EventData:
    return events.SiteRecorded(
        site_id=text(data["siteId"]),
        valid_from=day(data["validFrom"]),
        kinds=frozenset(one_of(kind, KINDS) for kind in array(data["kinds"])),
        neighbourhood=text(data["neighbourhood"]),
        opened_on=optional_day(data.get("openedOn")),
        closed_on=optional_day(data.get("closedOn")),
        links=tuple(span(link, about="siteId") for link in array(data.get("links", []))),
        declared=tuple(span(each, about="programme") for each in array(data.get("declaredAdoption", []))),
    )


def _group(data: Data) -> EventData:
    # A reader takes minimum and maximum (wire.md).
    fewest, most = sorted((count(data["headcount"]["lower"]), count(data["headcount"]["upper"])))
    return events.GroupRecorded(
        group_id=text(data["groupId"]),
        site_id=text(data["siteId"]),
        register=one_of(data["register"], REGISTERS),
        school_year=school_year(data["schoolYear"]),
        fewest=fewest,
        most=most,
    )


def _request(data: Data) -> EventData:
    return events.RequestRaised(
        request_id=text(data["requestId"]),
        site_id=text(data["siteId"]),
        co_site_ids=texts(data.get("coSiteIds", [])),
        programme=text(data["programme"]),
        areas=areas(data["learningAreas"]),
        raised_at=instant(data["raisedAt"]),
    )


def _amended(data: Data) -> EventData:
    return events.RequestAmended(
        site_id=text(data["siteId"]),
        co_site_ids=texts(data.get("coSiteIds", [])),
        programme=text(data["programme"]),
        areas=areas(data["learningAreas"]),
    )


def _step(step: str) -> Callable[[Data], EventData]:
    return lambda data: events.RequestStep(step, instant(data[f"{step}At"]))


def _closed(data: Data) -> EventData:
    why = data.get("reason")
    closure = events.Closure(
        text(data["outcome"]), areas(data.get("unmetAreas", [])), text(why["code"]) if why is not None else None
    )
    return events.RequestStep("closed", instant(data["closedAt"]), closure)


def _taking_part(data: Data) -> events.TakingPart:
    counted = data.get("participants")
    participants = None if counted is None else count(counted)
    return events.TakingPart(text(data["groupId"]), participants, data.get("wholeGroup", False) is True)


def _groups(data: Data) -> tuple[events.TakingPart, ...]:
    """Each group once: of a group that is named twice, the larger count (ruling 9)."""
    named: dict[str, list[events.TakingPart]] = {}
    for part in (_taking_part(group) for group in array(data.get("groups", []))):
        named.setdefault(part.group_id, []).append(part)
    return tuple(_together(parts) for parts in named.values())


def _together(parts: list[events.TakingPart]) -> events.TakingPart:
    counted = [part.participants for part in parts if part.participants is not None]
    return events.TakingPart(parts[0].group_id, max(counted, default=None), any(part.whole_group for part in parts))


def _details(data: Data) -> events.DeliveryDetails:
    return events.DeliveryDetails(
        site_ids=frozenset(texts(data["siteIds"])),
        programme=text(data["programme"]),
        areas=areas(data["learningAreas"]),
        day=amsterdam_day(instant(data["occurredAt"])),
        minutes=count(data["durationMinutes"]),
        audience=one_of(data.get("audience", "children"), AUDIENCES),
        groups=_groups(data),
        substitution=one_of(data.get("substitution", "unknown"), SUBSTITUTIONS),
        request_id=optional_text(data.get("requestId")),
    )


def _delivered(data: Data) -> EventData:
    confirmed_by = texts(data.get("confirmedBySites", []))
    return events.ActivityDelivered(_details(data), confirmed_by, instant(data["registeredAt"]))


def _referral(data: Data) -> EventData:
    return events.ReferralMade(
        text(data["requestId"]), instant(data["madeAt"]), areas(data["learningAreas"]), count(data["attempt"])
    )


def _accepted(data: Data) -> EventData:
    return events.ReferralAccepted(instant(data["acceptedAt"]))


def _withdrawn(data: Data) -> EventData:
    return events.ReferralEnded("withdrawn", text(data["reason"]["code"]))


def _clock(data: Data) -> EventData:
    return events.ClockStarted(
        clock=text(data["clock"]),
        referral_id=text(data["objectId"]) if data["objectKind"] == "referral" else None,
        request_id=optional_text(data.get("requestId")),
        site_id=optional_text(data.get("siteId")) or "",
        programme=optional_text(data.get("programme")),
        at=instant(data["startedAt"]),
    )


def _confirmed(data: Data) -> EventData:
    return events.ActivityConfirmed(text(data["siteId"]), instant(data["confirmedAt"]))


def _disputed(data: Data) -> EventData:
    return events.ActivityDisputed(text(data["siteId"]))


class Type(NamedTuple):
    """The kind of aggregate that an event is about, the field that identifies it, and how its data is read."""

    aggregate: str
    identified_by: str
    read: Callable[[Data], EventData]


TYPES = {
    "SiteRecorded": Type("site", "siteId", _site),
    "GroupRecorded": Type("group", "groupId", _group),
    "RequestRaised": Type("request", "requestId", _request),
    "RequestAmended": Type("request", "requestId", _amended),
    "RequestVoided": Type("request", "requestId", lambda _: events.RequestVoided()),
    "ReferralMade": Type("referral", "referralId", _referral),
    "ReferralAccepted": Type("referral", "referralId", _accepted),
    "ReferralDeclined": Type("referral", "referralId", lambda _: events.ReferralEnded("declined")),
    "ReferralExpired": Type("referral", "referralId", lambda _: events.ReferralEnded("expired")),
    "ReferralWithdrawn": Type("referral", "referralId", _withdrawn),
    "ReferralVoided": Type("referral", "referralId", lambda _: events.ReferralVoided()),
    "RequestClosed": Type("request", "requestId", _closed),
    "ClockStarted": Type("clock", "clockId", _clock),
    "ClockPaused": Type("clock", "clockId", lambda data: events.ClockPaused(instant(data["pausedAt"]))),
    "ClockBreached": Type("clock", "clockId", lambda _: events.ClockBreached()),
    "ActivityDelivered": Type("activity", "activityId", _delivered),
    "ActivityCorrected": Type("activity", "activityId", lambda data: events.ActivityCorrected(_details(data))),
    "ActivityRetracted": Type("activity", "activityId", lambda _: events.ActivityRetracted()),
    "ActivityConfirmed": Type("activity", "activityId", _confirmed),
    "ActivityDisputed": Type("activity", "activityId", _disputed),
}
"""By the name in the envelope's `type`; what is not here is unknown."""

for _name in ("Assigned", "Unbrokered", "Answered", "Reopened", "Withdrawn"):
    TYPES[f"Request{_name}"] = Type("request", "requestId", _step(_name.lower()))

# They change no figure, but a later epoch may begin with one of them.
_WITHOUT_EFFECT = """
request: RequestCheckedIn
referral: ReferralAcknowledged ReferralCheckedIn ReferralWaitlisted ReferralStarted WithdrawalRequested
referral: ReferralCompleted ReferralFailed OutcomeConfirmed OutcomeDisputed
activity: ActivityPlanned ActivityRescheduled ActivityCancelled ActivityNotHeld
"""
for _line in _WITHOUT_EFFECT.strip().splitlines():
    _aggregate, _, _names = _line.partition(": ")
    for _name in _names.split():
        TYPES[_name] = Type(_aggregate, f"{_aggregate}Id", lambda _: events.NoEffect())
