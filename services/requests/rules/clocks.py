"""How long a request may wait, and what follows. Pure."""

from datetime import date

from services.chassis.clocks import Breach, Clock, Turn
from services.requests.rules.request import Request, Status


def _first_wished_day(request: Request) -> date:
    return request.details.wished_from


def _last_wished_day(request: Request) -> date:
    return request.details.wished_to


def _referrals_are_due(request: Request) -> date:
    assert request.referrals_due_on is not None, "each of them is due on a day"
    return request.referrals_due_on


CLOCKS = (
    Clock(
        "answer",
        "nobody has answered the request",
        lambda request: request.status is Status.ASSIGNED,
        (Breach("escalate"),),
        since=lambda request: request.checked_in_on,
        turn=Turn("broker", "escalate"),
    ),
    Clock(
        "follow",
        "it is answered and referrals of it are open, up to the latest day on which one is due",
        lambda request: request.status is Status.ANSWERED and request.open_referrals > 0,
        (Breach("remind", _referrals_are_due),),
        turn=Turn("broker", "remind"),
    ),
    Clock(
        "close",
        "it is answered, and none of its referrals is open (the grace period)",
        lambda request: request.status is Status.ANSWERED and not request.open_referrals,
        (Breach("close"),),
        turn=Turn("broker", "close"),
    ),
    Clock(
        "wish",
        "nobody brokers it, up to the first and the last day that is wished",
        lambda request: request.status is Status.NO_BROKER,
        (Breach("remind", _first_wished_day), Breach("close", _last_wished_day)),
        turn=Turn("operator", "remind"),
    ),
)
