"""What the page shows of a programme: from published figures to cards with a number, its band and a sentence. Pure.

The number comes first, its band second, the sentence third; what is not known is a word, never a zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from heapq import nsmallest
from typing import Any, NamedTuple

from services.reporting.page.agreed import Target
from services.reporting.short import Unconfirmed
from words.figures import (
    band_of,
    denominator_of,
    label_of,
    part_of,
    period_of,
    place_of,
    stratum_of,
    unit_of,
    value_or_why_not,
)
from words.language import Texts

Figure = Mapping[str, Any]
FLOW = ("raised", "assigned", "answered", "referred", "accepted", "delivered", "confirmed")
MAX_REASONS = 8  # reasons of unmet needs: the others are behind the link
MAX_BARS = 40  # neighbourhoods in one picture
PERCENT = 100
UNCOUNTED = "/uncounted"  # the page of what cannot be computed now


@dataclass(frozen=True, slots=True)
class Row:
    """A number of a card, with the key of its explanation."""

    label: str
    value: str
    part: str = ""
    key: str | None = None
    part_key: str | None = None
    """Of a part that is a figure of its own."""
    address: str | None = None
    """Of a page of its own, where the number is no figure."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How far, at least and at most, in percent."""

    label: str
    surely: float
    possibly: float
    said: str
    """The same in words."""
    key: str


@dataclass(slots=True)
class Card:
    """One question, and its answer."""

    title: str
    headline: Row | None = None
    why_not: Row | None = None
    """A word in the place of the number."""
    verdict: str = ""
    """The sentence below the number."""
    verdict_key: str | None = None
    """Of the figure whose number the sentence says."""
    has_long_labels: bool = False
    """Then what its numbers are a part of stands below the labels, and not in a column."""
    short: str = ""
    """How many are below what was agreed: there is a list of them."""
    rows: list[Row] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    note: str = ""
    """Which bars these are, where they are not all."""
    curve: list[tuple[str, float]] = field(default_factory=list)
    target: float | None = None
    alternative: str = ""
    """The picture in words."""


@dataclass(frozen=True, slots=True)
class Board:
    title: str
    period: str
    cards: Sequence[Card]


class Both(NamedTuple):
    """The words for figures, and those of the page, in one language."""

    words: Texts
    page: Texts


class Doubt(NamedTuple):
    """What can be said of how sure figures are, besides what they say themselves."""

    uncounted: int = 0
    """Figures and things that cannot be computed now, in all programmes."""
    groups: int = 0
    """Of which reach is counted."""
    to_confirm: int = 0
    """Of these groups."""
    unconfirmed: Unconfirmed | None = None
    """What schools did not confirm, and adoption does not count."""


class NewestFigures:
    """The newest figures of a programme, found by what they are about."""

    def __init__(self, found: Iterable[Figure]) -> None:
        self.by_key = {(each["indicator"], each["unit"], each["stratum"], each["period"]): each for each in found}

    def also(self, found: Iterable[Figure]) -> "NewestFigures":
        return NewestFigures([*self.by_key.values(), *found])

    def one(self, indicator: str, period: str, unit: str = "city", stratum: str = "all") -> Figure | None:
        return self.by_key.get((indicator, unit, stratum, period))

    def of(self, indicator: str, **wanted: str) -> list[Figure]:
        """All of an indicator, as `wanted` says, in the order of their keys."""
        found = [each for (name, *_), each in self.by_key.items() if name == indicator]
        return sorted(
            (each for each in found if all(each[name] == value for name, value in wanted.items())),
            key=lambda each: str(each["key"]),
        )

    def years(self) -> list[str]:
        return sorted(
            {period for *_, period in self.by_key if period[4:5] == "-" and len(period) == len("2025-2026")},
            reverse=True,
        )


def board_of(
    title: str, figures: NewestFigures, year: str, today: date, target: Target | None, doubt: Doubt, texts: Both
) -> Board:
    cards = (
        _adoption(figures, year, today, target, texts),
        _replaced(figures, year, texts),
        _sure(figures, year, today, doubt, texts),
        _reach(figures, year, texts),
        _flow(figures, year, texts),
        _unmet(figures, year, texts),
    )
    return Board(title, year, cards)


def _row(figure: Figure, label: str, texts: Both) -> Row:
    whole = ""
    if figure["measure"] == "share" and figure.get("numerator") is not None and "value" in figure:
        whole = part_of(figure, texts.words)
    return Row(label, value_or_why_not(figure, texts.words), whole, figure["key"])


