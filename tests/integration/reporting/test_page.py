"""The pages, as a browser gets them: of a programme and of a figure, in both languages, for whom they are meant."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from contracts.activities import ActivityRetracted
from contracts.offers import PartnerRecorded
from local import RealParts
from services.chassis.http.application import application
from services.chassis.http.examples import first_example
from services.chassis.running.database import connected
from services.chassis.running.service import Service
from services.reporting import counts, rebuild_store
from services.reporting.page import routes
from services.reporting.page.live import Live
from services.reporting.page.making import make
from tests.faults.odd_requests import ODD_TEXTS
from tests.http_door import client_of
from tests.integration.reporting.test_cuts import BRON, LINDE, Reported, key
from tests.sandbox import a_sandbox
from tests.scenarios import OTHER, PARTNER, PROGRAMMES

ACCEPTED = (
    ("en-GB,en;q=0.9,nl;q=0.8", "en"),
    ("nl,en;q=0.5", "nl"),
    ("en;q=0.5,nl", "nl"),
    ("nl;q=0.1, en-US;q=0.7, fr", "en"),
    ("nl;q=0,en;q=0", "nl"),
    ("fr-nl,den", "nl"),
    ("EN", "en"),
    ("en;q=nothing", "nl"),
    ("fr", "nl"),
    ("", "nl"),
)
CHECKOUT = Path(__file__).parents[3]
PAGE = f"/programmes/{PROGRAMMES[0]}"
OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:city; actor=a1"}
COORDINATOR = {"Samenspel-Actor": f"role=coordinator; organisation={BRON}; actor=a1"}
VOID = {"meta", "link", "br", "img", "path", "rect", "line", "circle", "use"}


class Outline(HTMLParser):
    """What a page has, and whether what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == [], "everything that is opened is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    @property
    def known(self) -> str:
        return next(word for word in self.words if word.startswith("Known at"))

    @property
    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.found if tag == "a"]


