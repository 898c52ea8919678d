"""What somebody asks a page for: who reads it, in which language, of which year."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Query, Request

from contracts.values import calendar_day
from services.chassis.http.identity import HEADER, UnknownCaller, identify
from services.chassis.http.parameters import ReadPool, Text
from services.chassis.now import now
from services.chassis.running.database import Reader
from services.chassis.running.service import Service
from services.reporting.who_sees import Own, own_units
from words.language import Language

Lang = Annotated[Language | None, Query()]
Year = Annotated[Text | None, Query()]


def language_of(request: Request, asked: Language | None) -> Language:
    """As asked; else the one that the browser prefers, Dutch where it says neither."""
    if asked is not None:
        return asked
    accepted = sorted(_accepted(request.headers.get("Accept-Language", "")), key=lambda each: -each[1])
    return next((language for language, quality in accepted if quality > 0), Language.NL)


def _accepted(header: str) -> Iterator[tuple[Language, float]]:
    """Our languages among those of RFC 9110 (12.5.4), in its order: `en-GB;q=0.9` is English."""
    for each in header.split(","):
        name, _, quality = each.partition(";")
        code = name.strip().partition("-")[0].lower()
        if code in {*Language}:
            yield Language(code), _quality(quality)


def _quality(said: str) -> float:
    name, _, number = said.strip().partition("=")
    try:
        return float(number) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0


async def own_of(request: Request, db: Reader) -> Own:
    """The units of one organisation that this reader may see. Raises `UnknownCaller` where nobody can be known."""
    service: Service = request.app.state.service
    if HEADER in request.headers:
        return await own_units(db, identify(request, service.settings).actor, calendar_day(now()))
    if not service.settings.development_identity:
        raise UnknownCaller
    return []


async def _reader(request: Request, db: ReadPool) -> None:
    await own_of(request, db)


FOR_READERS = [Depends(_reader)]