def _say_why_not(card: Card, figure: Figure | None, texts: Both) -> None:
    """A word in the place of a number: what there is to say of it, or that nothing is known."""
    if figure is None:
        card.verdict = texts.page.say("nothing-yet")
    else:
        card.why_not = Row("", value_or_why_not(figure, texts.words), "", figure["key"])


def _percent(figure: Figure, name: str = "value") -> float | None:
    return float(figure[name]) * PERCENT if figure.get(name) is not None else None


def adoption_at(figures: NewestFigures, year: str, today: date, indicator: str = "adoption-strict") -> list[Figure]:
    """A reading of adoption on each day that has come, in the order of time: up to the end of a year that is over.
    Where none has come, on the first that will."""
    ends = date(int(year[5:]), 7, 31)
    until = today if year == next(iter(figures.years()), year) else min(today, ends)
    told = [each for each in figures.of(indicator, unit="city") if "value" in each]
    return [each for each in told if date.fromisoformat(each["period"]) <= until] or told[:1]


def _adoption(figures: NewestFigures, year: str, today: date, target: Target | None, texts: Both) -> Card:
    card = Card(texts.page.say("adoption"))
    told = adoption_at(figures, year, today)
    if not told:
        emptied = figures.of("adoption-strict", unit="city")
        _say_why_not(card, emptied[-1] if emptied else None, texts)
        return card
    past, now = [each for each in told if date.fromisoformat(each["period"]) <= today], told[-1]
    day = period_of(now["period"], texts.words)
    said = texts.page.say("adoption.headline", day=day) if past else texts.page.say("adoption.so-far", day=day)
    card.headline = _row(now, said, texts)
    # A day that has not come yet is no point of the curve: its year is under way.
    card.curve = [(period_of(each["period"], texts.words), _percent(each) or 0.0) for each in past]
    if target is not None:
        card.target = float(target.value) * PERCENT
        is_met = Decimal(now["value"]) >= target.value
        share, due = texts.words.percent(target.value), texts.words.day(target.due_on)
        short = int((target.value * now["denominator"]["upper"]).to_integral_value(ROUND_CEILING)) - now["numerator"]
        met = texts.page.say("target.met", share=share, day=due)
        card.verdict = met if is_met else texts.page.say("target.not-met", share=share, day=due)
        card.short = "" if is_met else texts.page.say("target.short", count=short)
    else:
        card.verdict = texts.page.say("target.none")
    for reading in ("adoption-loose", "adoption-declared"):
        if other := figures.one(reading, now["period"]):
            card.rows.append(_row(other, texts.page.say(f"also.{reading}"), texts))
    card.alternative = "; ".join(
        f"{period_of(each['period'], texts.words)}: {value_or_why_not(each, texts.words)}" for each in past
    )
    return card


def _reach(figures: NewestFigures, year: str, texts: Both) -> Card:
    card = Card(texts.page.say("reach"))
    city = figures.one("reach-school", year)
    if city is not None and (band := band_of(city)):
        card.headline = Row(
            texts.page.say("reach.headline"),
            texts.words.percents(*band),
            f"{value_or_why_not(city, texts.words)} / {denominator_of(city, texts.words)}",
            city["key"],
        )
        card.verdict = texts.page.say("reach.to-confirm", count=city.get("toConfirm") or 0)
        card.verdict_key = city["key"]
    else:
        _say_why_not(card, city, texts)
    near = figures.of("reach-school", stratum="all", period=year)
    bands = [(band, each) for each in near if each["unit"].startswith("neighbourhood:") and (band := band_of(each))]
    if len(bands) > MAX_BARS:
        card.note = texts.page.say("reach.least", most=MAX_BARS, all=texts.words.number(len(bands)))
        bands = nsmallest(MAX_BARS, bands, key=lambda found: (found[0][1], str(found[1]["unit"])))
    card.bars = [_bar(band, each, texts) for band, each in bands]
    return card


def _bar(band: tuple[float, float], figure: Figure, texts: Both) -> Bar:
    surely, possibly = (PERCENT * share for share in band)
    name = unit_of(figure["unit"], {}, texts.words)
    return Bar(name, surely, possibly, texts.words.percents(*band), figure["key"])