class Site:
    """A service `reporting` in this process; `partnership` says what it knows."""

    def __init__(self, partnership: Reported, client: httpx.AsyncClient, app: FastAPI) -> None:
        self.partnership, self.client, self.app = partnership, client, app

    async def get(self, path: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Outline:
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == status, answer.text[:500]
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return Outline(answer.text)


@asynccontextmanager
async def a_site(stack: RealParts, **settings: Any) -> AsyncIterator[Site]:
    async with a_sandbox(stack, "reporting", has_topics=False) as sandbox:
        db = await asyncpg.connect(sandbox.settings.database_url)
        await counts.prepare(db)
        usual = {"development_identity": True, "programmes": CHECKOUT / "programmes"}
        sandbox.health.tick("projection")
        service = Service(sandbox.settings.model_copy(update=usual | settings), sandbox.database, sandbox.health)
        app = application(service, title="Pages", description="")
        app.include_router(routes.pages)
        app.state.live = Live(service, make)
        try:
            async with client_of(app) as client:
                another = partial(connected, sandbox.settings.database_url)
                yield Site(Reported(db, another), client, app)
        finally:
            await db.close()


@pytest.mark.parametrize(("language", "question"), [("nl", "Zijn we er?"), ("en", "Are we there?")])
async def test_a_programme_is_a_page_with_an_answer_to_each_question(
    stack: RealParts, language: str, question: str
) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()

        page = await site.get(f"{PAGE}?lang={language}")

        assert ("html", {"lang": language}) in page.found
        assert question in page.words
        assert len([tag for tag, _ in page.found if tag == "section"]) == 6
        scripts = [attributes for tag, attributes in page.found if tag == "script"]
        assert scripts == [{"src": "/page.js", "defer": None}]  # nothing stands in it that a script must write
        assert {"Kansen voor Kinderen", "Opportunities for Children"} & set(" · ".join(page.words).split(" · "))


async def test_every_number_is_a_link_to_its_explanation(stack: RealParts) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        page = await site.get("/?lang=en")

        figures = [link for link in page.links if link.startswith("/figures/")]
        assert figures
        for link in figures:
            explained = await site.get(link)
            assert "Definition" in " ".join(explained.words)


async def test_the_language_is_the_browsers_and_dutch_where_it_says_neither(stack: RealParts) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()

        for accepted, language in ACCEPTED:
            page = await site.get("/", headers={"Accept-Language": accepted})
            assert ("html", {"lang": language}) in page.found, accepted


@pytest.mark.parametrize(("accepted", "title"), [("en", "There is no such language"), ("fr", "Deze taal is er niet")])
@pytest.mark.parametrize("path", ["/", PAGE, f"{PAGE}/schools", "/figures/nothing/1"])
async def test_another_language_is_answered_with_a_page_that_says_which_there_are(
    stack: RealParts, path: str, accepted: str, title: str
) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()

        page = await site.get(f"{path}?lang=fr&year=2025-2026", 400, {"Accept-Language": accepted})

        assert title in page.words
        assert page.links == ["?year=2025-2026&lang=nl", "?year=2025-2026&lang=en"]


async def test_an_address_that_cannot_be_read_is_answered_with_a_page(stack: RealParts) -> None:
    async with a_site(stack) as site:
        for path in ("/programmes/NOT%20A%20SLUG", "/figures/a/1?cursor=no", f"/?year={'9' * 9000}"):
            page = await site.get(path, 400, {"Accept-Language": "en"})
            assert "This address is not right" in page.words


async def test_a_programme_that_is_known_by_its_file_alone_is_a_page_with_what_was_agreed(stack: RealParts) -> None:
    async with a_site(stack) as site:
        page = await site.get(f"{PAGE}?lang=en")
        front = await site.get("/?lang=en", 404)

        assert "Opportunities for Children" in page.words
        said = "There are no figures of this programme yet: nothing was asked or delivered so far."
        assert any(word.startswith(said) and word.endswith("80% of the schools by 31 Dec 2022.") for word in page.words)
        assert front.links == [f"{PAGE}?lang=en"]


async def test_a_figure_of_which_nothing_is_left_is_a_page_that_says_so(stack: RealParts) -> None:
    """Red: that nothing was missing to it."""
    async with a_site(stack) as site:
        delivered = site.partnership.deliver(BRON)
        site.partnership.deliver(LINDE)
        await site.partnership.cut()
        retracted = {"activity_id": delivered.activity_id, "reason": OTHER, "retracted_at": "2026-01-05T10:00:00.000Z"}
        site.partnership.scenario.announce(ActivityRetracted.model_validate(retracted), key=BRON)
        await site.partnership.cut()

        place = f"/figures/{key('replaced-share', 'neighbourhood:5211')}"
        page = await site.get(f"{place}?lang=en")
        words = " ".join(page.words)

        assert "neighbourhood 5211, 2025-2026: nothing is left of it." in words
        assert "Everything that this figure was about was retracted, or counts no longer." in words
        assert not any(word.startswith("denominator") for word in page.words)
        assert "History, newest first (2 values)" in words
        assert "Activity retracted" in words


async def know_everything(site: Site) -> None:
    """The newest cut is of all that was announced: without Kafka it is of no offsets."""
    event = json.loads(await site.partnership.db.fetchval("SELECT event FROM cuts ORDER BY cut_id DESC LIMIT 1"))
    for each in event["vector"]:
        each["offsets"] = [1_000_000 for _ in each["offsets"]]
    await site.partnership.db.execute("UPDATE cuts SET event = $1", json.dumps(event))


async def test_an_event_behind_a_figure_names_its_partner(stack: RealParts) -> None:
    """Red: by its id."""
    async with a_site(stack) as site:
        said = first_example(PartnerRecorded)["data"] | {"partnerId": PARTNER, "name": {"nl": "De Muziekschool"}}
        site.partnership.scenario.announce(PartnerRecorded.model_validate(said))
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        await know_everything(site)

        page = await site.get(f"/figures/{key('replaced-share', 'city')}?lang=en", headers=OPERATOR)

        assert any(word.endswith("arts and culture · De Muziekschool") for word in page.words)


async def test_the_events_behind_a_figure_are_turned_page_by_page_without_a_script(stack: RealParts) -> None:
    """Red: the list ended after fifty, with a hint to a terminal."""
    async with a_site(stack) as site:
        delivered = [str(site.partnership.deliver(BRON).activity_id) for _ in range(120)]
        await site.partnership.cut()
        await know_everything(site)
        path = address = f"/figures/{key('replaced-share', 'city')}?lang=en"
        seen: list[list[str]] = []
        turned: list[str] = [address]

        while True:
            page = await site.get(address, headers=OPERATOR)
            seen.append([word for word in page.words if word.startswith("activity 0")])
            following = [each for each in page.links if each.endswith("#events")]
            forth = following[1:] if len(seen) > 1 else following
            if not forth:
                break
            address = path.partition("?")[0] + forth[0]
            turned.append(address)
        back = path.partition("?")[0] + following[0]

        assert sorted(each for part in seen for each in part) == sorted(f"activity {each}" for each in delivered)
        assert len(seen) == 3
        assert back == turned[1]


async def test_who_is_not_identified_sees_nothing_of_one_site(stack: RealParts) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        of_the_school = f"/figures/{key('replaced-share', f'site:{BRON}')}"

        assert not [link for link in (await site.get("/")).links if "site%3A" in link or "site:" in link]
        await site.get(of_the_school, 404)
        await site.get(of_the_school, headers=COORDINATOR)
        await site.get(f"/figures/{key('replaced-share', f'site:{LINDE}')}", 404, headers=COORDINATOR)


async def test_without_development_identities_nobody_sees_a_page_yet(stack: RealParts) -> None:
    async with a_site(stack, development_identity=False) as site:
        for path in ("/", PAGE, "/uncounted", f"/figures/{key('replaced-share', 'city')}", f"{PAGE}/schools"):
            assert "This page is not public" in (await site.get(path, 401, {"Accept-Language": "en"})).words
        assert "Deze pagina is niet openbaar" in (await site.get("/", 401)).words
        assert "This page is not public" in (await site.get("/?lang=en", 401)).words


async def test_while_its_database_is_away_a_page_says_so_in_words(stack: RealParts) -> None:
    async with a_site(stack) as site:
        await site.app.state.service.database.read_pool.close()

        for path in ("/", PAGE, "/uncounted", f"{PAGE}/schools"):
            assert "This page cannot be shown now" in (await site.get(f"{path}", 503, {"Accept-Language": "en"})).words
        assert (await site.client.get("/")).headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    "address",
    ["/?lang={}", "/?year={}", "/programmes/{}", PAGE + "?year={}", "/figures/{}", "/figures/{}/1?lang={}"]
    + [f"{PAGE}/changes?{name}={{}}" for name in ("lang", "year", "seen")],
)
async def test_whatever_is_asked_is_answered(stack: RealParts, address: str) -> None:
    """The pages are not in the description of the API, from which other odd requests are made."""
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        for odd in ODD_TEXTS:
            said = quote(odd.encode("utf-8", "surrogatepass"), safe="")
            answer = await site.client.get(address.replace("{}", said))

            assert answer.status_code in {200, 400, 404}, f"{odd!r}: {answer.text[:300]}"
            is_page = answer.headers["content-type"].startswith("text/html")
            assert is_page or answer.headers["content-type"] == "application/problem+json"
            assert odd == "" or f"<p>{odd}" not in answer.text


