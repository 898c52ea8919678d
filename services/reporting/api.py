"""HTTP: figures, what is behind them, and rebuilds."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from contracts.metrics import MetricPublished
from contracts.values import Count, Instant, Slug, Value, Visible, calendar_day
from services.chassis.commands import Command, Commands, Done, NoBody
from services.chassis.http.identity import Caller
from services.chassis.http.parameters import CurrentCaller, NextCursor, ReadPool, ShortText, Text, TopicName
from services.chassis.http.queries import query_routes
from services.chassis.life_cycle import check_operator
from services.chassis.messaging import outbox
from services.chassis.problems import NotFound, RuleSaysNo, WrongField
from services.chassis.running.database import CommandTx, Reader
from services.reporting import exports, fact_store, figure_store, rebuild_store, short
from services.reporting.exports import LICENCE, Export, MetadataResponse, Point
from services.reporting.rebuild import newest_vector
from services.reporting.sources import CURSOR, Source, first_sources, key_in, partner_names, site_names
from services.reporting.who_sees import Own, own_units, sees
from words.language import Language

commands = Commands()
queries = query_routes()

MAX_PAGE = 1_000
MAX_EXPORT = 10_000_000  # figures; ten years of a country's schools have fewer
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
SourceCursor = Annotated[str, Query(max_length=500, pattern=f"^{CURSOR.pattern}$")]
"""The key of the last event of the page before."""
CutId = Annotated[int, Query(ge=0, le=2**53)]
Licence = Annotated[str, Field(max_length=500, pattern=r"^https?://[!-~]+$")]
"""The address of the licence under which an export is shared."""
Key = Annotated[Text, Path()]
"""A figure's key."""


class NoSuchFigure(NotFound):
    """No figure with this key was published."""


class RebuildUnderWay(RuleSaysNo):
    """A rebuild was asked for that has not finished yet: wait for it."""


class NoSuchRebuild(NotFound):
    """There is no such rebuild."""


class FigurePage(Value):
    """A page of figures, each as `MetricPublished` or `MetricRestated` says it."""

    items: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


class SourceView(Value):
    """One event behind a figure."""

    counts_for: Visible
    """The thing for which it counts, such as `site:duo:16NV00` or `request:01…`; for the figure's definition itself. An
    activity with two groups counts for both, and stands here twice."""

    event_id: ShortText
    type: ShortText
    subject: ShortText
    topic: TopicName
    partition: int
    offset: int
    incarnation: int = 1
    """Of the topic: one more each time that it was made again."""
    data: dict[str, Any]


class UnconfirmedView(Value):
    """What schools that are not counted did not confirm; nothing is said where they are too many to look at each."""

    activities: Count | None = None
    """Activities that replace."""
    schools: Count | None = None


