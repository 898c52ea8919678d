"""Load on a city: requests on their way to a confirmed activity, and readers of every service. All through HTTP."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Self

from tests.faults.client import OPERATOR, PATIENCE, PAUSE, READS, Call, Client, Urls, connected

PROGRAMME = "kansen-voor-kinderen"
AREA = {"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}
BROKER, PARTNER = "own:babel", "own:muziekschool"
CONSULTANT = f"role=consultant; organisation={BROKER}; actor=m1"
MUSICIAN = f"role=partner; organisation={PARTNER}; actor=p1"
SCHOOLS = 10  # few enough that aggregates of one key, and so of one partition, follow each other closely
HELD_AT = "2025-11-10T10:00:00+01:00"
HEADCOUNT = 24

RECORD = {"validFrom": "2020-08-01", "name": {"nl": "De Bron"}}
SITE = RECORD | {"kinds": ["primary"], "board": "own:board", "municipality": "GM0796", "postcode4": "5211"}
GROUP = {
    "register": "school",
    "schoolYear": "2025-2026",
    "ageFrom": 4,
    "ageTo": 6,
    "headcount": {"lower": HEADCOUNT, "upper": HEADCOUNT},
}
REQUEST: dict[str, Any] = {
    "programme": PROGRAMME,
    "learningAreas": [AREA],
    "headcount": 20,
    "wishedFrom": "2026-01-01",
    "wishedTo": "2026-03-01",
    "intention": "replaces",
}
REFERRAL = {"partnerId": PARTNER, "learningAreas": [AREA], "decideBy": "2100-01-01"}
ACTIVITY = {"partnerIds": [PARTNER], "programme": PROGRAMME, "learningAreas": [AREA]}
DELIVERY = {"occurredAt": HELD_AT, "durationMinutes": 60, "setting": "in_school", "substitution": "replaces"}


def coordinator(site: str) -> str:
    return f"role=coordinator; organisation={site}; actor=c1"


async def record_city(urls: Urls, calls: list[Call]) -> None:
    """The sites, groups, broker and partner that the requests are about."""
    async with connected(urls, calls) as client:
        for number in range(SCHOOLS):
            site, group = SITE | {"neighbourhood": f"521{number % 3}"}, GROUP | {"siteId": f"own:s{number}"}
            await client.command("requests", "PUT", f"/v1/sites/own:s{number}", OPERATOR, site)
            await client.command("requests", "PUT", f"/v1/groups/own:g{number}", OPERATOR, group)
        for path in (f"/v1/brokers/{BROKER}", f"/v1/partners/{PARTNER}"):
            await client.command("referrals", "PUT", path, OPERATOR, RECORD | {"learningAreas": [AREA]})


async def raise_request(client: Client, number: int) -> Call:
    site = f"own:s{number % SCHOOLS}"
    return await client.command("requests", "POST", "/v1/requests", coordinator(site), REQUEST | {"siteId": site})


async def complete_request(client: Client, number: int) -> None:
    """Raised, referred, accepted, planned, delivered and confirmed."""
    post = partial(client.command, "referrals", "POST")
    request = (await raise_request(client, number)).answer
    site = request["details"]["siteId"]
    activity = ACTIVITY | {"siteIds": [site]}
    taking_part = {"groupId": site.replace(":s", ":g"), "headcount": HEADCOUNT, "participants": number % 25}

    referral = await post("/v1/referrals", CONSULTANT, REFERRAL | {"requestId": request["requestId"]})
    referral_id = referral.answer["referralId"]
    await post(f"/v1/referrals/{referral_id}/acceptances", MUSICIAN, {})
    plan = activity | {"plannedFor": HELD_AT, "referralId": referral_id}
    path = f"/v1/activities/{(await post('/v1/activities', MUSICIAN, plan)).answer['activityId']}"
    await post(f"{path}/deliveries", MUSICIAN, activity | DELIVERY | {"groups": [taking_part]})
    await post(f"{path}/confirmations", coordinator(site), {"siteId": site})


Handle = Callable[[Client, int], Awaitable[object]]
"""What a caller does with the request of a number."""


class Load:
    """Callers and readers at work in a thread of their own; `with` waits until the callers are done."""

    def __init__(
        self,
        urls: Urls,
        calls: list[Call],
        reads: list[Call],
        *,
        callers: int,
        requests: int,
        handle: Handle,
        keep_alive: bool,
    ) -> None:
        self.urls, self.calls, self.reads, self.keep_alive = urls, calls, reads, keep_alive
        self.callers, self.requests, self.done = callers, requests, 0
        self.handle = handle
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
        while self.done < share * self.requests and self.thread.is_alive():
            assert time.monotonic() < deadline, f"the load stands still at {self.done} of {self.requests}"
            time.sleep(0.01)

    def _run(self) -> None:
        try:
            asyncio.run(self._call())
        except BaseException as failure:  # noqa: BLE001 - raised again in the thread that waits
            self.failure = failure

    async def _call(self) -> None:
        numbers, is_over = iter(range(self.requests)), asyncio.Event()
        async with connected(self.urls, self.calls, keep_alive=self.keep_alive) as client, asyncio.TaskGroup() as tasks:
            for service in READS:
                tasks.create_task(self._read(client, service, is_over))
            await asyncio.gather(*(self._work(client, numbers) for _ in range(self.callers)))
            is_over.set()

    async def _work(self, client: Client, numbers: Iterator[int]) -> None:
        for number in numbers:
            await self.handle(client, number)
            self.done += 1

    async def _read(self, client: Client, service: str, is_over: asyncio.Event) -> None:
        """Until it is over, and never cancelled half-way: a connection that is just being made would stay open."""
        while not is_over.is_set():
            await client.read(service, self.reads)
            await asyncio.sleep(PAUSE)
