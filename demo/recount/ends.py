"""How referrals ended, in how many attempts requests were fulfilled, and what stayed unmet (rulings 28 to 30)."""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

from demo.recount.days import ProgrammeYear
from demo.recount.entities import Entities, Referral, Request
from demo.recount.events import Closure
from demo.recount.figures import Counted, KeyedFigure, decimal, key, share_of
from demo.recount.flow import is_without_broker
from demo.recount.sites import CITY


def rates(entities: Entities, year: ProgrammeYear) -> Iterator[KeyedFigure]:
    """Per unit of the asking site, and for the city per learning area of the referral."""
    referrals: dict[tuple[str, str], list[Referral]] = defaultdict(list)
    for request, units in _of(entities, year):
        # Choice (28): a referral counts in the year of its request, and in the areas that it is about itself.
        for referral in request.referrals:
            if not _is_nobodys(referral):
                for cell in _cells(units, referral.areas):
                    referrals[cell].append(referral)
    for (unit, stratum), made in referrals.items():
        for indicator, number in _rates(made).items():
            yield key(indicator, year.programme, unit, stratum, year.school_year), share_of(number, len(made))


def attempts(entities: Entities, year: ProgrammeYear) -> Iterator[KeyedFigure]:
    """Per unit of the asking site, and for the city per learning area of the request."""
    fulfilled: dict[tuple[str, str], list[int]] = defaultdict(list)
    for request, units in _of(entities, year):
        closure = _closure(request)
        # Choice (28): a request that was fulfilled without a referral had no attempt.
        if closure is not None and closure.outcome == "fulfilled" and request.referrals:
            for cell in _cells(units, request.raised.areas):
                fulfilled[cell].append(max(referral.attempt for referral in request.referrals))
    for (unit, stratum), highest in fulfilled.items():
        mean = Counted(
            measure="referrals",
            value=decimal(Fraction(sum(highest), len(highest))),
            numerator=sum(highest),
            denominator=(len(highest), len(highest)),
        )
        yield key("attempts-per-fulfilled-request", year.programme, unit, stratum, year.school_year), mean


def _of(entities: Entities, year: ProgrammeYear) -> Iterator[tuple[Request, set[str]]]:
    for request in entities.requests.values():
        if request.year == year:
            yield request, entities.sites.units([request.raised.site_id], request.raised_on)


def unmet(entities: Entities, year: ProgrammeYear) -> Iterator[KeyedFigure]:
    """Per neighbourhood and for the city by area and by reason; the share of all requests also per site."""
    asked: dict[tuple[str, str], list[bool]] = defaultdict(list)
    why: dict[tuple[str, str], int] = defaultdict(int)
    for request, units in _of(entities, year):
        areas, reason = _unmet(request)
        for unit in units:
            asked[unit, "all"].append(bool(areas))
            if not unit.startswith("site:"):
                for area in request.raised.areas:
                    asked[unit, area].append(area in areas)
                for area in areas:
                    why[unit, f"{area};{reason}"] += 1
    for (unit, stratum), found in asked.items():
        yield key("unmet-share", year.programme, unit, stratum, year.school_year), share_of(sum(found), len(found))
    for (unit, stratum), number in why.items():
        counted = Counted(measure="requests", value=decimal(number), numerator=number)
        yield key("unmet-requests", year.programme, unit, stratum, year.school_year), counted


def _cells(units: set[str], areas: frozenset[str]) -> set[tuple[str, str]]:
    return {(unit, "all") for unit in units} | {(CITY, area) for area in areas if CITY in units}


def _is_nobodys(referral: Referral) -> bool:
    """Another partner of the set accepted: it counts in no rate (28)."""
    return referral.ended is not None and referral.ended.reason == "other_partner_accepted"


def _rates(made: list[Referral]) -> dict[str, int]:
    how = [each.ended.how if each.ended else "" for each in made]
    return {
        "referrals-accepted": sum(bool(each.accepted_at) for each in made),
        "referrals-declined-late": sum(each.declined_late for each in made),
        "referrals-expired": how.count("expired"),
        "referrals-withdrawn": how.count("withdrawn"),
    }


def _closure(request: Request) -> Closure | None:
    closure = None
    for step in request.steps:
        if step.step == "closed":
            closure = step.closure
        elif step.step in {"reopened", "withdrawn"}:
            closure = None
    return closure


def _unmet(request: Request) -> tuple[frozenset[str], str]:
    """The unmet areas, and why (29)."""
    if is_without_broker(request):
        # Choice (29): the reason of what has no broker is that nobody offers it.
        return request.raised.areas, "no_offer_in_area"
    closure = _closure(request)
    if closure is None:
        return frozenset(), ""
    return closure.unmet, closure.reason or "not-said"
