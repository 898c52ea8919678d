"""How long a request may wait, and what follows. Pure."""

from datetime import date
from importlib.resources import files

from services.chassis.clocks import Breach, Clock, read_numbers
from services.requests.rules import Request, Status

NUMBERS = read_numbers((files(__package__) / "clocks.json").read_bytes())


def _last_wished_day(request: Request) -> date:
    return request.details.wished_to


CLOCKS = (
    Clock(
        "answer",
        "nobody has answered the request",
        lambda request: request.status is Status.ASSIGNED,
        (Breach("escalate"),),
    ),
    Clock(
        "close",
        "it is answered, and none of its referrals is open (the grace period)",
        lambda request: request.status is Status.ANSWERED and not request.open_referrals,
        (Breach("close"),),
    ),
    Clock(
        "wish",
        "nobody brokers it, up to the last day that is wished",
        lambda request: request.status is Status.NO_BROKER,
        (Breach("close", _last_wished_day),),
        since=_last_wished_day,
    ),
)
