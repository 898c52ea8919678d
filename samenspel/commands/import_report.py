"""What an import changes, as it is reported: in JSON, or in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from samenspel.registers.changes import KINDS, Change, Changes

_SHOWN = 20  # of a kind, in words; a first import adds them all


def as_json(changes: Changes) -> dict[str, Any]:
    made = {kind: [_change_as_json(each) for each in changes.made if each.kind == kind] for kind in KINDS}
    refused = [{"siteId": each.site_id, "line": each.line, "reason": each.reason} for each in changes.refused]
    return made | {"refused": refused, "unchanged": changes.unchanged}


def _change_as_json(change: Change) -> dict[str, Any]:
    about = {"siteId": change.site_id, "name": change.details.name.nl, "line": change.line}
    return {**about, "from": change.details.valid_from.isoformat(), "fields": _fields(change)}


def _fields(change: Change) -> Mapping[str, Any]:
    old = change.details.model_copy(update=change.before)
    before, after = (each.model_dump(mode="json", by_alias=True) for each in (old, change.details))
    return {name: {"before": before[name], "after": after[name]} for name in after if before[name] != after[name]}


def in_words(changes: Changes) -> Iterator[str]:
    for kind in KINDS:
        made = [each for each in changes.made if each.kind == kind]
        yield from _listed(kind, [_sentence(each) for each in made])
    yield from _listed("refused", [f"{each.site_id}{_line(each.line)}: {each.reason}" for each in changes.refused])
    yield f"unchanged: {changes.unchanged}"


def _listed(what: str, sentences: list[str]) -> Iterator[str]:
    yield f"{what}: {len(sentences)}"
    yield from (f"  {sentence}" for sentence in sentences[:_SHOWN])
    if len(sentences) > _SHOWN:
        yield f"  … and {len(sentences) - _SHOWN} more (--json names them all)"


def _sentence(change: Change) -> str:
    fields = ", ".join(
        f"{name} {_short(each['before'])} -> {_short(each['after'])}" for name, each in _fields(change).items()
    )
    about = f"{change.site_id} {change.details.name.nl}{_line(change.line)}, from {change.details.valid_from}"
    return f"{about}: {fields}" if fields else about


def _line(line: int | None) -> str:
    return f" (line {line})" if line else ""


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return str(value.get("nl", value))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
