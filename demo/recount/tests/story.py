"""Small stories told in plain JSON messages, for the recount to count: one method per event.

Ids are short words and everything that a test does not name is ordinary, so that a test shows what matters.
"""

import json
from typing import Any

from demo.recount import Counted, Record, recount

PROGRAMME = "kansen-voor-kinderen"
YEAR = "2025-2026"
ART = {"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}
SPORT = {"scheme": "curriculum.nu", "code": "bewegen-en-sport"}
IN_ART, IN_SPORT = "curriculum.nu:kunst-en-cultuur", "curriculum.nu:bewegen-en-sport"


class Story:
    """Messages in the order in which they are told; an aggregate's versions count by themselves."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.versions: dict[tuple[str, str], int] = {}

    def tell(self, name: str, subject: str, *, epoch: int = 1, version: int | None = None, **data: Any) -> None:
        """One event; `version` only when the story is about versions."""
        aggregate = (name[:5], subject)  # Site…, Group…, Reque…, Refer…, Activ…: enough to tell the kinds apart
        self.versions[aggregate] = version or self.versions.get(aggregate, 0) + 1
        envelope = {
            "type": f"nl.samenspel.{name}.v1",
            "subject": subject,
            "aggregateversion": self.versions[aggregate],
            "streamepoch": epoch,
            "data": data,
        }
        self.send(json.dumps(envelope).encode())

    def send(self, value: bytes) -> None:
        """One message, whatever its bytes."""
        self.records.append(Record("partnership.any.v1", 0, len(self.records), value))

    def site(self, site: str, *kinds: str, neighbourhood: str = "5211", since: str = "2010-08-01", **more: Any) -> None:
        self.tell(
            "SiteRecorded",
            site,
            siteId=site,
            validFrom=since,
            kinds=kinds or ("primary",),
            neighbourhood=neighbourhood,
            **more,
        )

    def group(
        self, group: str, site: str, headcount: tuple[int, int], register: str = "school", year: str = YEAR
    ) -> None:
        lower, upper = headcount
        self.tell(
            "GroupRecorded",
            group,
            groupId=group,
            siteId=site,
            register=register,
            schoolYear=year,
            headcount={"lower": lower, "upper": upper},
        )

    def raised(self, request: str, at: str, site: str = "school", **more: Any) -> None:
        ordinary = {"coSiteIds": [], "programme": PROGRAMME, "learningAreas": [ART]}
        self.tell("RequestRaised", request, **{"requestId": request, "siteId": site, "raisedAt": at} | ordinary | more)

    def moved(self, request: str, step: str, at: str) -> None:
        """A step of a request: `Assigned`, `Unbrokered`, `Answered`, `Closed`, `Reopened`, `Withdrawn`, `Voided`."""
        moment: dict[str, Any] = {f"{step.lower()}At": at}
        self.tell(f"Request{step}", request, requestId=request, **moment)

    def referred(self, referral: str, request: str, made_at: str, accepted_at: str | None = None) -> None:
        self.tell("ReferralMade", referral, referralId=referral, requestId=request, madeAt=made_at)
        if accepted_at:
            self.tell("ReferralAccepted", referral, referralId=referral, acceptedAt=accepted_at)

    def delivered(self, activity: str, on: str = "2025-11-10", **more: Any) -> None:
        """A delivery for children at `school`; `on` is a day, or a whole local date-time."""
        at_once = {"confirmedBySites": [], "registeredAt": "2025-12-01T12:00:00.000Z"}
        self.tell("ActivityDelivered", activity, **_body(activity, on) | at_once | more)

    def corrected(self, activity: str, on: str = "2025-11-10", **more: Any) -> None:
        self.tell("ActivityCorrected", activity, **_body(activity, on) | more)

    def confirmed(self, activity: str, site: str = "school", at: str = "2025-12-02T12:00:00.000Z") -> None:
        self.tell("ActivityConfirmed", activity, activityId=activity, siteId=site, confirmedAt=at)

    def disputed(self, activity: str, site: str = "school") -> None:
        self.tell("ActivityDisputed", activity, activityId=activity, siteId=site)

    def retracted(self, activity: str) -> None:
        self.tell("ActivityRetracted", activity, activityId=activity)

    def figures(self) -> dict[str, Counted]:
        return recount(self.records)

    def figure(
        self, indicator: str, unit: str = "city", stratum: str = "all", period: str = YEAR, programme: str = PROGRAMME
    ) -> Counted | None:
        """The figure, or None where there is none."""
        return self.figures().get(f"{indicator}/1/{programme}/{unit}/{stratum}/{period}")

    def value(self, indicator: str, unit: str = "city", stratum: str = "all", period: str = YEAR) -> str | None:
        """The value of a figure that exists."""
        figure = self.figure(indicator, unit, stratum, period)
        assert figure is not None, f"no {indicator} for {unit} in {period}"
        return figure.value


def _body(activity: str, on: str) -> dict[str, Any]:
    return {
        "activityId": activity,
        "siteIds": ["school"],
        "programme": PROGRAMME,
        "learningAreas": [ART],
        "occurredAt": on if "T" in on else f"{on}T13:30:00+01:00",
        "durationMinutes": 60,
        "audience": "children",
        "groups": [],
        "substitution": "replaces",
    }


def part(group: str, participants: int | None = None, *, whole: bool = False) -> dict[str, Any]:
    """A group at an activity."""
    counted = {} if participants is None else {"participants": participants}
    return {"groupId": group, "wholeGroup": whole} | counted


def a_story(*kinds: str) -> Story:
    """A story in which there is one site, `school`: a primary one unless the kinds say otherwise."""
    story = Story()
    story.site("school", *kinds)
    return story
