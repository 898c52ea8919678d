"""The story of the examples, as the commands that make it happen."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from contracts.envelope import Message, decode
from contracts.referrals import ReferralExpired
from contracts.values import Actor
from tests.contract.story import EXAMPLES, Json
from tests.service_process import ServiceProcess, as_json
from tests.waiting import wait_until


class Route(NamedTuple):
    service: str
    method: str
    path: str


def _routes(table: str) -> dict[str, Route]:
    rows = (line.split() for line in table.strip().splitlines())
    return {event: Route(*route) for event, *route in rows}


ROUTE_OF = _routes("""
    SiteRecorded       requests   PUT   /sites/{siteId}
    GroupRecorded      requests   PUT   /groups/{groupId}
    BrokerRecorded     referrals  PUT   /brokers/{brokerId}
    PartnerRecorded    referrals  PUT   /partners/{partnerId}
    RequestRaised      requests   POST  /requests
    RequestAnswered    requests   POST  /requests/{requestId}/answers
    RequestClosed      requests   POST  /requests/{requestId}/closures
    RequestAmended     requests   POST  /requests/{requestId}/amendments
    RequestWithdrawn   requests   POST  /requests/{requestId}/withdrawals
    RequestReopened    requests   POST  /requests/{requestId}/reopenings
    RequestVoided      requests   POST  /requests/{requestId}/voidings
    ReferralMade       referrals  POST  /referrals
    ReferralAccepted   referrals  POST  /referrals/{referralId}/acceptances
    ReferralDeclined   referrals  POST  /referrals/{referralId}/declines
    ReferralStarted    referrals  POST  /referrals/{referralId}/starts
    ReferralWithdrawn  referrals  POST  /referrals/{referralId}/withdrawals
    ReferralCompleted  referrals  POST  /referrals/{referralId}/completions
    ReferralAcknowledged  referrals  POST  /referrals/{referralId}/acknowledgements
    RequestCheckedIn  requests  POST  /requests/{requestId}/check-ins
    ReferralCheckedIn  referrals  POST  /referrals/{referralId}/check-ins
    ReferralWaitlisted  referrals  POST  /referrals/{referralId}/waitlistings
    WithdrawalRequested  referrals  POST  /referrals/{referralId}/withdrawal-requests
    ReferralFailed     referrals  POST  /referrals/{referralId}/failures
    ReferralVoided     referrals  POST  /referrals/{referralId}/voidings
    OutcomeConfirmed   referrals  POST  /referrals/{referralId}/outcome-confirmations
    OutcomeDisputed    referrals  POST  /referrals/{referralId}/outcome-disputes
    ActivityPlanned    referrals  POST  /activities
    ActivityDelivered  referrals  POST  /activities/{activityId}/deliveries
    ActivityCorrected  referrals  POST  /activities/{activityId}/corrections
    ActivityRetracted  referrals  POST  /activities/{activityId}/retractions
    ActivityConfirmed  referrals  POST  /activities/{activityId}/confirmations
    ActivityDisputed   referrals  POST  /activities/{activityId}/disputes
    ActivityRescheduled  referrals  POST  /activities/{activityId}/reschedulings
    ActivityCancelled  referrals  POST  /activities/{activityId}/cancellations
    ActivityNotHeld    referrals  POST  /activities/{activityId}/not-held-reports
