"""The player does all steps in the order of simulated time, and sends a command again only when that can help."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx

from demo.play import TEMPORARY, Player
from demo.simulation.plan import CLOSE_REQUEST, RAISE_REQUEST, Actor, Command, PlannedCommand, Scenario
from services.chassis.life_cycle import IllegalTransition
from services.chassis.problems import NotYetKnown, Problem
from services.referrals.rules.referral import NothingDelivered, WithdrawalNotRequested

MORNING = datetime(2025, 10, 3, 7, tzinfo=UTC)
NOON, EVENING = MORNING + timedelta(hours=4), MORNING + timedelta(hours=10)
BEFORE = datetime.min.replace(tzinfo=UTC)
COORDINATOR = Actor("coordinator", "own:school")


class Services:
    """Answers every command as the services do, and notes when it came and with which key."""

    def __init__(self) -> None:
        self.time = BEFORE
        self.came: list[tuple[datetime, str]] = []

    def set_time(self, instant: datetime) -> None:
        self.time = instant

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.came.append((self.time, request.headers["Idempotency-Key"]))
        return httpx.Response(201, headers={"Location": f"/v1/requests/{len(self.came)}"})

    def player(self) -> Player:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="http://services")
        return Player({"requests": client}, self.set_time, "run")


def a_step(at: datetime, command: Command) -> PlannedCommand:
    return PlannedCommand(at, COORDINATOR, command, "request", {})


FIRST = Scenario("first", (a_step(MORNING, RAISE_REQUEST), a_step(EVENING, CLOSE_REQUEST)))
SECOND = Scenario("second", (a_step(MORNING, RAISE_REQUEST), a_step(NOON, CLOSE_REQUEST)))
THIRD = Scenario("third", (a_step(NOON, RAISE_REQUEST), a_step(NOON, CLOSE_REQUEST)))


async def test_steps_of_all_scenarios_are_done_in_the_order_of_their_instants_each_at_its_own() -> None:
    services = Services()

    await services.player().play([FIRST, SECOND, THIRD])

    assert [time for time, _ in services.came] == [MORNING] * 2 + [NOON] * 3 + [EVENING]
    assert {key for _, key in services.came[:2]} == {"run-first-0", "run-second-0"}
    keys = [key for _, key in services.came]
    assert keys.index("run-third-0") < keys.index("run-third-1")
    assert keys[-1] == "run-first-1"


async def test_a_player_stops_before_an_instant_and_goes_on_from_there() -> None:
    services = Services()
    player = services.player()

    await player.play([FIRST, SECOND], until=NOON)
    before = len(services.came)
    await player.play([FIRST, SECOND])

    assert (before, len(services.came)) == (2, 4)
    assert player.acknowledged.total() == 4
    assert len({key for _, key in services.came}) == 4


async def test_a_day_begins_when_what_was_done_before_it_is_announced() -> None:
    """Red without waiting: a clock ran out before a message came, because days pass in a tenth of a second."""
    services = Services()
    player = services.player()
    announced: list[tuple[datetime, int]] = []

    async def wait_for(acknowledged: Counter[tuple[str, str]]) -> None:
        announced.append((services.time, acknowledged.total()))

    player.wait_for = wait_for
    tomorrow = Scenario("fourth", (a_step(MORNING + timedelta(days=1), RAISE_REQUEST),))
    await player.play([FIRST, SECOND, tomorrow])

    assert announced == [(BEFORE, 0), (EVENING, 4)]


def test_the_problems_that_end_by_themselves_are_named_as_the_services_name_them() -> None:
    temporary: list[Problem] = [NotYetKnown(), IllegalTransition(), NothingDelivered(), WithdrawalNotRequested()]

    assert {problem.slug for problem in temporary} == TEMPORARY
