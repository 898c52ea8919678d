"""One run of the demo against running services: record the city, play the year, wait for the figures, prove them."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

import msgspec

from contracts.values import calendar_day
from demo import external_check, page, proofs
from demo.announced import announced_on
from demo.play import Player, clients_of
from demo.progress import Stages
from demo.rebuild import all_figures, rebuilt
from demo.result import Checked, DemoResult
from demo.simulation.calendar import FIRST_DAY, at
from demo.simulation.city import City
from demo.simulation.organisations import BROKERS, LANGUAGE_BROKER, PARTNERS, ending_broker, organisation
from demo.simulation.plan import Actor, Body, Plan
from demo.topics import envelopes, event_name, wait_until_brokers_are_known
from local.simulated_time import SimulatedTime
from samenspel.endpoints import Endpoints
from words.language import Language

OPERATOR = Actor("operator", "own:samenspel")
START = datetime.combine(FIRST_DAY, time(6), UTC)  # eight o'clock in Amsterdam
MORNING = 8 * 60  # minutes after midnight: when the new broker begins


@dataclass(frozen=True, slots=True)
class Run:
    city: City
    plan: Plan
    seed: int
    endpoints: Endpoints
    time: SimulatedTime
    stages: Stages
    folder: Path
    """Where the page is kept."""
    language: Language
    start_rebuild: Callable[[], str]
    """Makes `reporting` compute everything again, and returns the cause that it will name."""

    async def execute(self) -> DemoResult:
        async with clients_of(self.endpoints.urls) as clients:
            player = Player(clients, self.time.set, _run_id(self.city, self.plan))
            try:
                await self._record(player)
                async with announced_on(self.endpoints) as announced:
                    player.wait_for = announced.wait_for
                    await self._play(player)
            finally:
                self.time.make_real()
            with self.stages.stage("count"):
                today = calendar_day(datetime.now(UTC))
                known = await proofs.wait_until_counted(self.endpoints, clients, player.acknowledged, today)
                figures = await all_figures(clients["reporting"])
            saved = await page.save(clients["reporting"], self.folder, self.language)
            with self.stages.stage("recount"):
                checking = asyncio.create_task(_check(self.endpoints))
                recounted, differences = await asyncio.to_thread(proofs.recounted, known)
                checked = await checking
            with self.stages.stage("rebuild"):
                rebuilding = await rebuilt(clients["reporting"], figures, self.start_rebuild)
            return DemoResult(
                city=self.city.name,
                schools=len(self.city.schools),
                seed=self.seed,
                known_at=known.cut["knownAt"],
                cut_id=known.cut["cutId"],
                figures=figures,
                counts=Counter(event_name(envelope) for envelope in envelopes(known.inputs)),
                events=len(known.inputs),
                dead_letters=await proofs.count_dead_letters(self.endpoints),
                health=await proofs.health_of(clients),
                lost=known.lost,
                doubled=known.doubled,
                recounted=recounted,
                recount_differences=differences,
                rebuilt=rebuilding,
                checked=checked,
                page=saved,
                seconds=self.stages.seconds,
            )

    async def _record(self, player: Player) -> None:
        city = self.city
        total = len(city.site_lines) + len(city.group_lines) + len(BROKERS) + len(PARTNERS)
        self.time.set(START)
        with self.stages.stage("record", total) as advance:
            for kind, lines in (("sites", city.site_lines), ("groups", city.group_lines)):
                body = b"\n".join(msgspec.json.encode(line) for line in lines)
                await player.command("requests", "POST", f"/v1/{kind}", body, actor=OPERATOR, key=kind)
                advance(len(lines))
            for kind, records in (("brokers", BROKERS), ("partners", PARTNERS)):
                for organisation_id, (name, areas) in records.items():
                    await _put(player, f"/v1/{kind}/{organisation_id}", organisation(name, areas))
                    advance(1)
            await _put(player, f"/v1/brokers/{LANGUAGE_BROKER}", ending_broker())
            await wait_until_brokers_are_known(self.endpoints, [*BROKERS, LANGUAGE_BROKER])

    async def _play(self, player: Player) -> None:
        """Play the year in two halves; in between a broker is appointed, and what waited for it is assigned."""
        appointment = self.plan.appointment
        appointed_at = at(appointment.on, MORNING)
        steps = [step.at < appointed_at for scenario in self.plan.scenarios for step in scenario.steps]
        with self.stages.stage("autumn", sum(steps)) as player.advance:
            await player.play(self.plan.scenarios, until=appointed_at)
        with self.stages.stage("spring", len(steps) - sum(steps)) as player.advance:
            # A name of its own in every run: on a stack that has the broker already, the same record again would
            # announce nothing, and the requests of this run would wait for ever.
            body = appointment.body | {"name": {"nl": f"{appointment.body['name']['nl']} ({player.run})"}}
            self.time.set(appointed_at)
            await _put(player, f"/v1/brokers/{appointment.broker_id}", body)
            await wait_until_brokers_are_known(self.endpoints, [appointment.broker_id])
            await player.play(self.plan.scenarios)


async def _put(player: Player, path: str, body: Body) -> None:
    key = path.rpartition("/")[2]
    await player.command("referrals", "PUT", path, body, actor=OPERATOR, key=key)


def _run_id(city: City, plan: Plan) -> str:
    """The same for the same plan: its commands, sent again, then have no second effect."""
    return "demo-" + hashlib.sha256(repr((city, plan)).encode()).hexdigest()[:12]


async def _check(endpoints: Endpoints) -> Checked:
    try:
        outcome = await external_check.validate(endpoints.kafka, endpoints.prefix)
    except external_check.CannotCheck as reason:
        return Checked(0, not_done=str(reason))
    return Checked(outcome.messages, outcome.violations)
