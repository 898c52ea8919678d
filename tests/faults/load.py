"""Load on a city: requests on their way from question to confirmed activity, by callers who never give up.

All of it goes through HTTP. Every call is noted as ok, failed or unknown. Unknown ones (no answer, or the world
failed) are repeated with their key until they are answered, as an integrator is told to do.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

import httpx

from local import Stack

PATIENCE = 90.0  # seconds for one call with all its repetitions: longer than any fault lasts here
ANSWER = 10.0
PAUSE = 0.1
PROGRAMME = "kansen-voor-kinderen"
AREA = {"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}
BROKER, PARTNER = "own:babel", "own:muziekschool"
OPERATOR = "role=operator; organisation=own:city; actor=o1"
CONSULTANT = f"role=consultant; organisation={BROKER}; actor=m1"
MUSICIAN = f"role=partner; organisation={PARTNER}; actor=p1"


@dataclass(slots=True)
class Call:
    """One command and what its caller knows of it."""

    service: str
    method: str
    path: str
    actor: str
    body: Mapping[str, Any] | None
    key: str = field(default_factory=lambda: str(uuid4()))
    outcome: str = "unknown"
    """`ok`, `failed` (it was refused) or `unknown`."""
    was_unknown: int = 0
    """How many times there was no telling what became of it."""
    refused_as_busy: int = 0
    """How many times the service said that it cannot now (503)."""
    seconds: float = 0.0
    answer: dict[str, Any] = field(default_factory=dict)


class Load:
    """Callers at work in a thread of their own; `with` waits until they are done."""

    def __init__(self, stack: Stack, calls: list[Call], *, callers: int, stories: int, whole: bool = True) -> None:
        self.urls = {name: stack.service_url(name) for name in ("requests", "referrals")}
        self.calls = calls
        self.done = Counter[str]()
        self.stories, self.callers, self.whole = stories, callers, whole
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="load")

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join()
        if self.failure:
            raise self.failure

    def reaches(self, share: float) -> None:
        """Wait until so much of it is done."""
        deadline = time.monotonic() + PATIENCE
        while self.done["stories"] < share * self.stories and self.thread.is_alive():
            assert time.monotonic() < deadline, f"the load stands still at {self.done['stories']} of {self.stories}"
            time.sleep(0.01)

    def _run(self) -> None:
        try:
            asyncio.run(self._call())
        except BaseException as failure:  # noqa: BLE001 - told in the thread that waits
            self.failure = failure

    async def _call(self) -> None:
        numbers = iter(range(self.stories))
        async with httpx.AsyncClient(timeout=ANSWER) as self.client:
            await asyncio.gather(*(self._caller(numbers) for _ in range(self.callers)))

    async def _caller(self, numbers: Any) -> None:
        for number in numbers:
            await (self._story(number) if self.whole else self._ask(number))
            self.done["stories"] += 1

    async def _ask(self, number: int) -> Call:
        """A coordinator asks."""
        site = f"own:s{number % SCHOOLS}"
        body = {
            "siteId": site,
            "programme": PROGRAMME,
            "learningAreas": [AREA],
            "headcount": 20,
            "wishedFrom": "2026-01-01",
            "wishedTo": "2026-03-01",
            "intention": "replaces",
        }
        return await self.command("requests", "POST", "/v1/requests", coordinator(site), body)

    async def _story(self, number: int) -> None:
        """From the question to the confirmed activity."""
        asked = await self._ask(number)
        site, request_id = asked.answer["details"]["siteId"], asked.answer["requestId"]
        body: dict[str, Any] = {
            "requestId": request_id,
            "partnerId": PARTNER,
            "learningAreas": [AREA],
            "decideBy": "2100-01-01",
        }
        referral = (await self.command("referrals", "POST", "/v1/referrals", CONSULTANT, body)).answer["referralId"]
        await self.command("referrals", "POST", f"/v1/referrals/{referral}/acceptances", MUSICIAN, {})
        held = {"siteIds": [site], "partnerIds": [PARTNER], "programme": PROGRAMME, "learningAreas": [AREA]}
        body = {**held, "plannedFor": HELD_AT, "referralId": referral}
        activity = (await self.command("referrals", "POST", "/v1/activities", MUSICIAN, body)).answer["activityId"]
        group = {"groupId": site.replace(":s", ":g"), "headcount": 24, "participants": number % 25}
        body = {
            **held,
            "occurredAt": HELD_AT,
            "durationMinutes": 60,
            "setting": "in_school",
            "groups": [group],
            "substitution": "replaces",
        }
        await self.command("referrals", "POST", f"/v1/activities/{activity}/deliveries", MUSICIAN, body)
        await self.command(
            "referrals", "POST", f"/v1/activities/{activity}/confirmations", coordinator(site), {"siteId": site}
        )

    async def command(self, service: str, method: str, path: str, actor: str, body: Mapping[str, Any]) -> Call:
        """One command, repeated with its key until it is answered; a body that names what is not yet known too."""
        call = Call(service, method, path, actor, body)
        self.calls.append(call)
        began = time.monotonic()
        while call.outcome == "unknown":
            try:
                answer = await self.client.request(
                    method,
                    self.urls[service] + path,
                    json=body,
                    headers={"Samenspel-Actor": actor, "Idempotency-Key": call.key},
                )
            except httpx.TransportError:
                call.was_unknown += 1
            else:
                self._note(call, answer)
            call.seconds = time.monotonic() - began
            assert call.seconds < PATIENCE, f"{call} has had no answer for {PATIENCE:.0f} s"
            if call.outcome == "unknown":
                await asyncio.sleep(PAUSE)
        assert call.outcome == "ok", f"{call.method} {call.path}: {call.answer}"
        return call

    def _note(self, call: Call, answer: httpx.Response) -> None:
        if answer.is_success:
            call.outcome, call.answer = "ok", answer.json()
        elif answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            call.refused_as_busy += 1
        elif answer.is_server_error:
            call.was_unknown += 1
        elif "Retry-After" not in answer.headers:
            call.outcome, call.answer = "failed", answer.json()


def coordinator(site: str) -> str:
    return f"role=coordinator; organisation={site}; actor=c1"


SCHOOLS = 10  # few enough that aggregates of one key, and so of one partition, follow each other closely
HELD_AT = "2025-11-10T10:00:00+01:00"


class City(Load):
    """The sites, groups, broker and partner that the stories are about."""

    def __init__(self, stack: Stack, calls: list[Call]) -> None:
        super().__init__(stack, calls, callers=1, stories=1)

    async def _story(self, _: int) -> None:
        name, since = {"nl": "De Bron"}, {"validFrom": "2020-08-01"}
        for school in range(SCHOOLS):
            place = {"municipality": "GM0796", "postcode4": "5211", "neighbourhood": f"521{school % 3}"}
            body: dict[str, Any] = {**since, **place, "kinds": ["primary"], "name": name, "board": "own:board"}
            await self.command("requests", "PUT", f"/v1/sites/own:s{school}", OPERATOR, body)
            group = {
                "siteId": f"own:s{school}",
                "register": "school",
                "schoolYear": "2025-2026",
                "ageFrom": 4,
                "ageTo": 6,
                "headcount": {"lower": 24, "upper": 24},
            }
            await self.command("requests", "PUT", f"/v1/groups/own:g{school}", OPERATOR, group)
        for kind, who in (("brokers", BROKER), ("partners", PARTNER)):
            body = {**since, "name": name, "learningAreas": [AREA]}
            await self.command("referrals", "PUT", f"/v1/{kind}/{who}", OPERATOR, body)
