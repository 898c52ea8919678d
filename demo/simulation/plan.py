"""What the demo plays, as plain data: a plan of scenarios, a scenario of steps, a step that gives one command.

What a command makes gets a name in its scenario, such as `referral1`. A body that contains `$referral1` means its id,
which the player fills in.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

Body = dict[str, Any]


class Actor(NamedTuple):
    role: str
    organisation: str


class Command(NamedTuple):
    """One of the commands that the services offer; `{id}` in the path is what it changes."""

    service: str
    path: str
    event: str
    """The event that must then be on the topics."""

    @property
    def creates(self) -> bool:
        return "{id}" not in self.path


RAISE_REQUEST = Command("requests", "/v1/requests", "RequestRaised")
ANSWER_REQUEST = Command("requests", "/v1/requests/{id}/answers", "RequestAnswered")
CHECK_IN_REQUEST = Command("requests", "/v1/requests/{id}/check-ins", "RequestCheckedIn")
CLOSE_REQUEST = Command("requests", "/v1/requests/{id}/closures", "RequestClosed")
AMEND_REQUEST = Command("requests", "/v1/requests/{id}/amendments", "RequestAmended")
WITHDRAW_REQUEST = Command("requests", "/v1/requests/{id}/withdrawals", "RequestWithdrawn")
REOPEN_REQUEST = Command("requests", "/v1/requests/{id}/reopenings", "RequestReopened")
VOID_REQUEST = Command("requests", "/v1/requests/{id}/voidings", "RequestVoided")

MAKE_REFERRAL = Command("referrals", "/v1/referrals", "ReferralMade")
ACCEPT_REFERRAL = Command("referrals", "/v1/referrals/{id}/acceptances", "ReferralAccepted")
DECLINE_REFERRAL = Command("referrals", "/v1/referrals/{id}/declines", "ReferralDeclined")
COMPLETE_REFERRAL = Command("referrals", "/v1/referrals/{id}/completions", "ReferralCompleted")
ACKNOWLEDGE_REFERRAL = Command("referrals", "/v1/referrals/{id}/acknowledgements", "ReferralAcknowledged")
CHECK_IN_REFERRAL = Command("referrals", "/v1/referrals/{id}/check-ins", "ReferralCheckedIn")
WAITLIST_REFERRAL = Command("referrals", "/v1/referrals/{id}/waitlistings", "ReferralWaitlisted")
START_REFERRAL = Command("referrals", "/v1/referrals/{id}/starts", "ReferralStarted")
WITHDRAW_REFERRAL = Command("referrals", "/v1/referrals/{id}/withdrawals", "ReferralWithdrawn")
REQUEST_WITHDRAWAL = Command("referrals", "/v1/referrals/{id}/withdrawal-requests", "WithdrawalRequested")
CONFIRM_WITHDRAWAL = Command("referrals", "/v1/referrals/{id}/withdrawal-confirmations", "ReferralWithdrawn")
FAIL_REFERRAL = Command("referrals", "/v1/referrals/{id}/failures", "ReferralFailed")
VOID_REFERRAL = Command("referrals", "/v1/referrals/{id}/voidings", "ReferralVoided")
CONFIRM_OUTCOME = Command("referrals", "/v1/referrals/{id}/outcome-confirmations", "OutcomeConfirmed")
DISPUTE_OUTCOME = Command("referrals", "/v1/referrals/{id}/outcome-disputes", "OutcomeDisputed")

PLAN_ACTIVITY = Command("referrals", "/v1/activities", "ActivityPlanned")
RESCHEDULE_ACTIVITY = Command("referrals", "/v1/activities/{id}/reschedulings", "ActivityRescheduled")
CANCEL_ACTIVITY = Command("referrals", "/v1/activities/{id}/cancellations", "ActivityCancelled")
REPORT_NOT_HELD = Command("referrals", "/v1/activities/{id}/not-held-reports", "ActivityNotHeld")
DELIVER_ACTIVITY = Command("referrals", "/v1/activities/{id}/deliveries", "ActivityDelivered")
CONFIRM_ACTIVITY = Command("referrals", "/v1/activities/{id}/confirmations", "ActivityConfirmed")
DISPUTE_ACTIVITY = Command("referrals", "/v1/activities/{id}/disputes", "ActivityDisputed")
CORRECT_ACTIVITY = Command("referrals", "/v1/activities/{id}/corrections", "ActivityCorrected")
RETRACT_ACTIVITY = Command("referrals", "/v1/activities/{id}/retractions", "ActivityRetracted")


@dataclass(frozen=True, slots=True)
class PlannedCommand:
    """A command, given by an actor at a simulated moment."""

    at: datetime
    actor: Actor
    command: Command
    name: str
    """The name of what the command makes or changes."""
    body: Body


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to one request, or to one activity that nobody requested; its steps are in order of time."""

    name: str
    steps: tuple[PlannedCommand, ...]


@dataclass(frozen=True, slots=True)
class Appointment:
    """A broker is appointed during the year: requests that waited for it are assigned (A3)."""

    on: date
    broker_id: str
    body: Body


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that happens in the year."""

    scenarios: tuple[Scenario, ...]
    appointment: Appointment

    def count(self, event: str) -> int:
        return sum(step.command.event == event for scenario in self.scenarios for step in scenario.steps)