class SourcePage(Value):
    """A page of the events behind a figure: its definition, then by what they count for, topic, partition and offset.
    A caller that does not see all finds what counts for its own sites."""

    figure: dict[str, Any]
    site_names: dict[str, ShortText]
    """What the sites are called that the figure and these events name, by their ids."""
    partner_names: dict[str, ShortText]
    """What the partners are called that these events name, by their ids."""
    items: Annotated[tuple[SourceView, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None
    unconfirmed: UnconfirmedView | None = None
    """Of adoption as activities show it: what could still decide it."""


class HistoryPage(Value):
    """A page of everything ever published of one figure, oldest first. One that was restated has `causeTypes` too: by
    how many corrections, retractions and changed records, by the name of the event."""

    items: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


class RebuildView(Value):
    """A rebuild and what came of it."""

    rebuild_id: UUID
    cause: Literal["asked", "loss"]
    requested_at: datetime
    finished_at: datetime | None = None
    outcome: dict[str, Any] | None = None


class RebuildPage(Value):
    """Rebuilds, newest first."""

    items: Annotated[tuple[RebuildView, ...], Field(max_length=MAX_PAGE)]


async def _own(db: Reader, caller: Caller) -> Own:
    return await own_units(db, caller.actor, calendar_day(caller.now))


async def _figure(db: Reader, key: str, own: Own) -> dict[str, Any]:
    """The figure as it was last published; raises `NoSuchFigure` also where the caller does not see it."""
    figure = await figure_store.last_published(db, key)
    if figure is None or not sees(own, figure["unit"]):
        raise NoSuchFigure(None, WrongField("key", key, MetricPublished.model_fields["key"].description))
    return figure


@queries.get("/v1/figures", tags=["figures"])
async def list_figures(
    db: ReadPool,
    caller: CurrentCaller,
    indicator: Slug | None = None,
    programme: Slug | None = None,
    unit: Text | None = None,
    stratum: Text | None = None,
    period: Text | None = None,
    known_at: Annotated[Instant | None, Query(alias="knownAt")] = None,
    cursor: Text | None = None,
    limit: Limit = 200,
) -> FigurePage:
    """The newest figures that the caller sees; with `knownAt` exactly what was published then."""
    asked = {"indicator": indicator, "programme": programme, "unit": unit, "stratum": stratum, "period": period}
    found = await figure_store.figure_page(
        db,
        where={name: value for name, value in asked.items() if value is not None},
        known_at=known_at,
        own=await _own(db, caller),
        after=cursor,
        limit=limit + 1,
    )
    next_cursor = found[limit - 1]["key"] if len(found) > limit else None
    return FigurePage(items=tuple(found[:limit]), next_cursor=next_cursor)


async def _export(
    db: ReadPool,
    caller: CurrentCaller,
    indicator: Slug | None = None,
    programme: Slug | None = None,
    unit: Text | None = None,
    stratum: Text | None = None,
    period: Text | None = None,
    known_at: Annotated[Instant | None, Query(alias="knownAt")] = None,
    language: Annotated[Language | None, Query()] = None,
    decimal: Annotated[Point, Query()] = Point.POINT,
    licence: Annotated[Licence, Query()] = LICENCE,
) -> Export:
    """`language`: titles and codes in words; `decimal` comma: as Dutch spreadsheets expect, with semicolons between
    columns."""
    asked = {"indicator": indicator, "programme": programme, "unit": unit, "stratum": stratum, "period": period}
    where = {name: value for name, value in asked.items() if value is not None}
    cut, own = await exports.cut_at(db, known_at), await _own(db, caller)
    return Export(where, own, cut, language, decimal, licence)


AskedExport = Annotated[Export, Depends(_export)]
_AS_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


class ExportedCut(Value):
    """The cut that an export is of; it names each figure's own cut too, in which that became what it is here."""

    cut_id: CutId
    known_at: Instant


class ExportedFigures(Value):
    """The newest figures at one cut that the caller sees, with every version of every definition."""

    licence: ShortText
    cut: ExportedCut | None = None
    """None before the first one."""
    definitions: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_PAGE)]
    figures: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_EXPORT)]


@queries.get("/v1/figures/export.csv", tags=["figures"], response_class=StreamingResponse, responses=_AS_CSV)
async def export_figures_as_csv(request: Request, db: ReadPool, asked: AskedExport) -> StreamingResponse:
    """The newest figures at one cut, as CSV: as many as there are. `Link` says where its metadata (CSVW) are."""
    query = urlencode([each for each in request.query_params.multi_items() if each[0] != "knownAt"])
    return exports.csv_answer(db, asked, f"/v1/figures/export.csv-metadata.json{query and f'?{query}'}")


@queries.get("/v1/figures/export.csv-metadata.json", tags=["figures"], response_class=MetadataResponse)
async def describe_exported_figures(asked: AskedExport) -> MetadataResponse:
    """What the columns of an export mean, as CSV on the Web (W3C) describes tables; asked as the export was."""
    return exports.metadata_answer(asked)


@queries.get("/v1/figures/export.json", tags=["figures"], response_model=ExportedFigures)
async def export_figures_as_json(db: ReadPool, asked: AskedExport) -> StreamingResponse:
    """The newest figures at one cut, as JSON: as many as there are."""
    return exports.json_answer(db, asked)


class IndicatorPage(Value):
    """What figures mean: each definition as `IndicatorDefined` says it."""

    items: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_PAGE)]


@queries.get("/v1/indicators", tags=["figures"])
async def list_indicators(db: ReadPool, _: CurrentCaller) -> IndicatorPage:
    """Every version of every definition, by indicator, with its labels and its formula."""
    return IndicatorPage(items=tuple(await fact_store.definition_events(db)))


@queries.get("/v1/figures/{key:path}/sources", tags=["figures"])
async def show_sources(
    key: Key, db: ReadPool, caller: CurrentCaller, cursor: SourceCursor | None = None, limit: Limit = 100
) -> SourcePage:
    """The events behind a figure, as far as the newest cut knew them."""
    async with db.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        own = await _own(tx, caller)
        figure = await _figure(tx, key, own)
        below, after = await newest_vector(tx), key_in(cursor)
        found = await first_sources(tx, key, own=own, below=below, after=after, most=limit + 1)
        names = await site_names(tx, figure["unit"], found[:limit])
        partners = await partner_names(tx, found[:limit])
        missing = await short.unconfirmed(tx, figure)
    more = found[limit - 1].key.cursor if len(found) > limit else None
    items = tuple(map(_shown, found[:limit]))
    unconfirmed = UnconfirmedView(**missing._asdict()) if missing else None
    named = {"site_names": names, "partner_names": partners}
    return SourcePage(figure=figure, **named, items=items, next_cursor=more, unconfirmed=unconfirmed)


