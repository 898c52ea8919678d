"""A figure explained: a sentence, its definition, its parts, what is missing, its events and its history. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, zip_longest
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from words.events import event_of
from words.figures import (
    Json,
    denominator_of,
    formula_of,
    is_there,
    label_of,
    part_of,
    period_of,
    source_of,
    stratum_of,
    thing_of,
    unit_of,
    value_of,
    value_or_why_not,
    why_of,
)
from words.language import Texts, wrapped

MAX_VALUES = 12  # of its history; --json has them all


class Line(NamedTuple):
    """A line of an explanation."""

    text: str
    depth: int = 1
    """How far it stands in: below what it belongs to."""


@dataclass(frozen=True, slots=True)
class Section:
    """One of the six parts of an explanation."""

    title: str
    lines: Sequence[Line]

    @property
    def entries(self) -> list[list[Line]]:
        """Its lines, each with those that belong to it."""
        entries: list[list[Line]] = []
        for line in self.lines:
            if entries and line.depth > 1:
                entries[-1].append(line)
            else:
                entries.append([line])
        return entries

    @property
    def is_list(self) -> bool:
        """Whether something belongs to one of its lines."""
        return len(self.entries) < len(self.lines)


def explanation(page: Json, definition: Json, history: Sequence[Json], texts: Texts) -> list[str]:
    """The lines for a terminal."""
    return [line for part in parts_of(page, definition, history, texts) for line in (*_printed(part), "")]


def parts_of(
    page: Json, definition: Json, history: Sequence[Json], texts: Texts, count: int | None = None
) -> list[Section]:
    """`page` is one page of the events behind the figure; `count`: how many values there are, where `history` has the
    last ones alone."""
    figure, names = page["figure"], page.get("siteNames", {})
    shown = list(reversed(history))[: MAX_VALUES if count is None else None]
    all_of_them = len(history) if count is None else count
    return [
        Section("", [Line(sentence(figure, definition, texts, names), 0)]),
        *([Section(texts.say("definition.title"), list(_definition(definition, texts)))] if definition else ()),
        Section(texts.say("parts.title"), list(_numerator_and_denominator(figure, texts))),
        Section(texts.say("missing.title"), [Line(_missing(figure, page.get("unconfirmed"), texts))]),
        Section(texts.say("events.title"), list(_events(page, names, texts))),
        Section(texts.say("history.title", count=all_of_them), list(_history(shown, all_of_them, texts))),
    ]


def _printed(part: Section) -> Iterator[str]:
    if part.title:
        yield part.title
    for line in part.lines:
        yield from wrapped(line.text, "  " * line.depth)


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
    if not is_there(figure):
        return texts.say("value.emptied") if figure.get("emptied") else texts.say("finding.no-denominator")
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


def _definition(definition: Json, texts: Texts) -> Iterator[Line]:
    yield Line(definition["explanation"][texts.language])
    yield Line(texts.say("definition.formula", formula=formula_of(definition["formula"], texts)))
    yield Line(
        texts.say(
            "definition.function",
            function=definition["function"],
            version=definition["definitionVersion"],
            moment=texts.moment(definition["definedAt"]),
            source=definition["source"],
        )
    )


def _numerator_and_denominator(figure: Json, texts: Texts) -> Iterator[Line]:
    if figure.get("numerator") is not None:
        number = texts.number(figure["numerator"])
        yield Line(texts.say("parts.numerator", numerator=number, moment=texts.moment(figure["knownAt"])))
    if denominator := figure.get("denominator"):
        number, day = denominator_of(figure, texts), texts.day(date.fromisoformat(denominator["referenceDate"]))
        yield Line(
            texts.say("parts.denominator", denominator=number, source=source_of(denominator["source"], texts), day=day)
        )
    yield Line(
        texts.say(
            "parts.known",
            instant=texts.moment(figure["knownAt"]),
            cut=figure["cutId"],
            status=texts.say(f"status.{figure['status']}"),
        )
    )


def _missing(figure: Json, unconfirmed: Json | None, texts: Texts) -> str:
    """And who can supply it."""
    if figure.get("emptied"):
        return texts.say("missing.emptied")
    if unconfirmed is not None and (said := _not_confirmed(unconfirmed, texts)):
        return said
    if groups := figure.get("toConfirm"):
        return texts.say("missing.groups", count=groups)
    if figure.get("verdict") == "no_denominator":
        return texts.say("missing.denominator")
    if figure["indicator"].startswith("unknown-share") and figure.get("numerator"):
        return texts.say("missing.substitution", count=figure["numerator"])
    return texts.say("missing.nothing")


def _not_confirmed(unconfirmed: Json, texts: Texts) -> str:
    """Nothing where all is confirmed."""
    activities = unconfirmed.get("activities")
    if activities is None:
        return texts.say("missing.by-school")
    schools = texts.number(unconfirmed["schools"])
    return texts.say("missing.confirmations", count=activities, schools=schools) if activities else ""


def _events(page: Json, names: Mapping[str, str], texts: Texts) -> Iterator[Line]:
    """By the thing for which they count."""
    for counts_for, items in groupby(page["items"], key=itemgetter("countsFor")):
        yield Line(thing_of(counts_for, names, texts))
        for item in items:
            yield Line(event_of(item, names, texts, page.get("partnerNames", {})), 2)
            yield Line(f"{item['eventId']}  {item['topic']}/{item['partition']}/{item['offset']}", 3)
    if page.get("nextCursor"):
        yield Line(texts.say("events.more", cursor=page["nextCursor"]))
    if page.get("areHidden"):
        yield Line(texts.say("events.hidden"))


def _history(newest_first: Sequence[Json], all_of_them: int, texts: Texts) -> Iterator[Line]:
    for figure, before in zip_longest(newest_first, newest_first[1:]):
        part = part_of(figure, texts) if is_there(figure) else ""
        value = value_or_why_not(figure, texts) + (f" ({part})" if part else "")
        yield Line(f"{texts.moment(figure['knownAt'])}  {value}")
        if before is not None or all_of_them == len(newest_first) or "causeCount" in figure:
            yield Line(why_of(figure, before, texts), 2)
        yield Line(figure["knownAt"], 3)  # as `--known-at` takes it
    if all_of_them > len(newest_first):
        yield Line(texts.say("history.more", count=all_of_them - len(newest_first)))
