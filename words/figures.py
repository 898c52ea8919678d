"""Figures in words: what one is about, its value in its measure, and of how much it is a part. Pure."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from words.events import area_of, name_of
from words.language import Texts, in_line

Json = Mapping[str, Any]
_COUNTED = ("value", "lower", "upper", "numerator", "denominator", "toConfirm", "emptied")
OF_A_CODE = {"neighbourhood", "institution", "board", "cohort", "hub", "municipality", "region", "network"}
_QUOTED = re.compile(r"[`']([a-z-]+)[`']")


def label_of(figure: Json, definition: Json, texts: Texts) -> str:
    label: str = definition.get("label", {}).get(texts.language, figure["indicator"])
    return label


def period_of(period: str, texts: Texts) -> str:
    """A school year as it is, 2025-2026; a day in words."""
    try:
        return texts.day(date.fromisoformat(period))
    except ValueError:
        return period


def unit_of(unit: str, names: Mapping[str, str], texts: Texts) -> str:
    """A site by its name, where that is known."""
    kind, _, code = unit.partition(":")
    if kind == "site":
        return in_line(names.get(code, code))
    if unit == "city":
        return texts.say("unit.city")
    return texts.say(f"unit-of.{kind}", code=code) if kind in OF_A_CODE else unit


def thing_of(entity: str, names: Mapping[str, str], texts: Texts) -> str:
    """A site by its name, where that is known; another thing by its kind and id."""
    kind, _, id_ = entity.partition(":")
    name = names.get(id_) if kind == "site" else None
    return f"{in_line(name)} ({entity})" if name else f"{texts.word('thing', kind)} {id_}"


def stratum_of(stratum: str, texts: Texts) -> str:
    """A learning area, with a reason where it has one; codes where a newer list has some that are not known here.
    Nothing for all."""
    if stratum == "all":
        return ""
    area, _, reason = stratum.partition(";")
    scheme, _, code = area.partition(":")
    return ", ".join(filter(None, (area_of(scheme, code, texts), reason and texts.word("reason", reason))))


def place_of(figure: Json, names: Mapping[str, str], texts: Texts) -> str:
    """Of whom, of what and when: its unit, stratum and period."""
    parts = (
        unit_of(figure["unit"], names, texts),
        stratum_of(figure["stratum"], texts),
        period_of(figure["period"], texts),
    )
    return ", ".join(filter(None, parts))


def value_of(figure: Json, texts: Texts) -> str:
    """The value in its measure; from and to where only bounds are known."""
    lower, upper = (Decimal(figure.get("value") or figure.get(bound) or 0) for bound in ("lower", "upper"))
    match figure["measure"]:
        case "share":
            return texts.percents(lower, upper, "#,##0.#%")
        case "days":
            return texts.days(upper)
        case _:
            return texts.numbers(lower, upper, "#,##0.##")


def denominator_of(figure: Json, texts: Texts) -> str:
    denominator = figure.get("denominator")
    return texts.numbers(denominator["lower"], denominator["upper"]) if denominator else texts.number(0)


def band_of(figure: Json) -> tuple[float, float] | None:
    """The share that was surely and possibly reached: surely of the most that there can be, possibly of the fewest.
    None where there is nobody to reach, or no bounds."""
    whole, lower, upper = figure.get("denominator", {}), figure.get("lower"), figure.get("upper")
    if not whole.get("upper") or lower is None or upper is None:
        return None
    possibly = min(1.0, float(upper) / whole["lower"]) if whole["lower"] else 1.0
    return float(lower) / whole["upper"], possibly


def is_there(figure: Json) -> bool:
    """Whether it has a value, and is not only a word."""
    return not figure.get("emptied") and figure.get("verdict") != "no_denominator"


def value_or_why_not(figure: Json, texts: Texts) -> str:
    """The value; in words where there is none."""
    if figure.get("emptied"):
        return texts.say("value.emptied")
    return texts.say("value.no-denominator") if figure.get("verdict") == "no_denominator" else value_of(figure, texts)


def part_of(figure: Json, texts: Texts) -> str:
    """Such as 28 of 41, where that says more than the value."""
    if "denominator" not in figure or figure.get("verdict") == "no_denominator":
        return ""
    whole = denominator_of(figure, texts)
    if figure["measure"] == "share" and figure.get("numerator") is not None:
        return texts.say("part.of", part=texts.number(figure["numerator"]), whole=whole)
    return texts.say("part.over", whole=whole)


def why_of(figure: Json, before: Json | None, texts: Texts) -> str:
    """Why it was published: it is the first value, other events were counted than `before`, or it was restated: by
    which events, or by how many."""
    if types := figure.get("causeTypes"):
        named = (f"{name_of(name, texts)} ({texts.number(count)})" for name, count in sorted(types.items()))
        return texts.say("history.because", events=", ".join(named))
    if "causeCount" in figure:
        return texts.say("history.restated", count=figure["causeCount"])
    if before is None:
        return texts.say("history.first")
    if all(figure.get(name) == before.get(name) for name in _COUNTED):
        return texts.say("history.settled", status=texts.say(f"status.{figure['status']}"))
    return texts.say("history.grew")


def source_of(source: str, texts: Texts) -> str:
    """Where a denominator is from."""
    return texts.word("source", source)


def formula_of(formula: str, texts: Texts) -> str:
    """A definition's formula. The step or clock that it names in quotes has a word of its own."""
    named = _QUOTED.search(formula)
    said = texts.word("formula", _QUOTED.sub("…", formula))
    if named is None or "…" not in said:
        return said
    quote = named[0][0]
    return said.replace("…", f"{quote}{texts.word('quoted', named[1])}{quote}")


def column_of(name: str, texts: Texts) -> str:
    """The title of an export's column."""
    return texts.say(f"column.{name}")


def meaning_of(name: str, texts: Texts) -> str:
    """What is in an export's column."""
    return texts.say(f"about-column.{name}")


def code_of(code: str, texts: Texts) -> str:
    """A code in an export, such as a measure or a status."""
    return texts.word("code", code)


def no_figure(texts: Texts) -> str:
    return texts.say("figures.none")
