"""What the demo prints at its end, in 80 columns: each number with its date, its bounds and what is uncertain. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from demo.bars import bar, scale
from demo.programme import PROGRAMME
from demo.result import DemoResult
from demo.simulation.calendar import LAST_DAY, SCHOOL_YEAR
from words.figures import band_of
from words.language import Texts, wrapped

MAX_DIFFERENCES = 10  # all of them are in --json
LABEL, ADOPTION_BAR, REACH_BAR = 26, 30, 18  # columns
STEPS = ("raised", "assigned", "answered", "referred", "accepted", "delivered", "confirmed")

FigureJson = Mapping[str, Any]


def summary(result: DemoResult, target: float, texts: Texts, *, page_at: str | None = None) -> list[str]:
    """The lines; `target` is the share of schools that the covenant wants, `page_at` where services keep running."""
    parts = (
        _heading(result, texts),
        _adoption(result, target, texts),
        _reach(result, texts),
        _activities_and_requests(result, texts),
        _endings(result, texts),
        _proofs(result, texts),
        _page(result, page_at, texts),
        _hints(result, texts),
    )
    return [line for part in parts for line in ("", *part)]


def _heading(result: DemoResult, texts: Texts) -> Iterator[str]:
    yield texts.say("heading.title", city=result.city, year=SCHOOL_YEAR)
    yield texts.say("heading.known", moment=texts.moment(result.known_at), cut=result.cut_id)
    yield from wrapped(texts.say("heading.real"))
    yield from wrapped(texts.say("heading.simulated", seed=result.seed))


def _adoption(result: DemoResult, target: float, texts: Texts) -> Iterator[str]:
    title = "  " + texts.say("adoption.title", day=texts.day(LAST_DAY))
    yield f"{title:<{LABEL}}{scale(ADOPTION_BAR, target)} {texts.percent(1)}"
    for reading in ("strict", "loose", "declared"):
        figure = _adoption_figure(result, reading)
        if figure and figure.get("value"):
            share, schools = float(figure["value"]), figure["denominator"]["upper"]
            label = "    " + texts.say(f"reading.{reading}")
            filled = bar(share, share, ADOPTION_BAR, target)
            yield f"{label:<{LABEL}}{filled} {_percent(figure, texts):>5}  {figure['numerator']} / {schools}"
    strict = _adoption_figure(result, "strict")
    if strict:
        schools, percent = strict["denominator"]["upper"], texts.percent(target)
        missing = math.ceil(round(target * schools, 6)) - strict["numerator"]
        if missing > 0:
            conclusion = texts.say("adoption.below", missing=missing, schools=schools, target=percent)
        else:
            conclusion = texts.say("adoption.met", schools=schools, target=percent)
        yield from wrapped(conclusion, "    ")


def _adoption_figure(result: DemoResult, reading: str) -> FigureJson | None:
    return result.figure(f"adoption-{reading}", "city", LAST_DAY.isoformat())


def _reach(result: DemoResult, texts: Texts) -> Iterator[str]:
    neighbourhoods = sorted(
        figure["unit"]
        for figure in result.figures.values()
        if (figure["indicator"], figure["stratum"]) == ("reach-school", "all")
        and figure["unit"].startswith("neighbourhood:")
    )
    yield f"  {texts.say('reach.title')}"
    yield f"{'':<30}{texts.say('reach.bounds'):>16}{'':>21}{texts.say('reach.groups'):>9}"
    for unit in (*neighbourhoods, "city"):
        figure = result.figure("reach-school", unit, SCHOOL_YEAR)
        if figure:
            yield _reach_of_unit(unit, figure, texts)
    yield f"    {texts.say('reach.note')}"


def _reach_of_unit(unit: str, figure: FigureJson, texts: Texts) -> str:
    lower, upper = (int(Decimal(figure[name])) for name in ("lower", "upper"))
    fewest, most = (figure["denominator"][name] for name in ("lower", "upper"))
    surely, possibly = band_of(figure) or (0.0, 0.0)
    name = texts.say("reach.city") if unit == "city" else unit.removeprefix("neighbourhood:")
    return (
        f"    {name:<8}{bar(surely, possibly, REACH_BAR)} {texts.percents(surely, possibly):>10}"
        f" {texts.numbers(lower, upper):>13} {texts.say('reach.of')} {texts.numbers(fewest, most):<9}"
        f" {figure.get('toConfirm', 0):>5}"
    )


def _activities_and_requests(result: DemoResult, texts: Texts) -> Iterator[str]:
    replaced, unknown = (result.figure(name, "city", SCHOOL_YEAR) for name in ("replaced-share", "unknown-share"))
    if replaced and unknown and replaced.get("value"):
        share = round(Decimal(replaced["value"]), 2)  # rounded first, so that both percentages make 100
        rest, others = texts.percent(1 - share), _percent(unknown, texts)
        yield "  " + texts.say("activities.substitution", replaced=texts.percent(share), stacked=rest, unknown=others)
    yield "  " + texts.say("requests.title")
    line = " → ".join(step for name in STEPS if (step := _step(result, name, texts)))
    if without := result.figure("requests-without-broker", "city", SCHOOL_YEAR):
        line += " · " + texts.say("requests.without-broker", number=texts.number(without["numerator"]))
    yield from wrapped(line, "    ")


ENDINGS = {
    "requests": ("RequestClosed", "RequestWithdrawn", "RequestVoided"),
    "referrals": (
        "ReferralCompleted",
        "ReferralDeclined",
        "ReferralWithdrawn",
        "ReferralExpired",
        "ReferralFailed",
        "ReferralVoided",
    ),
    "activities": ("ActivityDelivered", "ActivityCancelled", "ActivityNotHeld", "ActivityRetracted"),
}
TURNS = ("ReferralWaitlisted", "WithdrawalRequested", "RequestReopened", "RequestAmended", "ClockBreached")


def _endings(result: DemoResult, texts: Texts) -> Iterator[str]:
    yield "  " + texts.say("endings.title")
    for things, endings in ENDINGS.items():
        said = " · ".join(_times(result, event, texts) for event in endings if result.counts.get(event))
        yield from wrapped(f"{texts.say(f'things.{things}')} {said}", "    ")
    said = " · ".join(_times(result, event, texts) for event in TURNS if result.counts.get(event))
    yield from wrapped(f"{texts.say('things.on-the-way')} {said}", "    ")


def _times(result: DemoResult, event: str, texts: Texts) -> str:
    return f"{texts.number(result.counts[event])}\u00a0{texts.say(f'ending.{event}')}".replace(" ", "\u00a0")


def _step(result: DemoResult, name: str, texts: Texts) -> str:
    """How many requests reached a step and after how many days, on one line: no-break spaces between its words."""
    reached = result.figure(f"requests-{name}", "city", SCHOOL_YEAR)
    median = result.figure(f"lead-time-{name}-median", "city", SCHOOL_YEAR)
    if not reached:
        return ""
    step = f"{texts.number(reached['numerator'])}\u00a0{texts.say(f'step.{name}')}"
    if not median or not median.get("value"):
        return step
    return f"{step}\u00a0({texts.number(Decimal(median['value']), '#,##0.#')})"


def _proofs(result: DemoResult, texts: Texts) -> Iterator[str]:
    yield "  " + " · ".join(
        (
            texts.say("events.all", count=result.events),
            texts.say("events.dead-letters", count=result.dead_letters),
            texts.say("events.lost", number=texts.number(result.lost)),
            texts.say("events.doubled", number=texts.number(result.doubled)),
        )
    )
    health = " · ".join(f"{name} {health}" for name, health in result.health.items())
    yield "  " + texts.say("proof.services", health=health)
    rebuilt, checked = result.rebuilt, result.checked
    verdict = _verdict(result.recount_differences, texts.say("verdict.equal"), texts)
    yield "  " + texts.say("proof.recount", verdict=verdict, count=result.recounted)
    verdict = _verdict(rebuilt.differences, texts.say("verdict.byte-equal"), texts)
    seconds = texts.number(rebuilt.seconds, "#,##0.0")
    yield "  " + texts.say(f"proof.rebuild.{rebuilt.cause}", verdict=verdict, seconds=seconds, count=rebuilt.figures)
    if checked.not_done:
        yield from wrapped(texts.say("proof.not-checked", reason=checked.not_done), "  ")
    else:
        verdict = _verdict(checked.violations, texts.say("verdict.all-kept"), texts)
        yield "  " + texts.say("proof.contracts", verdict=verdict, count=checked.messages)
    for difference in result.differences[:MAX_DIFFERENCES]:
        yield from wrapped(difference, "    ! ")
    if more := result.differences[MAX_DIFFERENCES:]:
        yield "    ! " + texts.say("proof.more", number=texts.number(len(more)))


def _verdict(differences: Sequence[str], good: str, texts: Texts) -> str:
    return texts.say("verdict.different", number=texts.number(len(differences))) if differences else good


def _page(result: DemoResult, page_at: str | None, texts: Texts) -> Iterator[str]:
    yield f"  {texts.say('page.file')}"
    for kept in filter(None, (result.page.html, result.page.pdf)):
        yield f"    {kept}"
    if result.page.why_no_pdf is not None:
        yield f"    {texts.say(f'no-pdf.{result.page.why_no_pdf}')}"
    if page_at is not None:
        yield f"  {texts.say('page.address', address=page_at)}"


def _hints(result: DemoResult, texts: Texts) -> Iterator[str]:
    yield f"  {texts.say('hint.keep')}"
    strict = _adoption_figure(result, "strict")
    if strict and strict.get("value"):
        yield f"  {texts.say('hint.why', percent=_percent(strict, texts))}"
        yield f"    adoption-strict/1/{PROGRAMME}/city/all/{LAST_DAY.isoformat()}"
    yield f"  {texts.say('hint.stop')}"


def _percent(figure: FigureJson, texts: Texts) -> str:
    return texts.percent(Decimal(figure["value"]))
