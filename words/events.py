"""An event as people know it: when, what, at which school, what it was about, and who delivered it. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from contracts.events import NAMESPACE, catalogue
from contracts.values import calendar_day
from words.language import Language, Texts, in_line

Json = Mapping[str, Any]
NO_NAMES: Mapping[str, str] = MappingProxyType({})
_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_WHEN = ("occurredAt", "plannedFor", "validFrom", "definedAt")
"""Fields that say when it was so; of other events that is when it was said, in a field of its own name."""


def event_of(item: Json, names: Mapping[str, str], texts: Texts, partner_names: Mapping[str, str] = NO_NAMES) -> str:
    """Such as 12 Nov 2025 · Activity delivered · De Vlinder · arts and culture · Babel."""
    data = item.get("data", {})
    sites = _site_ids_of(item)
    areas = [area_of(area["scheme"], area["code"], texts) for area in data.get("learningAreas", ())]
    partner_ids = data.get("partnerIds") or filter(None, (data.get("partnerId"),))
    partners = [in_line(partner_names.get(each, each)) for each in partner_ids]
    named = [in_line(names.get(each, each)) for each in sites]
    return " · ".join((*_day_of(data, texts), name_of(item["type"], texts), *named, *areas, *partners))


def _site_ids_of(item: Json) -> list[str]:
    """The sites that an event names as those where it happened, in its order."""
    data = item.get("data", {})
    return [*filter(None, (data.get("siteId"),)), *data.get("siteIds", ())]


def area_of(scheme: str, code: str, texts: Texts) -> str:
    """A learning area; its code where its scheme has no words here."""
    return texts.word("area", f"{scheme}:{code}").removeprefix(f"{scheme}:")


def name_of(event: str, texts: Texts) -> str:
    """What an event is called; the contracts say it in Dutch, and its own name says it in English."""
    name = event.removeprefix(f"{NAMESPACE}.").partition(".")[0]
    if texts.language is Language.NL and (known := catalogue.get(f"{NAMESPACE}.{name}.v1")):
        return known.dutch
    return _WORD.sub(" ", name).capitalize()


def _day_of(data: Json, texts: Texts) -> Iterator[str]:
    said = next((data[name] for name in _WHEN if name in data), None)
    said = said or next((value for name, value in data.items() if name.endswith("At")), None)
    if said is not None:
        yield texts.day(date.fromisoformat(said) if len(said) == len("2025-11-12") else _on(said))


def _on(instant: str) -> date:
    return calendar_day(datetime.fromisoformat(instant))
