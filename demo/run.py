"""One run of the demo against services that are up: record, play, wait, prove."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

import httpx
import msgspec

from demo import external_check, proof
from demo.calendar import FIRST_DAY, at
from demo.city import City
from demo.heard import envelopes, until_brokers_are_heard
from demo.organisations import BROKERS, PARTNERS, organisation
from demo.outcome import Checked, Outcome
from demo.play import Player, clients_of
from demo.recount import Record
from demo.stages import Stages
from demo.story import Body, Plan
from samenspel.commands.services import every_figure
from samenspel.endpoints import Endpoints

OPERATOR = ("operator", "own:samenspel")
BEGINS = datetime.combine(FIRST_DAY, time(6), UTC)  # eight o'clock in Amsterdam
MORNING = 8 * 60  # minutes: when the new broker begins


@dataclass(frozen=True, slots=True)
class Run:
    """What is played, where."""

    city: City
    plan: Plan
    seed: int
    endpoints: Endpoints
    stages: Stages
    ask_for_rebuild: Callable[[Mapping[str, httpx.AsyncClient]], Callable[[], str]]
    """Has `reporting` build everything anew, and tells the cause."""

    async def demonstrate(self) -> Outcome:
        """Do it all."""
        async with clients_of(self.endpoints.urls) as clients:
            player = Player(clients, _run_of(self.city, self.plan))
            await self._record(player)
            await self._play(player)
            with self.stages.stage("count"):
                known = await proof.until_counted(
                    self.endpoints.kafka, self.endpoints.prefix, clients, player.acknowledged
                )
                figures = await every_figure(clients["reporting"])
            with self.stages.stage("recount"):
                checking = asyncio.create_task(_checked(self.endpoints))
                counted, differences = await asyncio.to_thread(proof.recounted, known)
                checked = await checking
            with self.stages.stage("rebuild"):
                rebuilt = await proof.rebuilt(clients["reporting"], figures, self.ask_for_rebuild(clients))
            lost, doubled = proof.lost_and_doubled(player.acknowledged, known.inputs)
            return Outcome(
                city=self.city.name,
                schools=len(self.city.schools),
                seed=self.seed,
                known_at=known.cut["knownAt"],
                cut_id=known.cut["cutId"],
                figures=figures,
                counts=_counts(known.inputs),
                events=len(known.inputs),
                dead_letters=await proof.dead_letters(self.endpoints.kafka, self.endpoints.prefix),
                health=await proof.health_of(clients),
                lost=lost,
                doubled=doubled,
                recounted=counted,
                recount_differences=differences,
                rebuilt=rebuilt,
                checked=checked,
                seconds=self.stages.seconds,
            )

    async def _record(self, player: Player) -> None:
        """Reference data: sites and groups in bulk, brokers and partners one by one."""
        city = self.city
        total = len(city.site_lines) + len(city.group_lines) + len(BROKERS) + len(PARTNERS)
        with self.stages.stage("record", total) as advance:
            for what, lines in (("sites", city.site_lines), ("groups", city.group_lines)):
                body = b"\n".join(msgspec.json.encode(line) for line in lines)
                key = f"{player.run}-{what}"
                await player.command("requests", "POST", f"/v1/{what}", body, who=OPERATOR, at=BEGINS, key=key)
                advance(len(lines))
            for what, records in (("brokers", BROKERS), ("partners", PARTNERS)):
                for entity, (name, areas) in records.items():
                    await self._put(player, f"/v1/{what}/{entity}", organisation(name, areas), BEGINS)
                    advance(1)
            await until_brokers_are_heard(self.endpoints.kafka, self.endpoints.prefix, BROKERS)

    async def _play(self, player: Player) -> None:
        """The year, in two halves: in between a broker comes, and what waited for it is assigned."""
        coming = self.plan.appointment
        begins = at(coming.on, MORNING)
        steps = [step.at < begins for story in self.plan.stories for step in story.steps]
        with self.stages.stage("autumn", sum(steps)) as player.advance:
            await player.play(self.plan.stories, until=begins)
        with self.stages.stage("spring", len(steps) - sum(steps)) as player.advance:
            # A record of its own in every play: where the broker is known already, the same again would announce
            # nothing, and what waits in this play would go on waiting.
            body = coming.body | {"name": {"nl": f"{coming.body['name']['nl']} ({player.run})"}}
            await self._put(player, f"/v1/brokers/{coming.broker_id}", body, begins)
            await until_brokers_are_heard(self.endpoints.kafka, self.endpoints.prefix, [coming.broker_id])
            await player.play(self.plan.stories)

    async def _put(self, player: Player, path: str, body: Body, when: datetime) -> None:
        key = f"{player.run}-{path.rpartition('/')[2]}"
        await player.command("referrals", "PUT", path, body, who=OPERATOR, at=when, key=key)


def _run_of(city: City, plan: Plan) -> str:
    """Names this very plan: another one must not find its keys used."""
    return "demo-" + hashlib.sha256(repr((city, plan)).encode()).hexdigest()[:12]


def _counts(inputs: Sequence[Record]) -> Counter[str]:
    return Counter(envelope["type"].split(".")[-2] for _, envelope in envelopes(inputs))


async def _checked(endpoints: Endpoints) -> Checked:
    """Every message on every topic, judged by Node with `contracts/` alone."""
    try:
        outcome = await external_check.validate(endpoints.kafka, endpoints.prefix)
    except external_check.CannotCheck as reason:
        return Checked(0, not_done=str(reason))
    return Checked(outcome.messages, outcome.violations)