def _replaced(figures: NewestFigures, year: str, texts: Both) -> Card:
    card = Card(texts.page.say("replaced"))
    replaced, unknown = figures.one("replaced-share", year), figures.one("unknown-share", year)
    if replaced is None or "value" not in replaced:
        _say_why_not(card, replaced, texts)
        if unknown is not None and unknown.get("numerator"):
            card.verdict = texts.page.say("undecided")
    else:
        card.headline = _row(replaced, texts.page.say("replaced.headline"), texts)
        whole = replaced["denominator"]["upper"]
        stacks = {**replaced, "numerator": whole - replaced["numerator"], "value": 1 - Decimal(replaced["value"])}
        card.rows.append(_row(stacks, texts.page.say("replaced.stacked"), texts))
    if unknown is not None and "value" in unknown:
        card.rows.append(_row(unknown, texts.page.say("replaced.unknown"), texts))
    return card


def _flow(figures: NewestFigures, year: str, texts: Both) -> Card:
    card = Card(texts.page.say("flow"))
    for step in FLOW:
        reached = figures.one(f"requests-{step}", year)
        if reached is None or "numerator" not in reached:
            continue
        wait = figures.one(f"lead-time-{step}-median", year)
        label, number = texts.page.say(f"step.{step}"), texts.words.number(reached["numerator"])
        if wait is None or "value" not in wait:
            card.rows.append(Row(label, number, "", reached["key"]))
            continue
        days = texts.page.say("flow.days", days=value_or_why_not(wait, texts.words))
        card.rows.append(Row(label, number, days, reached["key"], wait["key"]))
        card.verdict = texts.page.say("flow.waits")
    for indicator in ("requests-without-broker", "referrals-expired", "referrals-declined-late"):
        if (other := figures.one(indicator, year)) and "value" in other:
            card.rows.append(_row(other, texts.page.say(f"also.{indicator}"), texts))
    if not card.rows:
        card.verdict = texts.page.say("nothing-yet")
    return card


def _unmet(figures: NewestFigures, year: str, texts: Both) -> Card:
    card = Card(texts.page.say("unmet"))
    share = figures.one("unmet-share", year)
    if share is not None and "value" in share:
        card.headline = _row(share, texts.page.say("unmet.headline"), texts)
    found = [each for each in figures.of("unmet-requests", unit="city", period=year) if each.get("numerator")]
    for each in sorted(found, key=lambda each: -int(each["numerator"]))[:MAX_REASONS]:
        card.rows.append(
            Row(stratum_of(each["stratum"], texts.words), texts.words.number(each["numerator"]), "", each["key"])
        )
    if card.headline is None:
        _say_why_not(card, share, texts)
    elif not found:
        card.verdict = texts.page.say("unmet.none")
    return card


def _sure(figures: NewestFigures, year: str, today: date, doubt: Doubt, texts: Both) -> Card:
    card = Card(texts.page.say("sure"), has_long_labels=True)
    city = figures.one("reach-school", year)
    if city is not None and band_of(city) and doubt.groups:
        exact, groups = doubt.groups - doubt.to_confirm, {"lower": doubt.groups, "upper": doubt.groups}
        whole = part_of({"measure": "share", "numerator": exact, "denominator": groups}, texts.words)
        share = texts.words.percent(Decimal(exact) / doubt.groups)
        card.rows.append(Row(texts.page.say("sure.exact"), share, whole, city["key"]))
    if city is not None:
        to_confirm = city.get("toConfirm") or 0
        card.rows.append(Row(texts.page.say("sure.groups"), texts.words.number(to_confirm), "", city["key"]))
    told = adoption_at(figures, year, today)
    if told and doubt.unconfirmed and doubt.unconfirmed.activities is not None:
        number = texts.words.number(doubt.unconfirmed.activities)
        card.rows.append(Row(texts.page.say("sure.activities"), number, "", told[-1]["key"]))
    late = [each for each in figures.of("wait-report-breached", unit="city", period=year) if "value" in each]
    for each in late:
        card.rows.append(_row(each, texts.page.say("sure.reports"), texts))
    if doubt.uncounted:
        number = texts.words.number(doubt.uncounted)
        card.rows.append(Row(texts.page.say("sure.uncounted"), number, address=UNCOUNTED))
    elif card.rows:
        card.rows.append(Row(texts.page.say("sure.uncounted"), texts.page.say("sure.no-findings")))
    else:
        card.verdict = texts.page.say("nothing-yet")
    return card


def title_of(figure: Figure, definition: Figure, names: Mapping[str, str], texts: Both) -> str:
    return f"{label_of(figure, definition, texts.words)} · {place_of(figure, names, texts.words)}"
