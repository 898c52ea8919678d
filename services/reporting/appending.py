"""Storing what records say. What cannot be stored is set aside alone."""

from collections.abc import Sequence

import asyncpg

from services.chassis.messaging.dead_letters import DeadLetter
from services.chassis.running import telemetry
from services.reporting import counts, fact_store
from services.reporting.reading import ReadFact


async def store_all(db: asyncpg.Connection, told: Sequence[ReadFact]) -> list[DeadLetter]:
    """Append these facts but the ones that cannot be stored, which are found by halves; returns their letters."""
    try:
        async with db.transaction():  # a savepoint
            await counts.append(db, [each.fact for each in told])
    except fact_store.UNSTORABLE as error:
        if len(told) == 1:
            ((fact, record),) = told
            why = telemetry.origin_in_words(error)
            return [DeadLetter(record, fact.topic, "cannot-be-stored", why, incarnation=fact.incarnation)]
    else:
        return []
    middle = len(told) // 2
    return [*await store_all(db, told[:middle]), *await store_all(db, told[middle:])]
