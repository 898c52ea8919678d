"""All facts that this process has read, what they say of each site, group, request, referral and activity, and indexes.

The same facts in any order, with duplicates, give the same ledger. Of several facts with the same version the
first of the newest topic wins; within a partition that is the one with the lowest offset.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from contracts.values import calendar_day, school_year_of
from services.reporting.facts import folds
from services.reporting.facts.events import Fact, GroupRecorded, IndicatorDefined, SiteRecorded
from services.reporting.figures.values import standing_days

ProgrammeYear = tuple[str, str]
"""A programme in a school year, or in the year that ends on a day."""


@dataclass(slots=True)
class Index:
    """For each key, the ids of the objects that name it."""

    of: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def move(self, thing: str, before: Iterable[str], after: Iterable[str]) -> None:
        for key in before:
            self.of[key].discard(thing)
        for key in after:
            self.of[key].add(thing)

    def __getitem__(self, key: str) -> set[str]:
        return self.of.get(key, set())


@dataclass(slots=True)
class Change:
    """An object of which new facts came: what was known before them and after them."""

    kind: str
    id: str
    before: Any
    after: Any
    facts: list[Fact]


@dataclass(slots=True)
class Ledger:
    """All facts, and what they say together as of the last `settle`."""

    facts: dict[str, dict[tuple[int, int], Fact]] = field(default_factory=dict)
    fresh: dict[str, list[Fact]] = field(default_factory=dict)
    """By entity, what was added since the last `settle`."""
    sites: dict[str, folds.Site] = field(default_factory=dict)
    groups: dict[str, dict[str, GroupRecorded]] = field(default_factory=dict)
    """By school year: one, unless a group was recorded for another year all the same."""
    requests: dict[str, folds.Request] = field(default_factory=dict)
    referrals: dict[str, folds.Referral] = field(default_factory=dict)
    activities: dict[str, folds.Activity] = field(default_factory=dict)
    definitions: dict[tuple[str, int], IndicatorDefined] = field(default_factory=dict)
    groups_at: Index = field(default_factory=Index)
    requests_at: Index = field(default_factory=Index)
    referrals_of: Index = field(default_factory=Index)
    activities_at: Index = field(default_factory=Index)
    activities_with: Index = field(default_factory=Index)
    activities_for: Index = field(default_factory=Index)
    linked_to: Index = field(default_factory=Index)
    """By site, the sites whose records hold a link to it."""
    groups_in: Index = field(default_factory=Index)
    """By school year."""
    programme_years: Counter[ProgrammeYear] = field(default_factory=Counter)
    """How many requests and activities each programme year has."""
    areas: defaultdict[ProgrammeYear, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How many activities for children each learning area has in a programme year."""

    def add(self, fact: Fact) -> bool:
        """Add a fact; False when its version was known already."""
        versions = self.facts.setdefault(fact.entity, {})
        known = versions.get((fact.epoch, fact.version))
        if known is not None and folds.precedence(known) <= folds.precedence(fact):
            return False
        versions[fact.epoch, fact.version] = fact
        self.fresh.setdefault(fact.entity, []).append(fact)
        return known is None

    def settle(self) -> list[Change]:
        """Bring what the facts say together up to date; returns what changed."""
        by_kind: dict[str, Callable[[str, list[Fact]], tuple[Any, Any]]] = {
            "site": self.fold_site,
            "group": self.fold_group,
            "request": self.fold_request,
            "referral": self.fold_referral,
            "activity": self.fold_activity,
            "indicator": self.fold_definition,
        }
        changes: list[Change] = []
        for entity, facts in self.fresh.items():
            kind, _, id_ = entity.partition(":")
            fold = by_kind.get(kind)
            if fold is not None:
                before, after = fold(id_, folds.in_order(self.facts[entity].values()))
                changes.append(Change(kind, id_, before, after, facts))
        self.fresh = {}
        return changes

    def settle_definitions(self) -> None:
        """Bring only the definitions up to date. Their facts stay fresh, so `settle` still reports them as changed."""
        for entity in self.fresh:
            if entity.startswith("indicator:"):
                self.fold_definition(entity, folds.in_order(self.facts[entity].values()))

    def fold_site(self, site_id: str, facts: list[Fact]) -> tuple[Any, Any]:
        before, after = self.sites.get(site_id), folds.site(facts)
        _put(self.sites, site_id, after)
        self.linked_to.move(site_id, _links(before), _links(after))
        return before, after

    def fold_group(self, group_id: str, facts: list[Fact]) -> tuple[Any, Any]:
        before, after = self.groups.get(group_id), folds.group(facts)
        _put(self.groups, group_id, after)
        self.groups_at.move(group_id, _sites_of(before), _sites_of(after))
        self.groups_in.move(group_id, before or (), after or ())
        return before, after

    def fold_request(self, request_id: str, facts: list[Fact]) -> tuple[Any, Any]:
        before, after = self.requests.get(request_id), folds.request(facts)
        self.requests[request_id] = after
        self.requests_at.move(request_id, _asking(before), _asking(after))
        self._count(_programme_years_of_request(before), _programme_years_of_request(after))
        return before, after

    def fold_referral(self, referral_id: str, facts: list[Fact]) -> tuple[Any, Any]:
        before, after = self.referrals.get(referral_id), folds.referral(facts)
        self.referrals[referral_id] = after
        self.referrals_of.move(referral_id, [], [after.made.request_id] if after.made else [])
        return before, after

    def fold_activity(self, activity_id: str, facts: list[Fact]) -> tuple[Any, Any]:
        before, after = self.activities.get(activity_id), folds.activity(facts)
        _put(self.activities, activity_id, after)
        old, new = before.body if before else None, after.body if after else None
        self.activities_at.move(activity_id, old.site_ids if old else (), new.site_ids if new else ())
        self.activities_with.move(
            activity_id,
            [each.group_id for each in old.groups] if old else (),
            [each.group_id for each in new.groups] if new else (),
        )
        self.activities_for.move(activity_id, _asked_by(old), _asked_by(new))
        self._count(_programme_years_of_activity(before), _programme_years_of_activity(after))
        self._count_areas(before, -1)
        self._count_areas(after, 1)
        return before, after

    def fold_definition(self, _: str, facts: list[Fact]) -> tuple[Any, Any]:
        before = dict(self.definitions)
        for fact in facts:
            if isinstance(fact.body, IndicatorDefined):
                self.definitions[fact.body.indicator, fact.body.definition_version] = fact.body
        return before, self.definitions

    def _count(self, before: list[ProgrammeYear], after: list[ProgrammeYear]) -> None:
        self.programme_years.subtract(before)
        self.programme_years.update(after)

    def _count_areas(self, activity: folds.Activity | None, amount: int) -> None:
        if activity is not None and activity.body.audience == "children":
            areas = self.areas[activity.body.programme, activity.school_year]
            for area in activity.body.learning_areas:
                areas[area.stratum] += amount

    def site_on(self, site_id: str, day: date) -> SiteRecorded | None:
        """The record of a site that is in force; none while the site is not known."""
        site = self.sites.get(site_id)
        return site.on(day) if site else None

    def areas_in(self, programme: str, school_year: str) -> frozenset[str]:
        return frozenset(area for area, count in self.areas[programme, school_year].items() if count > 0)

    def programmes_in(self, school_year: str) -> list[str]:
        return [
            programme for (programme, year), count in self.programme_years.items() if year == school_year and count > 0
        ]


def _put(things: dict[str, Any], id_: str, thing: object) -> None:
    if thing is None:
        things.pop(id_, None)
    else:
        things[id_] = thing


def _sites_of(years: dict[str, GroupRecorded] | None) -> list[str]:
    return [group.site_id for group in years.values()] if years else []


def _links(site: folds.Site | None) -> set[str]:
    return {link.site_id for record in site.records for link in record.links} if site else set()


def _asking(request: folds.Request | None) -> list[str]:
    return [request.raised.site_id, *request.raised.co_site_ids] if request and request.raised else []


def _asked_by(body: Any) -> list[str]:  # noqa: ANN401 - a body or none
    return [body.request_id] if body is not None and body.request_id else []


def _programme_years_of_activity(activity: folds.Activity | None) -> list[ProgrammeYear]:
    return _programme_years(activity.body.programme, activity.day) if activity else []


def _programme_years_of_request(request: folds.Request | None) -> list[ProgrammeYear]:
    if request is None or request.raised is None:
        return []
    return _programme_years(request.raised.programme, calendar_day(request.raised.raised_at))


def _programme_years(programme: str, day: date) -> list[ProgrammeYear]:
    return [(programme, period) for period in (school_year_of(day), *(each.isoformat() for each in standing_days(day)))]
