"""Which schools are short of what was agreed, and what each is missing, and what could still decide it.

Read from what the figures of the newest cut were added up of. Counted are activities and groups, never children of one
group.
"""

from collections.abc import Collection, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

from services.chassis.running.database import Reader
from services.reporting.who_sees import Own

READINGS = {f"adoption-{reading}": reading for reading in ("strict", "loose", "declared")}
"""The indicators of adoption, and what their family calls them."""
MAX_SCHOOLS = 200  # of which each is looked at: some have a thousand activities, and a page is there at once
# Schools of the unit that a reading does not count, each with its activities for children in the trailing year.
_SHORT = """
WITH schools AS (
    SELECT subject AS site_id, amounts[array_position(components, 'loose')] > 0 AS is_loose
    FROM counts_adoption
    WHERE (programme, period, stratum) = ($1, $2::text, 'all') AND $3 = ANY (units)
        AND ($4::text[] IS NULL OR units && $4) AND amounts[array_position(components, $5)] = 0
)
SELECT schools.site_id, is_loose,
    count(activity_id) FILTER (WHERE substitution = 'replaces' AND NOT is_confirmed) AS unconfirmed,
    count(activity_id) FILTER (WHERE substitution = 'unknown') AS unclassified,
    array_agg(activity_id) FILTER (WHERE substitution = 'replaces' AND NOT is_confirmed) AS activity_ids
FROM schools LEFT JOIN (
    SELECT activity_sites.site_id, activity_id, is_confirmed, substitution
    FROM activity_sites JOIN activities USING (activity_id)
    WHERE programme = $1 AND audience = 'children'
        AND day <= $2::text::date AND $2::text::date - interval '1 year' < day
) AS held USING (site_id)
GROUP BY schools.site_id, is_loose ORDER BY schools.site_id
"""
_OF_SCHOOLS = """
SELECT site_id, data::json ->> 'lower' AS lower, data::json ->> 'upper' AS upper,
    data::json -> 'denominator' ->> 'upper' AS children, coalesce(data::json ->> 'toConfirm', '0')::int AS to_confirm
FROM newest JOIN site_records ON unit = 'site:' || site_id
WHERE (indicator, programme, period, stratum) = ($1, $2, $3, 'all') AND kinds && $4
    AND starts_or_first <= make_date(left($3, 4)::int, 8, 1) AND make_date(left($3, 4)::int, 8, 1) < ends
    AND ($5::text[] IS NULL OR unit = ANY ($5)) AND data::json ->> 'lower' IS NOT NULL
ORDER BY site_id
"""


class School(NamedTuple):
    """One that a reading of adoption does not count."""

    site_id: str
    is_loose: bool
    """Whether it has a confirmed activity that replaces, and only the joint one is missing."""
    unconfirmed: int
    """Activities that replace, and that it did not confirm."""
    unclassified: int
    """Activities of which nobody said whether they replace."""


class Reach(NamedTuple):
    """A school that surely reached fewer children than was agreed."""

    site_id: str
    gap: int
    """How many children more would meet it (ruling 15)."""
    to_confirm: int
    """Groups that may have the answer."""
    is_undecided: bool
    """Whether it may have been met: some groups are not counted exactly."""


class Unconfirmed(NamedTuple):
    """What is not confirmed at schools that are not counted; absent where they are too many to look at each."""

    activities: int | None = None
    schools: int | None = None


async def of_adoption(
    db: Reader, programme: str, indicator: str, day: str, own: Own, unit: str = "city"
) -> list[School]:
    rows = await db.fetch(_SHORT, programme, day, unit, own, READINGS[indicator])
    return [School(row["site_id"], row["is_loose"], row["unconfirmed"], row["unclassified"]) for row in rows]


async def unconfirmed(db: Reader, figure: Mapping[str, Any]) -> Unconfirmed | None:
    """What a reading of adoption does not count because no school confirmed it; None for all other figures, and for
    what schools declare."""
    if READINGS.get(figure["indicator"], "declared") == "declared" or "denominator" not in figure:
        return None
    if figure["denominator"]["upper"] > MAX_SCHOOLS:
        return Unconfirmed()
    reading = READINGS[figure["indicator"]]
    rows = await db.fetch(_SHORT, figure["programme"], figure["period"], figure["unit"], None, reading)
    ids = {activity_id for row in rows for activity_id in row["activity_ids"] or ()}
    return Unconfirmed(len(ids), sum(1 for row in rows if row["unconfirmed"]))


async def of_reach(
    db: Reader, programme: str, indicator: str, year: str, kinds: Collection[str], share: Decimal, own: Own
) -> list[Reach]:
    found = []
    for row in await db.fetch(_OF_SCHOOLS, indicator, programme, year, kinds, own):
        wanted = share * int(row["children"])
        gap = int((wanted - Decimal(row["lower"])).to_integral_value(ROUND_CEILING))
        if gap > 0:
            found.append(Reach(row["site_id"], gap, row["to_confirm"], Decimal(row["upper"]) >= wanted))
    return found