async def test_what_is_not_there_is_said(stack: RealParts) -> None:
    async with a_site(stack) as site:
        assert "Hier is niets" in (await site.get("/", 404)).words

        site.partnership.deliver(BRON)
        await site.partnership.cut()
        for path in ("/programmes/another", f"{PAGE}?year=1999-2000", "/figures/nothing/1"):
            assert "There is nothing here" in (await site.get(f"{path}{'&' if '?' in path else '?'}lang=en", 404)).words
        assert (await site.client.get("/?lang=fy")).status_code == 400
        assert (await site.client.get("/programmes/NOT%20A%20SLUG")).status_code == 400


async def test_while_a_loss_is_made_good_that_is_said(stack: RealParts) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        await site.partnership.db.execute("TRUNCATE cuts")
        site.app.state.service.health.trouble("projection", "rebuilding", blocks=True)

        said = "The figures are being restored after a loss. This takes minutes; read this page again then."
        assert said in (await site.get("/?lang=en", 503)).words
        await site.partnership.db.execute("TRUNCATE newest")  # before what was published is there again
        for path in ("/", PAGE, f"/figures/{key('replaced-share', 'city')}"):
            assert said in (await site.get(f"{path}?lang=en", 503)).words


async def test_a_figure_that_was_published_often_is_shown_with_its_newest_values(stack: RealParts) -> None:
    """Red: the first fifty were called the newest."""
    async with a_site(stack) as site:
        for _ in range(3):
            site.partnership.deliver(BRON)
            await site.partnership.cut()
        city = key("replaced-share", "city")
        columns = "key, cut_id * 1000 + n, version, epoch, known_at + n * interval '1 s', digest"
        last = "data::jsonb || jsonb_build_object('knownAt', (2000 + n) || '-01-01T00:00:00.000Z')"
        many = f"SELECT {columns}, ({last})::text FROM figures, generate_series(1, 300) AS n WHERE key = '{city}'"
        await site.partnership.db.execute(f"INSERT INTO figures {many}")

        words = " ".join((await site.get(f"/figures/{city}?lang=en")).words)

        assert "History, newest first (903 values)" in words
        assert "2300-01-01T00:00:00.000Z" in words


