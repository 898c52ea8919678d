"""Small scenarios in plain JSON messages, for the recount to count: one method per event.

Ids are short words and everything that a test does not name is usual, so that a test shows what matters.
"""

import json
from typing import Any

from demo.recount import Counted, Record, recount

PROGRAMME = "kansen-voor-kinderen"
YEAR = "2025-2026"
ART = {"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}
SPORT = {"scheme": "curriculum.nu", "code": "bewegen-en-sport"}
IN_ART, IN_SPORT = "curriculum.nu:kunst-en-cultuur", "curriculum.nu:bewegen-en-sport"


class Scenario:
    """Messages in order; an aggregate's versions count by themselves."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.versions: dict[tuple[str, str], int] = {}

    def event(self, name: str, subject: str, *, epoch: int = 1, version: int | None = None, **data: Any) -> None:
        """One event; `version` only when the test is about versions."""
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
        self.records.append(Record("partnership.any.v1", 0, len(self.records), value))

    def site(self, site: str, *kinds: str, neighbourhood: str = "5211", since: str = "2010-08-01", **more: Any) -> None:
        where: dict[str, Any] = {"siteId": site, "validFrom": since, "neighbourhood": neighbourhood}
        self.event("SiteRecorded", site, kinds=kinds or ("primary",), **where, **more)

    def group(
        self, group: str, site: str, headcount: tuple[int, int], register: str = "school", year: str = YEAR
    ) -> None:
        size = {"lower": headcount[0], "upper": headcount[1]}
        which: dict[str, Any] = {"groupId": group, "siteId": site, "register": register, "schoolYear": year}
        self.event("GroupRecorded", group, **which, headcount=size)

    def raised(self, request: str, at: str, site: str = "school", **more: Any) -> None:
        usual = {"coSiteIds": [], "programme": PROGRAMME, "learningAreas": [ART]}
        self.event("RequestRaised", request, **{"requestId": request, "siteId": site, "raisedAt": at} | usual | more)

    def step(self, request: str, step: str, at: str, **more: Any) -> None:
        """A step of a request: `Assigned`, `Unbrokered`, `Answered`, `Closed`, `Reopened`, `Withdrawn`, `Voided`."""
        moment: dict[str, Any] = {f"{step.lower()}At": at}
        closure = {"outcome": "advice_only"} if step == "Closed" else {}
        self.event(f"Request{step}", request, requestId=request, **moment, **closure | more)

    def referred(
        self, referral: str, request: str, made_at: str, accepted_at: str | None = None, attempt: int = 1, **more: Any
    ) -> None:
        usual: dict[str, Any] = {"requestId": request, "madeAt": made_at, "attempt": attempt, "learningAreas": [ART]}
        self.event("ReferralMade", referral, referralId=referral, **usual | more)
        if accepted_at:
            self.event("ReferralAccepted", referral, referralId=referral, acceptedAt=accepted_at)

    def delivered(self, activity: str, on: str = "2025-11-10", **more: Any) -> None:
        """A delivery for children at `school`; `on` is a day, or a whole local date-time."""
        at_once = {"confirmedBySites": [], "registeredAt": "2025-12-01T12:00:00.000Z"}
        self.event("ActivityDelivered", activity, **_details(activity, on) | at_once | more)

    def corrected(self, activity: str, on: str = "2025-11-10", **more: Any) -> None:
        self.event("ActivityCorrected", activity, **_details(activity, on) | more)

    def confirmed(self, activity: str, site: str = "school", at: str = "2025-12-02T12:00:00.000Z") -> None:
        self.event("ActivityConfirmed", activity, activityId=activity, siteId=site, confirmedAt=at)

    def disputed(self, activity: str, site: str = "school") -> None:
        self.event("ActivityDisputed", activity, activityId=activity, siteId=site)

    def retracted(self, activity: str) -> None:
        self.event("ActivityRetracted", activity, activityId=activity)

    def figures(self) -> dict[str, Counted]:
        return recount(self.records)

    def figure(
        self, indicator: str, unit: str = "city", stratum: str = "all", period: str = YEAR, programme: str = PROGRAMME
    ) -> Counted | None:
        return self.figures().get(f"{indicator}/1/{programme}/{unit}/{stratum}/{period}")

    def value(self, indicator: str, unit: str = "city", stratum: str = "all", period: str = YEAR) -> str | None:
        figure = self.figure(indicator, unit, stratum, period)
        assert figure is not None, f"no {indicator} for {unit} in {period}"
        return figure.value


def _details(activity: str, on: str) -> dict[str, Any]:
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
    counted = {} if participants is None else {"participants": participants}
    return {"groupId": group, "wholeGroup": whole} | counted


def a_scenario(*kinds: str) -> Scenario:
    """With one site, `school`: a primary one unless the kinds say otherwise."""
    scenario = Scenario()
    scenario.site("school", *kinds)
    return scenario
