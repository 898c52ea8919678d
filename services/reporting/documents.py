"""`docs/figures.md`: what every figure means, with a worked example of each family; made from the families."""

import json
from collections.abc import Iterator
from typing import Any

from contracts.targets import IndicatorDefined
from services.reporting.figures import Family, families

ABOUT = """# Figures

What each figure counts, and one example of each family that is worked out: in words, as events, and as the figures that
they give. A test plays the events and finds these figures. Made from
[the folders of the families](../services/reporting/figures) by `python -m services.documents write`.

The key of a figure is `indicator/version/programme/unit/stratum/period`. Its numerator, denominator, bounds, source and
date are published with it, and `GET /v1/figures/{key}/sources` has the events behind it.
"""
INDICATORS = """
| indicator | | means | formula |
|---|---|---|---|
"""
EVENTS = """
| event | what matters of it |
|---|---|
"""
FIGURES = """
| figure | |
|---|---|
"""


def figures() -> str:
    return ABOUT + "".join(map(_family, families().values()))


def _family(family: Family) -> str:
    example = family.example
    rows = [
        f"\n## {family.name.capitalize()}\n\n{family.about}\n",
        INDICATORS,
        *map(_indicator, family.definitions),
        f"\n### Worked out\n\n{example['en']}\n\n*{example['nl']}*\n",
        EVENTS,
        *(f"| `{name}` | {_said(said)} |\n" for each in example["events"] for name, said in each.items()),
        FIGURES,
        *(f"| `{key}` | {_said(said)} |\n" for key, said in example["figures"].items()),
    ]
    return "".join(rows)


def _indicator(definition: IndicatorDefined) -> str:
    label, explanation = definition.label, definition.explanation
    words = f"{label.en} / *{label.nl}*", f"{explanation.en} *{explanation.nl}*"
    return f"| `{definition.indicator}` | {words[0]} | {words[1]} | {definition.formula} |\n"


def _said(said: dict[str, Any]) -> str:
    return ", ".join(f"{name} {shown}" for name, value in said.items() for shown in _shown(value))


def _shown(value: object) -> Iterator[str]:
    if value not in (None, [], ()):
        yield f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"
