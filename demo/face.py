"""The end of the demo in 80 columns: the number first, its band second, the date and the doubt beside it. Pure."""

import math
import textwrap
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from demo.bars import band, bar, scale
from demo.calendar import LAST_DAY, SCHOOL_YEAR
from demo.organisations import PROGRAMME
from demo.outcome import Outcome
from demo.words import day_text, decimals, moment_text, number, word
from samenspel.language import Language

WIDTH = 80
MAX_DIFFERENCES = 10  # all of them are in --json
LABEL, ADOPTION_BAR, REACH_BAR = 26, 30, 18
STEPS = ("raised", "assigned", "answered", "referred", "accepted", "delivered", "confirmed")

Figure = Mapping[str, Any]


def face(outcome: Outcome, target: float, language: Language) -> list[str]:
    """The lines."""
    parts = (
        _banner(outcome, language),
        _adoption(outcome, target, language),
        _reach(outcome, language),
        _flow(outcome, language),
        _proofs(outcome, language),
        _hints(outcome, language),
    )
    return [line for part in parts for line in ("", *part)]


def _banner(outcome: Outcome, language: Language) -> Iterator[str]:
    say = partial(word, language)
    yield say("title", city=outcome.city, year=SCHOOL_YEAR)
    yield say("known", when=moment_text(language, outcome.known_at), cut=outcome.cut_id)
    yield from _wrapped(say("real"), indent="")
    yield from _wrapped(say("simulated", seed=outcome.seed), indent="")


def _adoption(outcome: Outcome, target: float, language: Language) -> Iterator[str]:
    say = partial(word, language)
    title = "  " + say("adoption", day=day_text(language, LAST_DAY))
    yield f"{title:<{LABEL}}{scale(ADOPTION_BAR, target)}"
    for name in ("strict", "loose", "declared"):
        figure = outcome.figure(f"adoption-{name}", "city", LAST_DAY.isoformat())
        if figure and figure.get("value"):
            share, of = float(figure["value"]), figure["denominator"]["upper"]
            filled = bar(share, share, ADOPTION_BAR, target)
            yield f"{'    ' + say(name):<{LABEL}}{filled} {percent(figure):>4} %  {figure['numerator']} / {of}"
    strict = outcome.figure("adoption-strict", "city", LAST_DAY.isoformat())
    if strict:
        of = strict["denominator"]["upper"]
        missing = math.ceil(round(target * of, 6)) - strict["numerator"]
        sentence = say("short" if missing > 0 else "met", schools=of, number=missing, target=f"{100 * target:.0f}")
        yield from _wrapped(sentence, indent="    ")


def _reach(outcome: Outcome, language: Language) -> Iterator[str]:
    say = partial(word, language)
    units = sorted(
        figure["unit"]
        for figure in outcome.figures.values()
        if figure["indicator"] == "reach-school"
        and figure["stratum"] == "all"
        and figure["unit"].startswith("neighbourhood:")
    )
    yield f"  {say('reach')}"
    yield f"{'':<30}{say('columns'):>16}{'':>21}{say('confirm'):>9}"
    for unit in (*units, "city"):
        figure = outcome.figure("reach-school", unit, SCHOOL_YEAR)
        if figure:
            yield _reached(unit, figure, language)
    yield f"    {say('confirm_note')}"


def _reached(unit: str, figure: Figure, language: Language) -> str:
    """One neighbourhood, or the city."""
    lower, upper = (int(Decimal(figure[name])) for name in ("lower", "upper"))
    of = figure["denominator"]
    surely, possibly = (lower / of["upper"], upper / of["upper"]) if of["upper"] else (0.0, 0.0)
    name = word(language, "city") if unit == "city" else unit.removeprefix("neighbourhood:")
    count = partial(number, language)
    children = count(lower) if lower == upper else f"{count(lower)}\N{EN DASH}{count(upper)}"
    whole = count(of["upper"]) if of["lower"] == of["upper"] else f"{count(of['lower'])}\N{EN DASH}{count(of['upper'])}"
    return (
        f"    {name:<8}{bar(surely, possibly, REACH_BAR)} {band(surely, possibly):>10}"
        f" {children:>13} {word(language, 'of')} {whole:<9} {figure.get('toConfirm', 0):>5}"
    )


