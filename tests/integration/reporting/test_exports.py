"""An export, as somebody takes it: of one cut whatever is counted meanwhile, with what its caller sees and no more."""

import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from contracts.activities import ActivityRetracted
from local import RealParts
from services.reporting import api, exports
from tests.integration.reporting.test_cuts import BRON, LINDE, key
from tests.integration.reporting.test_page import COORDINATOR, PAGE, Site, a_site
from tests.scenarios import OTHER

OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:city; actor=a1"}
CONSULTANT = {"Samenspel-Actor": "role=consultant; organisation=own:babel; actor=a1"}
CSV, JSON = "/v1/figures/export.csv", "/v1/figures/export.json"


@asynccontextmanager
async def an_api(stack: RealParts) -> AsyncIterator[Site]:
    """The pages and the API, after a first delivery."""
    async with a_site(stack) as site:
        site.app.include_router(api.queries)
        site.partnership.deliver(BRON)
        await site.partnership.cut()
        yield site


async def rows(site: Site, path: str, headers: dict[str, str] = OPERATOR) -> list[dict[str, str]]:
    answer = (await site.client.get(path, headers=headers)).raise_for_status()
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ","))


async def test_an_export_is_of_one_cut_however_much_is_counted_while_it_is_sent(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red without the cut's instant in the pages: figures of two cuts stood in one file."""
    async with an_api(stack) as site:
        monkeypatch.setattr(exports, "ROWS", 5)
        before = {each["key"]: each["value"] for each in await rows(site, CSV)}
        export = exports.Export({}, None, await exports.cut_at(site.partnership.db, None))
        lines = exports.as_json(site.partnership.db, export)
        sent = [await anext(lines) for _ in range(3)]
        site.partnership.deliver(LINDE)
        await site.partnership.cut()
        sent += [each async for each in lines]

        parsed = json.loads("".join(sent))
        assert parsed["cut"]["cutId"] == 1
        assert {each["key"]: each.get("value", "") for each in parsed["figures"]} == before
        now = await rows(site, CSV)
        assert {each["exportCutId"] for each in now} == {"2"}
        assert {each["key"]: each["value"] for each in now} != before


async def test_what_was_known_at_an_instant_is_exported_as_it_was(stack: RealParts) -> None:
    async with an_api(stack) as site:
        before = await rows(site, CSV)
        site.partnership.deliver(LINDE)
        await site.partnership.cut()

        assert await rows(site, f"{CSV}?knownAt={before[0]['exportKnownAt']}") == before
        assert await rows(site, f"{CSV}?knownAt=2001-01-01T00:00:00Z") == []


async def test_a_figure_of_which_nothing_is_left_is_exported_as_one(stack: RealParts) -> None:
    async with a_site(stack) as site:
        site.app.include_router(api.queries)
        delivered = site.partnership.deliver(BRON)
        await site.partnership.cut()
        retract(site, delivered.activity_id)
        await site.partnership.cut()

        emptied = [each for each in await rows(site, CSV) if each["emptied"] == "true"]

        assert key("replaced-share", "city") in {each["key"] for each in emptied}
        assert {each["value"] for each in emptied} == {""}


def retract(site: Site, activity_id: Any) -> None:
    said = {"activity_id": activity_id, "reason": OTHER, "retracted_at": "2026-01-05T10:00:00.000Z"}
    site.partnership.scenario.announce(ActivityRetracted.model_validate(said), key=BRON)


async def test_everybody_exports_what_they_see(stack: RealParts) -> None:
    async with an_api(stack) as site:
        site.partnership.deliver(LINDE)
        await site.partnership.cut()

        async def sites(path: str, headers: dict[str, str]) -> set[str]:
            return {each["unit"] for each in await rows(site, path, headers) if each["unit"].startswith("site:")}

        assert await sites(CSV, OPERATOR) == {f"site:{BRON}", f"site:{LINDE}"}
        assert await sites(CSV, COORDINATOR) == {f"site:{BRON}"}
        assert await sites(CSV, CONSULTANT) == set()
        assert (await site.client.get(CSV)).status_code == 401


@pytest.mark.parametrize(("language", "separator", "share"), [("nl", ";", b";0,500000;"), ("en", ",", b",0.500000,")])
async def test_a_spreadsheet_of_the_language_opens_an_export_as_it_is(
    stack: RealParts, language: str, separator: str, share: bytes
) -> None:
    """Excel takes UTF-8 by its byte-order mark, lines by CR LF, and separators and decimals as its settings say."""
    async with an_api(stack) as site:
        half = 'data::jsonb || \'{"value": "0.500000"}\''
        await site.partnership.db.execute(
            f"UPDATE figures SET data = ({half})::text WHERE key = '{key('replaced-share', 'city')}'"
        )
        link = next(each for each in (await site.get(f"{PAGE}?lang={language}")).links if ".csv" in each)

        content = (await site.client.get(link)).raise_for_status().content

    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n") > 1
    head, *lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\r\n")
    assert len(next(csv.reader([head.decode()], delimiter=separator))) == len(exports.COLUMNS)
    assert share in next(line for line in lines if line.startswith(key("replaced-share", "city").encode()))
    assert all(line.endswith(b"licenses/by/4.0/") for line in lines if line)


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_the_page_has_its_figures_to_take_away_with_a_sheet_that_describes_them(
    stack: RealParts, language: str
) -> None:
    async with an_api(stack) as site:
        page = await site.get(f"{PAGE}?lang={language}")
        link = next(each for each in page.links if ".csv" in each)

        answer = (await site.client.get(link)).raise_for_status()
        described = (await site.client.get(answer.links["describedby"]["url"])).raise_for_status().json()
        titles = [each["titles"][language] for each in described["tableSchema"]["columns"]]
        found = await rows(site, link, {})

        assert list(found[0]) == titles
        column = titles[[each["name"] for each in described["tableSchema"]["columns"]].index("key")]
        keys = {each[column] for each in found}
        shown = {unquote(urlsplit(each).path).removeprefix("/figures/") for each in page.links if "/figures/" in each}
        assert shown <= keys
        assert key("replaced-share", "city") in keys
        assert key("adoption-strict", "city", "2026-07-31") in keys
        assert not [each for each in keys if "/site:" in each]
        assert 'filename="kansen-voor-kinderen-cut-1.csv"' in answer.headers["content-disposition"]
        assert described["dialect"]["delimiter"] == {"nl": ";", "en": ","}[language]
