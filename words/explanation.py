"""A figure explained: a sentence, its definition, its parts, what is missing, its events and its history. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

from words.events import event_of
from words.figures import Json, denominator_of, label_of, period_of, stratum_of, unit_of, value_of, why_of
from words.language import Texts, wrapped

MAX_VALUES = 12  # of its history; --json has them all


def explanation(page: Json, definition: Json, history: Sequence[Json], texts: Texts) -> list[str]:
    """The lines; `page` is one page of the events behind the figure."""
    figure = page["figure"]
    parts = (
        wrapped(sentence(figure, definition, texts, page.get("siteNames", {}))),
        _definition(definition, texts),
        _numerator_and_denominator(figure, texts),
        _missing(figure, texts),
        _events(page, texts),
        _history(history, texts),
    )
    return [line for part in parts for line in (*part, "")]


def sentence(figure: Json, definition: Json, texts: Texts, names: Mapping[str, str] = MappingProxyType({})) -> str:
    unit = unit_of(figure["unit"], names, texts)
    about = (
        label_of(figure, definition, texts),
        unit.lower() if figure["unit"] == "city" else unit,
        stratum_of(figure["stratum"], texts),
        period_of(figure["period"], texts),
    )
    return f"{', '.join(filter(None, about))}: {_finding(figure, texts)}."


def _finding(figure: Json, texts: Texts) -> str:
    if figure.get("verdict") == "no_denominator":
        return texts.say("finding.no-denominator")
    value, denominator = value_of(figure, texts), denominator_of(figure, texts)
    match figure["measure"]:
        case "share":
            numerator = texts.number(figure["numerator"])
            return texts.say("finding.share", value=value, numerator=numerator, denominator=denominator)
        case "children":
            return texts.say("finding.children", value=value, denominator=denominator)
        case "days" if figure["indicator"].startswith("wait-"):
            return texts.say("finding.waits", value=value, count=figure["denominator"]["upper"])
        case "days":
            return texts.say("finding.days", value=value, count=figure["denominator"]["upper"])
        case _:
            return value


def _definition(definition: Json, texts: Texts) -> Iterator[str]:
    if not definition:
        return
    function = texts.say(
        "definition.function",
        function=definition["function"],
        version=definition["definitionVersion"],
        moment=texts.moment(definition["definedAt"]),
        source=definition["source"],
    )
    formula = texts.say("definition.formula", formula=definition["formula"])
    yield texts.say("definition.title")
    for text in (definition["explanation"][texts.language], formula, function):
        yield from wrapped(text, "  ")


def _numerator_and_denominator(figure: Json, texts: Texts) -> Iterator[str]:
    yield texts.say("parts.title")
    if figure.get("numerator") is not None:
        yield "  " + texts.say("parts.numerator", numerator=texts.number(figure["numerator"]))
    if denominator := figure.get("denominator"):
        number, day = denominator_of(figure, texts), texts.day(date.fromisoformat(denominator["referenceDate"]))
        text = texts.say("parts.denominator", denominator=number, source=denominator["source"], day=day)
        yield from wrapped(text, "  ")
    yield "  " + texts.say("parts.known", instant=figure["knownAt"], cut=figure["cutId"], status=figure["status"])


def _missing(figure: Json, texts: Texts) -> Iterator[str]:
    """And who can supply it."""
    yield texts.say("missing.title")
    if groups := figure.get("toConfirm"):
        said = texts.say("missing.groups", count=groups)
    elif figure.get("verdict") == "no_denominator":
        said = texts.say("missing.denominator")
    elif figure["indicator"].startswith("unknown-share") and figure.get("numerator"):
        said = texts.say("missing.substitution", count=figure["numerator"])
    else:
        said = texts.say("missing.nothing")
    yield from wrapped(said, "  ")


def _events(page: Json, texts: Texts) -> Iterator[str]:
    """By the thing for which they count."""
    names = page.get("siteNames", {})
    yield texts.say("events.title")
    for counts_for, items in groupby(page["items"], key=itemgetter("countsFor")):
        name = names.get(counts_for.removeprefix("site:"))
        yield f"  {name} ({counts_for})" if name else f"  {counts_for}"
        for item in items:
            yield from wrapped(event_of(item, names, texts), "    ")
            yield f"      {item['eventId']}  {item['topic']}/{item['partition']}/{item['offset']}"
    if page.get("nextCursor"):
        yield "  " + texts.say("events.more", cursor=page["nextCursor"])


def _history(history: Sequence[Json], texts: Texts) -> Iterator[str]:
    yield texts.say("history.title", count=len(history))
    for figure in list(reversed(history))[:MAX_VALUES]:
        why = why_of(figure, texts)
        value = figure.get("verdict") or value_of(figure, texts)
        if "verdict" not in figure and "denominator" in figure:
            value = f"{value} / {denominator_of(figure, texts)}"
        yield f"  {figure['knownAt']}  {value:<18} {why}".rstrip()  # the instant as `--known-at` takes it
