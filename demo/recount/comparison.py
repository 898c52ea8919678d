"""What was published beside what was counted, and a sentence for every difference."""

from collections.abc import Mapping
from typing import Any

from demo.recount.figures import Counted

Published = Mapping[str, Mapping[str, Any]]
"""The newest `MetricPublished` or `MetricRestated` data of every key."""


def compare(published: Published, counted: Mapping[str, Counted]) -> list[str]:
    """One sentence per difference, in the order of the keys; empty when both say the same."""
    sentences = []
    for key in sorted(published.keys() | counted.keys()):
        if key not in published:
            sentences.append(f"{key}: counted ({_listed(_counted(counted[key]))}) but not published")
        elif key not in counted:
            sentences.append(f"{key}: published ({_listed(_published(published[key]))}) but not counted")
        else:
            ours, theirs = _counted(counted[key]), _published(published[key])
            sentences += [
                f"{key}: {name} was published as {_shown(theirs[name])}, counted as {_shown(ours[name])}"
                for name in ours
                if ours[name] != theirs[name]
            ]
    return sentences


def _counted(figure: Counted) -> dict[str, object]:
    return {
        "measure": figure.measure,
        "value": figure.value,
        "lower": figure.lower,
        "upper": figure.upper,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "toConfirm": figure.to_confirm,
        "verdict": figure.verdict,
    }


def _published(figure: Mapping[str, Any]) -> dict[str, object]:
    denominator = figure.get("denominator")
    plain = ("measure", "value", "lower", "upper", "numerator", "toConfirm", "verdict")
    return {name: figure.get(name) for name in plain} | {
        "denominator": denominator and (denominator.get("lower"), denominator.get("upper"))
    }


def _listed(fields: dict[str, object]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in fields.items() if value is not None)


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case (lower, upper):
            return f"{lower}" if lower == upper else f"[{lower}, {upper}]"
        case _:
            return str(value)
