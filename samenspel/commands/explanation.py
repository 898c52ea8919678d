"""A figure explained in text: sentence, definition, parts, events, history, and what is missing. Pure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from samenspel.language import Language

WIDTH = 80
NEWEST = 12  # values of its history; --json has them all
Said = Mapping[str, Any]

_TEXTS = {
    "definition": ("Definition", "Definitie"),
    "formula": ("formula", "formule"),
    "function": (
        "function {function}, version {version}, defined at {at} ({source})",
        "functie {function}, versie {version}, vastgesteld op {at} ({source})",
    ),
    "parts": ("Numerator and denominator", "Teller en noemer"),
    "numerator": ("numerator    {numerator}", "teller       {numerator}"),
    "denominator": ("denominator  {denominator}: {source}, on {day}", "noemer       {denominator}: {source}, op {day}"),
    "known": ("known at     {at}, cut {cut}, {status}", "bekend op    {at}, doorsnede {cut}, {status}"),
    "events": (
        "Events behind it, {first}\N{EN DASH}{last} of {total}",
        "Berichten erachter, {first}\N{EN DASH}{last} van {total}",
    ),
    "next": ("more: --cursor {cursor}", "meer: --cursor {cursor}"),
    "history": ("History, newest first ({number} values)", "Geschiedenis, nieuwste eerst ({number} waarden)"),
    "because": ("restated, {number} causes", "herzien, {number} oorzaken"),
    "missing": ("Missing", "Wat ontbreekt"),
    "to_confirm": (
        "{number} groups are not counted exactly: their partners and schools can supply the numbers.",
        "{number} groepen zijn niet precies geteld: hun partners en scholen kunnen de aantallen geven.",
    ),
    "nothing": ("Nothing: every part of it is known.", "Niets: elk deel ervan is bekend."),
    "none": ("There is nothing to divide by.", "Er is niets om door te delen."),
    "share": (
        "{label}, {where}, {period}: {value} % ({numerator} of {denominator}).",
        "{label}, {where}, {period}: {value} % ({numerator} van {denominator}).",
    ),
    "children": (
        "{label}, {where}, {period}: {value} of {denominator} children.",
        "{label}, {where}, {period}: {value} van {denominator} kinderen.",
    ),
    "days": (
        "{label}, {where}, {period}: {value} days, over {denominator} requests.",
        "{label}, {where}, {period}: {value} dagen, over {denominator} vragen.",
    ),
}


def _say(language: Language, name: str, **parts: object) -> str:
    return _TEXTS[name][language is Language.NL].format(**parts)


def explanation(page: Said, definition: Said, history: Sequence[Said], cursor: int, language: Language) -> list[str]:
    """The lines."""
    figure = page["figure"]
    parts = (
        _wrapped(sentence(figure, definition, language)),
        _definition(definition, language),
        _parts(figure, language),
        _missing(figure, language),
        _events(page, cursor, language),
        _history(history, language),
    )
    return [line for part in parts for line in (*part, "")]


def sentence(figure: Said, definition: Said, language: Language) -> str:
    """The figure in words."""
    label = definition.get("label", {}).get(language, figure["indicator"])
    where = figure["unit"] if figure["stratum"] == "all" else f"{figure['unit']}, {figure['stratum']}"
    if figure.get("verdict") == "no_denominator":
        return f"{label}, {where}, {figure['period']}: {_say(language, 'none')}"
    return _say(
        language,
        figure["measure"] if figure["measure"] in _TEXTS else "share",
        label=label,
        where=where,
        period=figure["period"],
        value=value_of(figure),
        numerator=figure.get("numerator"),
        denominator=denominator_of(figure),
    )


def value_of(figure: Said) -> str:
    """The value as people write it: percents, children or days; bounds where only these are known."""
    factor = 100 if figure["measure"] == "share" else 1
    told = [figure[name] for name in ("value",) if figure.get(name)] or [figure[name] for name in ("lower", "upper")]
    numbers = [f"{round(factor * float(each), 1):g}" for each in told if each is not None]
    return "\N{EN DASH}".join(dict.fromkeys(numbers))


def denominator_of(figure: Said) -> str:
    """One number, or from and to."""
    of = figure.get("denominator") or {"lower": 0, "upper": 0}
    return "\N{EN DASH}".join(dict.fromkeys((str(of["lower"]), str(of["upper"]))))


def _definition(definition: Said, language: Language) -> Iterator[str]:
    if not definition:
        return
    yield _say(language, "definition")
    yield from _wrapped(definition["explanation"][language], "  ")
    yield from _wrapped(f"{_say(language, 'formula')}: {definition['formula']}", "  ")
    yield from _wrapped(
        _say(
            language,
            "function",
            function=definition["function"],
            version=definition["definitionVersion"],
            at=definition["definedAt"],
            source=definition["source"],
        ),
        "  ",
    )


def _parts(figure: Said, language: Language) -> Iterator[str]:
    yield _say(language, "parts")
    if figure.get("numerator") is not None:
        yield "  " + _say(language, "numerator", numerator=figure["numerator"])
    if figure.get("denominator"):
        of = figure["denominator"]
        yield from _wrapped(
            _say(
                language,
                "denominator",
                denominator=denominator_of(figure),
                source=of["source"],
                day=of["referenceDate"],
            ),
            "  ",
        )
    yield "  " + _say(language, "known", at=figure["knownAt"], cut=figure["cutId"], status=figure["status"])


def _missing(figure: Said, language: Language) -> Iterator[str]:
    yield _say(language, "missing")
    number = figure.get("toConfirm")
    yield from _wrapped(_say(language, "to_confirm", number=number) if number else _say(language, "nothing"), "  ")


def _events(page: Said, cursor: int, language: Language) -> Iterator[str]:
    items = page["items"]
    yield _say(language, "events", first=cursor + 1 if items else 0, last=cursor + len(items), total=page["total"])
    for item in items:
        yield f"  {item['type'].removeprefix('nl.samenspel.'):<20} {item['subject']}"
        yield f"    {item['eventId']}  {item['topic']}/{item['partition']}/{item['offset']}"
    if page.get("nextCursor"):
        yield "  " + _say(language, "next", cursor=page["nextCursor"])


def _history(history: Sequence[Said], language: Language) -> Iterator[str]:
    yield _say(language, "history", number=len(history))
    for figure in list(reversed(history))[:NEWEST]:
        why = _say(language, "because", number=figure["causeCount"]) if "causeCount" in figure else ""
        value = figure.get("verdict") or f"{value_of(figure)} / {denominator_of(figure)}"
        yield f"  {figure['knownAt']}  {value:<18} {why}".rstrip()


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
