"""Both command services on their tables, without Kafka: a test decides who does what, and who hears what, when."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from types import ModuleType
from typing import Any
from uuid import UUID

from contracts.envelope import decode
from contracts.offers import BrokerRecorded
from contracts.requests import RequestDetails
from contracts.values import Name
from local import RealParts
from services.chassis.commands import Call, Command, carry_out
from services.chassis.problems import Problem
from services.referrals import reactions as reactions_of_referrals
from services.referrals import store as referrals_store
from services.referrals.commands import organisations
from services.referrals.commands import referrals as referral_commands
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.referral import OPEN, Status
from services.requests import commands as request_commands
from services.requests import reactions as reactions_of_requests
from services.requests import store as requests_store
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    NOW,
    SCHOOL,
    an_actor,
    partner_details,
    referral_details,
    request_details,
    site_details,
)
from tests.sandbox import Sandbox, a_sandbox

OPERATOR, COORDINATOR = an_actor("operator"), an_actor("coordinator")
CONSULTANT, PARTNER = an_actor("consultant"), an_actor("partner")
ENDED = {"closed", "withdrawn", "voided"}
OPEN_REQUESTS = "SELECT request_id FROM requests WHERE status IN ('assigned', 'no_broker', 'answered')"
OPEN_REFERRALS_AND_ACTIVITIES = """
SELECT referral_id FROM referrals WHERE status IN ('requested', 'accepted', 'waitlisted', 'in_progress')
UNION ALL SELECT activity_id FROM activities WHERE status = 'planned'
"""
TURNS = """
SELECT object_id, count(DISTINCT (clock_id, act_by)) AS clocks, count(DISTINCT split_part(holder, ':', 1)) AS actors
FROM work JOIN clocks USING (clock_id) GROUP BY object_id
"""
COMMANDS: dict[str, Command] = {
    **request_commands.requests.by_name,
    **request_commands.reference_data.by_name,
    **referral_commands.commands.by_name,
    **organisations.commands.by_name,
}


def because(list_: str, code: str) -> dict[str, Any]:
    return {"reason": {"list": list_, "code": code}}


@dataclass(slots=True)
class Side:
    """One service: its tables, and how far the other one has heard of it."""

    sandbox: Sandbox
    reactions: ModuleType
    fetched_up_to: int = 0
    """In the journal of this side, by the other one."""
    pending: list[Any] = field(default_factory=list)
    """What this side announced and the other one has not heard."""

    async def give(self, name: str, body: Any, *, by: Any, subject: Any = None) -> str:
        command = COMMANDS[name]
        said = command.read(body) if isinstance(body, dict) else body
        answer = await carry_out(self.sandbox.database, command, Call(by=by, at=NOW, subject=subject, body=said))
        return str(answer.subject)

    async def hears_of(self, other: "Side", order: Callable[[list[Any]], Sequence[Any]] = list) -> int:
        """React to what the other announced: all that is pending in its order, unless `order` chooses some in another
        one. Returns how much that was."""
        rows = await other.sandbox.database.pool.fetch(
            "SELECT position, value, epoch, version FROM journal WHERE position > $1 ORDER BY position",
            other.fetched_up_to,
        )
        other.pending += rows
        other.fetched_up_to = max((row["position"] for row in rows), default=other.fetched_up_to)
        heard = order(other.pending)
        for row in heard:
            event = decode(row["value"]).event
            if react := self.reactions.reactions.by_type.get(event.type):
                async with self.sandbox.database.transaction(at=NOW) as tx:
                    tx.reacting_to = row["epoch"], row["version"]
                    await react(event, tx)
        positions = {row["position"] for row in heard}
        other.pending = [row for row in other.pending if row["position"] not in positions]
        return len(heard)


@dataclass(slots=True)
class Partnership:
    requests: Side
    referrals: Side
    request_id: UUID = field(default_factory=lambda: UUID(int=0))
    referral_id: UUID = field(default_factory=lambda: UUID(int=0))

    async def settle(self) -> None:
        """Until nobody has anything to say any more."""
        while await self.referrals.hears_of(self.requests) + await self.requests.hears_of(self.referrals):
            pass

    async def begins(self, status: Status) -> None:
        """A request with a referral that came so far."""
        details = request_details(groups=(), headcount=20)
        assert isinstance(details, RequestDetails)
        self.request_id = UUID(await self.requests.give("raiseRequest", details, by=COORDINATOR))
        await self.settle()
        self.referral_id = UUID(await self.referrals.give("refer", referral_details(self.request_id), by=CONSULTANT))
        steps = {Status.REQUESTED: (), Status.ACCEPTED: ("accept",), Status.IN_PROGRESS: ("accept", "start")}[status]
        for step in steps:
            await self.referrals.give(f"{step}Referral", {}, by=PARTNER, subject=self.referral_id)
        await self.settle()

    async def do(self, action: str) -> bool:
        """Whether a rule allowed it."""
        try:
            await getattr(self, f"_{action}")()
        except Problem:
            return False
        return True

    async def _of_request(self, name: str, body: dict[str, Any], by: Any = COORDINATOR) -> None:
        await self.requests.give(name, body, by=by, subject=self.request_id)

    async def _of_referral(self, name: str, body: dict[str, Any], by: Any = PARTNER) -> None:
        await self.referrals.give(name, body, by=by, subject=self.referral_id)

    async def _withdraw(self) -> None:
        await self._of_request("withdrawRequest", because("withdraw-request", "no_longer_needed"))

    async def _void(self) -> None:
        await self._of_request("voidRequest", because("void-request", "duplicate"))

    async def _close(self) -> None:
        body = {"outcome": "not_fulfilled", **because("not-fulfilled", "no_funding")}
        await self._of_request("closeRequest", body, CONSULTANT)

    async def _close_and_reopen(self) -> None:
        await self._close()
        await self._of_request("reopenRequest", because("reopen-request", "not_solved"))

    async def _accept(self) -> None:
        await self._of_referral("acceptReferral", {})

    async def _decline(self) -> None:
        await self._of_referral("declineReferral", because("decline", "no_capacity"))

    async def _start(self) -> None:
        await self._of_referral("startReferral", {})

    async def _complete(self) -> None:
        await self._of_referral("completeReferral", {"outcome": "delivered_elsewhere", "comment": "In het park"})

    async def _void_referral(self) -> None:
        await self._of_referral("voidReferral", because("void-referral", "duplicate"), CONSULTANT)

    async def _refer_again(self) -> None:
        await self.referrals.give("refer", referral_details(self.request_id), by=CONSULTANT)

    async def _expire(self) -> None:
        async with self.referrals.sandbox.database.transaction(at=NOW) as tx:
            referral = await referrals_store.lock_referral(tx, self.referral_id)
            assert referral is not None
            await referrals_store.REFERRALS.announce(tx, referral, referral_rules.expire(referral, at=NOW))

    async def state(self) -> tuple[Any, ...]:
        """Where the request and its referrals stand, on both sides; the same in every order."""
        mine, theirs = self.requests.sandbox.database.pool, self.referrals.sandbox.database.pool
        request = await requests_store.find(mine, self.request_id)
        assert request is not None
        replica = await theirs.fetchval("SELECT status FROM requests WHERE request_id = $1", self.request_id)
        async with self.referrals.sandbox.database.transaction() as tx:
            referrals = await referrals_store.referrals_of(tx, self.request_id)
        ended = await mine.fetch("SELECT referral_id, ended FROM referrals WHERE request_id = $1", self.request_id)
        return (
            (str(request.status), replica),
            tuple((str(each.status), each.reason and each.reason.code, bool(each.withdrawal)) for each in referrals),
            {row["referral_id"]: row["ended"] for row in ended}
            == {each.id: None if each.status in OPEN else str(each.status) for each in referrals},
        )

    async def check_work_lists(self) -> None:
        """Every open object is on one work list, with one next actor and one due day; nothing else is on any."""
        for side, open_objects in ((self.requests, OPEN_REQUESTS), (self.referrals, OPEN_REFERRALS_AND_ACTIVITIES)):
            pool = side.sandbox.database.pool
            turns = {row["object_id"]: (row["clocks"], row["actors"]) for row in await pool.fetch(TURNS)}
            assert turns == {row[0]: (1, 1) for row in await pool.fetch(open_objects)}


@asynccontextmanager
async def a_partnership(stack: RealParts) -> AsyncIterator[Partnership]:
    """A school, a broker and a partner, known on both sides."""
    async with (
        a_sandbox(stack, "requests", has_topics=False) as mine,
        a_sandbox(stack, "referrals", has_topics=False) as theirs,
    ):
        city = Partnership(Side(mine, reactions_of_requests), Side(theirs, reactions_of_referrals))
        await city.requests.give("recordSite", site_details(), by=OPERATOR, subject=SCHOOL)
        await city.referrals.give("recordPartner", partner_details(ART), by=OPERATOR, subject=ATELIER)
        broker = BrokerRecorded(
            broker_id=BABEL, valid_from=date(2020, 8, 1), name=Name(nl="Babel"), learning_areas=(ART,)
        )
        async with mine.database.transaction(at=NOW) as tx:
            tx.reacting_to = 1, 1
            await reactions_of_requests.route_what_the_record_changes(broker, tx)
        await city.settle()
        yield city


def check_is_sound(state: tuple[Any, ...]) -> None:
    """Both sides know the same, and nobody works for a request that was taken back without being asked to stop."""
    (request, replica), referrals, ends_are_known = state
    assert replica == request
    assert ends_are_known
    for status, _, is_asked_back in referrals:
        if request in ENDED:
            assert status not in {"requested", "accepted", "waitlisted"}
        if request in {"withdrawn", "voided"} and status == "in_progress":
            assert is_asked_back
