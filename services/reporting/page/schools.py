"""Which schools are short of what was agreed, for those who may know: what each is missing, and who can supply it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from fastapi import Path, Request
from fastapi.responses import HTMLResponse

from contracts.values import Slug, calendar_day
from services.chassis.http.parameters import ReadPool
from services.chassis.now import now
from services.chassis.running.database import Connection
from services.reporting import fact_store, short
from services.reporting.page.agreed import Target, agreed_for
from services.reporting.page.answers import html, nothing, page_routes
from services.reporting.page.asking import Lang, Year, language_of, own_of
from services.reporting.page.board import Both, NewestFigures, adoption_at
from services.reporting.page.making import figures_of_city, link_in, render, texts_in
from services.reporting.short import Reach, School
from services.reporting.who_sees import Own
from words.figures import period_of
from words.language import in_line

schools = page_routes()
MAX_ROWS = 500  # of a list: a country has thousands, and its cities read their own


class Missing(NamedTuple):
    """What is missing, and who can supply it."""

    what: str
    who: str


class Row(NamedTuple):
    name: str
    key: str
    """Of the school's own figure."""
    missing: Sequence[Missing]


@dataclass(frozen=True, slots=True)
class Listed:
    """The schools that are short of one target."""

    title: str
    rows: Sequence[Row]
    count: int
    """All of them, where the rows are the first alone."""


@schools.get("/programmes/{programme}/schools")
async def show_schools(
    request: Request, programme: Annotated[Slug, Path()], db: ReadPool, lang: Lang = None, year: Year = None
) -> HTMLResponse:
    texts = texts_in(language_of(request, lang))
    agreed = agreed_for(request.app.state.service.settings.programmes, programme, texts.words.language)
    async with db.acquire() as reading, reading.transaction(isolation="repeatable_read", readonly=True):
        own = await own_of(request, reading)
        figures = await figures_of_city(reading, programme)
        years = figures.years()
        if not years or (year is not None and year not in years):
            return nothing(request, texts)
        about = _About(programme, year or years[0], own, figures, texts)
        # Who sees no school has no list to be made.
        listed = [] if own == [] else [each async for each in _listed(reading, about, agreed.targets)]
    if own == []:
        note = texts.page.say("schools.hidden")
    elif not agreed.targets:
        note = texts.page.say("target.none")
    else:
        note = texts.page.say("schools.all") if own is None else texts.page.say("schools.own")
    here = {"programme": programme, "year": about.year, "link": link_in(texts)}
    shown = {"title": f"{agreed.title} · {texts.page.say('schools.title')}", "note": note, "listed": listed}
    return html(render("schools.html", texts, **shown, **here))


class _About(NamedTuple):
    programme: str
    year: str
    own: Own
    figures: NewestFigures
    texts: Both


async def _listed(db: Connection, about: _About, targets: Sequence[Target]) -> Any:  # noqa: ANN401 - an async generator
    for target in targets:
        if target.indicator in short.READINGS:
            yield await _of_adoption(db, about, target)
        elif target.indicator.startswith("reach-"):
            yield await _of_reach(db, about, target)


async def _of_adoption(db: Connection, about: _About, target: Target) -> Listed:
    texts, indicator = about.texts, target.indicator
    told = adoption_at(about.figures, about.year, calendar_day(now()), indicator)
    if not told:
        return Listed(_title(target, texts), (), 0)
    at = told[-1]
    found = await short.of_adoption(db, about.programme, indicator, at["period"], about.own)
    names = await fact_store.site_names(db, [each.site_id for each in found[:MAX_ROWS]])
    rows = [
        Row(_name(each.site_id, names), _key(at, each.site_id), [*_to_adoption(each, indicator, texts)])
        for each in found[:MAX_ROWS]
    ]
    title = texts.page.say("schools.adoption", target=_title(target, texts), day=period_of(at["period"], texts.words))
    return Listed(title, sorted(rows), len(found))


async def _of_reach(db: Connection, about: _About, target: Target) -> Listed:
    texts = about.texts
    city = about.figures.one(target.indicator, about.year)
    found = await short.of_reach(
        db, about.programme, target.indicator, about.year, target.site_kinds, target.value, about.own
    )
    names = await fact_store.site_names(db, [each.site_id for each in found[:MAX_ROWS]])
    rows = [
        Row(_name(each.site_id, names), _key(city, each.site_id), [*_to_reach(each, texts)])
        for each in found[:MAX_ROWS]
        if city is not None
    ]
    return Listed(
        texts.page.say("schools.reach", target=_title(target, texts), year=about.year), sorted(rows), len(found)
    )


def _title(target: Target, texts: Both) -> str:
    return texts.page.say("schools.target", share=texts.words.percent(target.value), day=texts.words.day(target.due_on))


def _name(site_id: str, names: Mapping[str, str]) -> str:
    return in_line(names.get(site_id, site_id))


def _key(city: Mapping[str, Any], site_id: str) -> str:
    return str(city["key"]).replace("/city/", f"/site:{site_id}/")


def _to_adoption(school: School, indicator: str, texts: Both) -> Iterator[Missing]:
    if indicator == "adoption-declared":
        yield Missing(texts.page.say("missing.declaration"), texts.page.say("who.school"))
        return
    if school.unconfirmed:
        yield Missing(texts.page.say("missing.confirmation", count=school.unconfirmed), texts.page.say("who.school"))
    if school.unclassified:
        yield Missing(texts.page.say("missing.substitution", count=school.unclassified), texts.page.say("who.partner"))
    if school.is_loose:
        yield Missing(texts.page.say("missing.joint"), texts.page.say("who.care"))
    elif not school.unconfirmed and not school.unclassified:
        yield Missing(texts.page.say("missing.activity"), texts.page.say("who.request"))


def _to_reach(school: Reach, texts: Both) -> Iterator[Missing]:
    yield Missing(texts.page.say("missing.children", count=school.gap), texts.page.say("who.partner-and-school"))
    if school.is_undecided:
        yield Missing(
            texts.page.say("missing.groups", count=school.to_confirm), texts.page.say("who.partner-and-school")
        )