def _shown(source: Source) -> SourceView:
    fact = source.fact
    return SourceView(
        counts_for=source.key.counts_for,
        event_id=fact.event_id,
        type=fact.name,
        subject=fact.entity.partition(":")[2],
        topic=fact.topic,
        partition=fact.partition,
        offset=fact.offset,
        incarnation=fact.incarnation,
        data=json.loads(fact.data),
    )


@queries.get("/v1/figures/{key:path}/history", tags=["figures"])
async def show_history(
    key: Key, db: ReadPool, caller: CurrentCaller, cursor: CutId = 0, limit: Limit = 1_000
) -> HistoryPage:
    """Every value ever published of a figure, and why it changed."""
    await _figure(db, key, await _own(db, caller))
    found = await figure_store.history(db, key, after=cursor, limit=limit + 1)
    next_cursor = str(found[limit - 1]["cutId"]) if len(found) > limit else None
    return HistoryPage(items=tuple(found[:limit]), next_cursor=next_cursor)


class StuckCell(Value):
    """Where a figure cannot be computed or announced."""

    family: ShortText
    programme: ShortText
    unit: ShortText
    stratum: ShortText
    period: ShortText
    reason: ShortText
    since: Instant


class StuckThing(Value):
    """A site, group, request, referral, activity or indicator that cannot be made of its facts: no figure has it."""

    entity: ShortText
    reason: ShortText
    since: Instant


class StuckPage(Value):
    """The first of the cells with a figure that cannot be announced, and of the things that cannot be made of their
    facts, the oldest first. Things are told of to those who see every figure."""

    items: Annotated[tuple[StuckCell, ...], Field(max_length=MAX_PAGE)]
    things: Annotated[tuple[StuckThing, ...], Field(max_length=MAX_PAGE)] = ()


@queries.get("/v1/stuck-figures", tags=["figures"])
async def list_stuck_figures(db: ReadPool, caller: CurrentCaller, limit: Limit = 200) -> StuckPage:
    """Figures that could not be computed or announced while all others went on, as far as the caller sees them. Each
    is tried again with every cut. A thing is tried again with its next event, and when the service starts."""
    own = await _own(db, caller)
    cells = await fact_store.stuck(db, own, limit)
    things = await fact_store.stuck_things(db, own, limit)
    return StuckPage(
        items=tuple(StuckCell(**each) for each in cells), things=tuple(StuckThing(**each) for each in things)
    )


async def _ask_for_rebuild(tx: CommandTx, _: None, __: NoBody) -> Done:
    check_operator("ask for a rebuild", tx.by)
    rebuild_id = outbox.new_id()
    if not await rebuild_store.request_rebuild(tx.db, rebuild_id, "asked", tx.now):
        waiting = await rebuild_store.unfinished_rebuild(tx.db, "asked")
        its_id = str(waiting.rebuild_id) if waiting else ""
        raise RebuildUnderWay(None, WrongField("rebuildId", its_id, "GET /v1/rebuilds/{rebuildId} tells of it"))
    return Done(str(rebuild_id), None, RebuildView(rebuild_id=rebuild_id, cause="asked", requested_at=tx.now))


commands.add(
    Command(
        name="askForRebuild",
        about="Build everything anew from the topics, beside the live tables; compare; swap when equal.",
        kind="rebuild",
        collection="rebuilds",
        status=202,
        body=NoBody,
        example={},
        view=RebuildView,
        run=_ask_for_rebuild,
    )
)


@queries.get("/v1/rebuilds/{rebuildId}", tags=["rebuilds"], responses={403: {}})
async def show_rebuild(
    rebuild_id: Annotated[UUID, Path(alias="rebuildId")], db: ReadPool, caller: CurrentCaller
) -> RebuildView:
    """A rebuild and what came of it; for operators, because a difference names figures of schools."""
    check_operator("read about rebuilds", caller.actor)
    found = await rebuild_store.rebuilds(db, rebuild_id)
    if not found:
        raise NoSuchRebuild(None, WrongField("rebuildId", str(rebuild_id), "a rebuild that was asked for"))
    return RebuildView.model_validate(found[0])


@queries.get("/v1/rebuilds", tags=["rebuilds"], responses={403: {}})
async def list_rebuilds(db: ReadPool, caller: CurrentCaller) -> RebuildPage:
    """The newest rebuilds: asked for by an operator, or done after the tables were lost; for operators."""
    check_operator("read about rebuilds", caller.actor)
    found = await rebuild_store.rebuilds(db)
    return RebuildPage(items=tuple(RebuildView.model_validate(each) for each in found))