""")
OPERATOR = Actor(role="operator", organisation="own:city", actor="o1")
PARTNER = Actor(role="partner", organisation="own:atelier-de-dieze", actor="p9ate")
A_MOMENT = timedelta(milliseconds=10)


def commanded() -> list[Message]:
    """The events of the story that somebody asks for, or time, in its order; the others follow by themselves.

    Its referral is started by a plan. Here the partner says so just before it plans: that makes the same event.
    """
    messages = [decode(path.read_bytes()) for path in EXAMPLES]
    asked_for = [
        each
        for each in messages
        if isinstance(each.event, ReferralExpired) or (type(each.event).__name__ in ROUTE_OF and not _follows(each))
    ]
    return sorted(asked_for, key=lambda each: each.envelope.time - A_MOMENT * ("startedAt" in data_of(each)))


def data_of(message: Message) -> Json:
    return as_json(message.event)


def _follows(message: Message) -> bool:
    data = data_of(message)
    return data.get("answer") == "refer" or data.get("withdrawnBy", {}).get("role") == "service"


@dataclass(slots=True)
class Play:
    """The services, and what was sent to them."""

    services: dict[str, ServiceProcess]
    sent: dict[Route, list[Json]] = field(default_factory=dict)
    """The bodies as the examples have them, by route."""
    ids: dict[str, str] = field(default_factory=dict)
    """The ids that the services gave, by those of the story."""
    subjects: list[tuple[str, str]] = field(default_factory=list)
    """What the story is about, such as `("requestId", "0199…")`."""
    published: dict[str, list[Message]] = field(default_factory=dict)
    """What was on each topic when the story was over."""

    def described(self, service: str) -> Json:
        description: Json = self.services[service].client.get("/v1/openapi.json").json()
        return description

    def carry_out(self, message: Message) -> None:
        """Give the command that makes this event happen; fails unless it is done."""
        route, data = ROUTE_OF[type(message.event).__name__], data_of(message)
        body = {name: data[name] for name in self._names_in_body(route) if name in data}
        self.sent.setdefault(route, []).append(body)
        subject = message.envelope.subject
        path = "/v1" + "/".join(subject if part.startswith("{") else part for part in route.path.split("/"))
        service, by = self.services[route.service], _actor_of(data)
        if isinstance(data.get("outcome"), str):  # it ends what other events lead to
            self._await_what_leads_here(service, self.real(path.rpartition("/")[0]), route, by)
        answer = service.ask_ok(route.method, self.real(path), self.real(body), by=by, at=message.envelope.time)
        identified_by = to_camel(message.event.identified_by)
        self.subjects.append((identified_by, subject))
        if "{" not in route.path:
            self.ids[subject] = answer[identified_by]

    def _await_what_leads_here(self, service: ServiceProcess, path: str, route: Route, by: Actor) -> None:
        action = {"closures": "close", "completions": "complete"}[route.path.rpartition("/")[2]]
        wait_until(lambda: action in service.ask_ok("GET", path, by=by)["availableActions"])

    def _names_in_body(self, route: Route) -> list[str]:
        description = self.described(route.service)
        content = description["paths"][route.path][route.method.lower()]["requestBody"]["content"]
        name = _reference_in(content["application/json"]["schema"])
        return list(description["components"]["schemas"][name].get("properties", ()))

    def real(self, value: Any) -> Any:
        """A value of the story, with the ids that the services gave."""
        return renamed(value, self.ids)

    def as_told(self, value: Any) -> Any:
        """What the services say, with the ids of the story."""
        return renamed(value, {given: told for told, given in self.ids.items()})


def renamed(value: Any, ids: dict[str, str]) -> Any:
    match value:
        case str():
            return "/".join(ids.get(part, part) for part in value.split("/"))
        case list():
            return [renamed(each, ids) for each in value]
        case dict():
            return {name: renamed(each, ids) for name, each in value.items()}
    return value


def _reference_in(schema: Json) -> str:
    """The schema of a body, which may be left out where it says nothing."""
    references = [each["$ref"] for each in (schema, *schema.get("anyOf", ())) if "$ref" in each]
    return str(references[0]).rpartition("/")[2]


def _actor_of(data: Json) -> Actor:
    """Who asked, as the event says or lets us know."""
    said = next((who for name, who in data.items() if name.endswith("By") and isinstance(who, dict)), None)
    if said is not None:
        return Actor.model_validate(said)
    if "confirmedAt" in data or "disputedAt" in data:
        return Actor(role="coordinator", organisation=data["siteId"], actor="c7Qm2")
    return PARTNER if "activityId" in data or "startedAt" in data else OPERATOR
