"""The figures behind a page, to take away: the export of `GET /v1/figures/export.csv`, for people."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from contracts.values import Instant, Slug
from services.chassis.http.parameters import ReadPool
from services.reporting import exports
from services.reporting.exports import Export, MetadataResponse, Point
from services.reporting.page.asking import Lang, Year, language_of, own_of
from words.language import Language

downloads = APIRouter(include_in_schema=False)
FIGURES = "/programmes/{programme}/figures"
_PERIODS = """
SELECT DISTINCT period FROM newest
WHERE programme = $1 AND unit = 'city' AND ($2::text IS NULL OR period = $2 OR period LIKE '____-__-__')
"""


async def _behind(
    request: Request,
    db: ReadPool,
    programme: Annotated[Slug, Path()],
    lang: Lang = None,
    year: Year = None,
    known_at: Annotated[Instant | None, Query(alias="knownAt")] = None,
) -> Export:
    """What a page shows is in it: figures of its year, and of the days on which something stands. In Dutch it is as
    Dutch spreadsheets expect it."""
    language = language_of(request, lang)
    periods = [row["period"] for row in await db.fetch(_PERIODS, programme, year)]
    cut, own = await exports.cut_at(db, known_at), await own_of(request, db)
    decimal = Point.COMMA if language is Language.NL else Point.POINT
    return Export({"programme": programme, "period": periods}, own, cut, language, decimal)


Behind = Annotated[Export, Depends(_behind)]


@downloads.get(f"{FIGURES}.csv")
async def export_as_csv(request: Request, db: ReadPool, behind: Behind) -> StreamingResponse:
    query = urlencode([each for each in request.query_params.multi_items() if each[0] != "knownAt"])
    return exports.csv_answer(db, behind, f"{request.url.path}-metadata.json{query and f'?{query}'}")


@downloads.get(f"{FIGURES}.csv-metadata.json")
async def describe_export(behind: Behind) -> MetadataResponse:
    return exports.metadata_answer(behind)


@downloads.get(f"{FIGURES}.json")
async def export_as_json(db: ReadPool, behind: Behind) -> StreamingResponse:
    return exports.json_answer(db, behind)