async def test_what_could_not_be_computed_is_said_on_the_page(stack: RealParts) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        said = "what cannot be computed now, in all programmes"

        async def findings() -> list[str]:
            words = (await site.get("/?lang=en")).words
            return [each for each in words[words.index(said) + 1 :] if each][:1]

        assert await findings() == ["nothing"]
        await site.partnership.db.execute("INSERT INTO stuck_things VALUES ('activity:1', 'KeyError at x', now())")
        of_a_site = ("reach", PROGRAMMES[0], f"site:{BRON}", "all", "2025-2026", "ValueError at y", datetime.now(UTC))
        await site.partnership.db.execute("INSERT INTO stuck VALUES ($1, $2, $3, $4, $5, $6, $7)", *of_a_site)
        assert await findings() == ["2"]
        assert "/uncounted?lang=en" in (await site.get("/?lang=en")).links
        everything = " ".join((await site.get("/uncounted?lang=en", headers=OPERATOR)).words)
        assert f"reach, {PROGRAMMES[0]}, {BRON}, 2025-2026" in everything
        assert "activity 1" in everything
        assert "KeyError at x" in everything
        for nobody in ({}, {"Samenspel-Actor": f"role=coordinator; organisation={LINDE}; actor=a1"}):
            words = (await site.get("/uncounted?lang=en", headers=nobody)).words
            assert "There is nothing that you may see of it." in words


async def test_a_page_says_how_old_it_is_and_whether_it_is_behind(stack: RealParts) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        db, service = site.partnership.db, site.app.state.service

        async def said() -> str:
            return (await site.get("/?lang=en")).known

        assert "ago" not in await said()
        await db.execute("UPDATE cuts SET known_at = known_at - interval '1 hour'")
        assert (await said()).endswith("That is 1 hour ago.")
        await db.execute("UPDATE cuts SET known_at = known_at - interval '2 hours'; UPDATE backlog SET events = 12000")
        assert (await said()).endswith(
            "That is 3 hours ago. About 12,000 messages that came in since are not counted yet."
        )
        service.health.trouble("projection", "interrupted")
        assert "At the moment nothing new is counted." in await said()


async def test_right_after_the_start_a_page_says_that_and_not_that_nothing_is_counted(stack: RealParts) -> None:
    async with a_site(stack) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        health = site.app.state.service.health
        del health.parts["projection"]
        health.expect("projection")

        starting = (await site.get("/?lang=en")).known
        health.tick("projection")
        working = (await site.get("/?lang=en")).known

        assert starting.endswith("The service has just started: counting goes on in a moment.")
        assert working.endswith(").")


async def test_while_they_are_computed_anew_the_figures_before_are_shown_and_that_is_said(stack: RealParts) -> None:
    async with a_site(stack) as site:
        db, rebuild_id, asked_at = site.partnership.db, uuid4(), datetime(2026, 8, 1, 12, tzinfo=UTC)
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        said = "These figures are being computed anew since 1 Aug 2026, 14:00:00"

        await rebuild_store.request_rebuild(db, rebuild_id, "asked", asked_at)
        during = await site.get("/?lang=en")
        await rebuild_store.finish_rebuild(db, rebuild_id, {}, asked_at)
        after = await site.get("/?lang=en")

        assert said in during.known
        assert [link for link in during.links if link.startswith("/figures/")]
        assert said not in after.known


async def test_without_a_programme_file_it_has_its_own_name_and_no_target(stack: RealParts, tmp_path: Path) -> None:
    async with a_site(stack, programmes=tmp_path) as site:
        site.partnership.deliver(BRON)
        await site.partnership.cut()

        words = (await site.get("/?lang=en")).words

        assert any(word.startswith(f"{PROGRAMMES[0]} · ") for word in words)
        assert "Nothing was agreed that this could be measured by." in words
