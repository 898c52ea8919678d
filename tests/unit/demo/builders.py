"""Builders of figures as `reporting` shows them, and of what a demo finds out."""

from pathlib import Path
from typing import Any

from demo.page import Saved
from demo.programme import PROGRAMME
from demo.rebuild import Rebuilt
from demo.result import Checked, DemoResult
from demo.summary import STEPS


def a_figure(indicator: str, unit: str, period: str, **fields: Any) -> dict[str, Any]:
    return {
        "key": f"{indicator}/1/{PROGRAMME}/{unit}/all/{period}",
        "indicator": indicator,
        "unit": unit,
        "stratum": "all",
        "period": period,
        "measure": "share",
        "knownAt": "2026-11-22T13:03:07.000Z",
        "cutId": 7,
        "status": "provisional",
        "definitionVersion": 1,
    } | fields


def of(lower: int, upper: int | None = None) -> dict[str, Any]:
    """A denominator."""
    bounds = {"lower": lower, "upper": lower if upper is None else upper}
    return bounds | {"source": "sites", "referenceDate": "2026-07-31"}


def of_the_city(indicator: str, period: str = "2025-2026", **fields: Any) -> dict[str, Any]:
    return a_figure(indicator, "city", period, **fields)


def reached(unit: str, lower: str, upper: str, denominator: dict[str, Any], to_confirm: int) -> dict[str, Any]:
    bounds = {"lower": lower, "upper": upper, "denominator": denominator, "toConfirm": to_confirm}
    return a_figure("reach-school", unit, "2025-2026", measure="children", **bounds)


FIGURES = (
    of_the_city("adoption-strict", "2026-07-31", value="0.682927", numerator=28, denominator=of(41)),
    of_the_city("adoption-loose", "2026-07-31", value="0.804878", numerator=33, denominator=of(41)),
    reached("neighbourhood:5211", "612.000000", "926.000000", of(1304), 19),
    reached("city", "4950.000000", "6312.000000", of(11_960, 11_968), 140),
    of_the_city("replaced-share", value="0.610000", numerator=61, denominator=of(100)),
    of_the_city("unknown-share", value="0.080000", numerator=8, denominator=of(108)),
    *(of_the_city(f"requests-{step}", value="0.900000", numerator=1482, denominator=of(1482)) for step in STEPS),
    of_the_city("lead-time-answered-median", measure="days", value="3.500000", denominator=of(9)),
)


def an_outcome(**found: Any) -> DemoResult:
    """Everything was proved, unless said otherwise."""
    fields: dict[str, Any] = {
        "city": "'s-Hertogenbosch",
        "schools": 41,
        "seed": 7,
        "known_at": "2026-11-22T13:03:07.000Z",
        "cut_id": 1184,
        "figures": {figure["key"]: figure for figure in FIGURES},
        "counts": {},
        "events": 14_931,
        "dead_letters": 0,
        "health": {"requests": "ready", "referrals": "ready", "reporting": "ready"},
        "lost": 0,
        "doubled": 0,
        "recounted": 412,
        "recount_differences": (),
        "rebuilt": Rebuilt(412, 1.94, ()),
        "checked": Checked(59_196),
        "page": Saved(Path("page.html"), why_no_pdf="no-chromium"),
        "seconds": {},
    }
    return DemoResult(**fields | found)
