"""Who sees what: a caller sees what its organisation is a party to; operators and analysts see all.

What a caller does not see is not there: 404 by its path, on no list, and named in a body as something that this service
does not know yet. One table (`PARTY_OF`) says which party a role speaks for; the rules say who an object's parties are.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from contracts.values import Actor, Role
from services.chassis.life_cycle import EVERYONE, Parties
from services.chassis.records import Records
from services.chassis.running.database import Reader

PARTY_OF: Mapping[Role, str] = {
    "coordinator": "site",
    "board": "site",
    "consultant": "broker",
    "broker_lead": "broker",
    "partner": "partner",
}
"""The party to which a role's organisation may belong; a board speaks for the sites that it governs."""
SEES_ALL: frozenset[Role] = frozenset({"operator", "analyst"})
_ANYBODY = "*"

Audience = Collection[str] | None
"""Whom a caller speaks for, each as `party:organisation`; None: it sees all."""


async def audience_of(db: Reader, by: Actor, sites: Records[Any], day: date) -> Audience:
    if by.role in SEES_ALL:
        return None
    if by.role == "board":
        return _named("site", await sites.having(db, "board", by.organisation, day))
    return _named(PARTY_OF[by.role], (by.organisation, _ANYBODY)) if by.role in PARTY_OF else ()


def named(parties: Parties) -> list[str]:
    """The parties of an object as a list finds them, each as `party:organisation`."""
    return [
        name
        for party, members in parties.items()
        for name in _named(party, (_ANYBODY,) if members is EVERYONE else members)
    ]


def sees(audience: Audience, parties: Parties) -> bool:
    return audience is None or not set(audience).isdisjoint(named(parties))


def _named(party: str, organisations: Iterable[str]) -> list[str]:
    return [f"{party}:{organisation}" for organisation in organisations]