def _flow(outcome: Outcome, language: Language) -> Iterator[str]:
    say = partial(word, language)
    replaced, unknown = (outcome.figure(name, "city", SCHOOL_YEAR) for name in ("replaced-share", "unknown-share"))
    if replaced and unknown and replaced.get("value"):
        stacked = 100 - int(percent(replaced))
        sentence = say("substitution", replaced=percent(replaced), stacked=stacked, unknown=percent(unknown))
        yield f"  {sentence}"
    yield f"  {say('flow')}"
    steps = [_step(outcome, name, language) for name in STEPS]
    without = outcome.figure("requests-without-broker", "city", SCHOOL_YEAR)
    sentence = " → ".join(step for step in steps if step)
    if without:
        sentence += " · " + say("without", number=without["numerator"])
    yield from _wrapped(sentence, indent="    ")


def _step(outcome: Outcome, name: str, language: Language) -> str:
    reached = outcome.figure(f"requests-{name}", "city", SCHOOL_YEAR)
    median = outcome.figure(f"lead-time-{name}-median", "city", SCHOOL_YEAR)
    if not reached:
        return ""
    days = (
        f"\u00a0({decimals(language, float(median['value'])).removesuffix('.0').removesuffix(',0')})"
        if median and median.get("value")
        else ""
    )
    return f"{number(language, reached['numerator'])}\u00a0{word(language, name)}{days}"


def _proofs(outcome: Outcome, language: Language) -> Iterator[str]:
    say, count = partial(word, language), partial(number, language)
    yield "  " + say(
        "events", events=count(outcome.events), dead=outcome.dead_letters, lost=outcome.lost, doubled=outcome.doubled
    )
    yield f"  {say('services')} " + " · ".join(f"{name} {health}" for name, health in outcome.health.items())
    yield "  " + say(
        "recounted", word=_verdict(outcome.recount_differences, "equal", language), number=count(outcome.recounted)
    )
    yield "  " + say(
        "rebuilt",
        word=_verdict(outcome.rebuilt.differences, "byte_equal", language),
        number=count(outcome.rebuilt.figures),
        seconds=decimals(language, outcome.rebuilt.seconds),
    )
    if outcome.checked.not_done:
        yield from _wrapped(say("not_checked", why=outcome.checked.not_done), indent="  ")
    else:
        yield "  " + say(
            "checked",
            word=_verdict(outcome.checked.violations, "kept", language),
            number=count(outcome.checked.messages),
        )
    for difference in outcome.differences[:MAX_DIFFERENCES]:
        yield from _wrapped(difference, indent="    ! ")
    if more := outcome.differences[MAX_DIFFERENCES:]:
        yield "    ! " + say("more", number=len(more))


def _verdict(differences: tuple[str, ...], good: str, language: Language) -> str:
    return word(language, "different", number=len(differences)) if differences else word(language, good)


def _hints(outcome: Outcome, language: Language) -> Iterator[str]:
    strict = outcome.figure("adoption-strict", "city", LAST_DAY.isoformat())
    yield f"  {word(language, 'keep')}"
    if strict and strict.get("value"):
        yield f"  {word(language, 'why', percent=percent(strict))}"
        yield f"    adoption-strict/1/{PROGRAMME}/city/all/{LAST_DAY.isoformat()}"
    yield f"  {word(language, 'stop')}"


def percent(figure: Figure) -> str:
    """A share in whole percents."""
    return f"{100 * float(figure['value']):.0f}"


def _wrapped(sentence: str, indent: str) -> list[str]:
    return textwrap.wrap(
        sentence, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_on_hyphens=False
    )
