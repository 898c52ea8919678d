"""Rebuilds in PostgreSQL: asked for or begun after a loss, and how each ended."""

import json
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.chassis.running.database import Connection, Reader


async def request_rebuild(db: Connection, rebuild_id: UUID, cause: str, at: datetime) -> bool:
    """False when one was asked for that has not finished yet."""
    return bool(
        await db.fetchval(
            "INSERT INTO rebuilds (rebuild_id, cause, requested_at) VALUES ($1, $2, $3)"
            " ON CONFLICT (cause) WHERE cause = 'asked' AND finished_at IS NULL DO NOTHING RETURNING true",
            rebuild_id,
            cause,
            at,
        )
    )


class UnfinishedRebuild(NamedTuple):
    """A rebuild that has not finished."""

    rebuild_id: UUID
    began_at: datetime | None
    cut_id: int | None
    """After a loss: the cut that it proves."""


async def unfinished_rebuild(db: Connection, cause: str) -> UnfinishedRebuild | None:
    row = await db.fetchrow(
        "SELECT rebuild_id, began_at, cut_id FROM rebuilds WHERE finished_at IS NULL AND cause = $1"
        " ORDER BY rebuild_id LIMIT 1",
        cause,
    )
    return UnfinishedRebuild(*row) if row else None


async def begin_rebuild(db: Connection, rebuild_id: UUID, at: datetime, cut_id: int | None = None) -> None:
    await db.execute("UPDATE rebuilds SET began_at = $2, cut_id = $3 WHERE rebuild_id = $1", rebuild_id, at, cut_id)


async def finish_rebuild(db: Connection, rebuild_id: UUID, outcome: dict[str, Any], at: datetime) -> None:
    await db.execute(
        "UPDATE rebuilds SET finished_at = $2, outcome = $3 WHERE rebuild_id = $1", rebuild_id, at, json.dumps(outcome)
    )


async def rebuilds(db: Reader, rebuild_id: UUID | None = None) -> list[dict[str, Any]]:
    rows = await db.fetch(
        "SELECT rebuild_id, cause, requested_at, finished_at, outcome FROM rebuilds"
        " WHERE $1::uuid IS NULL OR rebuild_id = $1 ORDER BY rebuild_id DESC LIMIT 50",
        rebuild_id,
    )
    return [
        {
            "rebuildId": str(row["rebuild_id"]),
            "cause": row["cause"],
            "requestedAt": row["requested_at"].isoformat(),
            "finishedAt": row["finished_at"].isoformat() if row["finished_at"] else None,
            "outcome": json.loads(row["outcome"]) if row["outcome"] else None,
        }
        for row in rows
    ]
