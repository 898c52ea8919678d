"""Who sees which figures: those of a site its coordinator and its board, those of a city or a neighbourhood everyone
who is identified. Analysts and operators see all (lifecycles.md, *Who sees what*).

Of the events behind a figure a caller sees those that count for its own sites.
"""

from collections.abc import Collection
from datetime import date

from contracts.values import Actor
from services.chassis.running.database import Reader
from services.chassis.visibility import SEES_ALL

OF_ONE_ORGANISATION = ("site", "institution", "board")
"""The kinds of units whose figures not everyone sees."""
EVERYONES = f"unit !~ '^({'|'.join(OF_ONE_ORGANISATION)}):'"
"""The same in SQL, as the index `newest_for_everyone` has it."""
Own = Collection[str] | None
"""The units of one organisation whose figures a caller sees; None: all."""
_GOVERNED = "SELECT site_id FROM site_records WHERE board = $1 AND starts_or_first <= $2 AND $2 < ends"


async def own_units(db: Reader, by: Actor, day: date) -> Own:
    if by.role in SEES_ALL:
        return None
    if by.role == "coordinator":
        return [f"site:{by.organisation}"]
    if by.role == "board":
        governed = await db.fetch(_GOVERNED, by.organisation, day)
        return [f"board:{by.organisation}", *(f"site:{row['site_id']}" for row in governed)]
    return []


def sees(own: Own, unit: str) -> bool:
    return own is None or unit in own or unit.partition(":")[0] not in OF_ONE_ORGANISATION
