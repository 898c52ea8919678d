"""Restorations: how a service rolled forward after its database was restored to an earlier point.

It notices a restore by itself; an operator can also say so, and demand an epoch above the one of false events. The
command only leaves the wish: whoever reads the topics carries it out within seconds (`messaging/roll_forward.py`),
because reading them takes longer than a transaction may.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import Path
from pydantic import Field

from contracts.envelope import MAX_EPOCH
from contracts.values import NUMBER, Instant, Value
from services.chassis.commands import Command, Commands, Done
from services.chassis.http.parameters import CurrentCaller, ReadPool, ShortText
from services.chassis.http.queries import query_routes
from services.chassis.life_cycle import check_operator
from services.chassis.messaging import outbox
from services.chassis.problems import NotFound, WrongField
from services.chassis.running.database import CommandTx

commands = Commands()
queries = query_routes()

NAMED = 200  # events that an answer names: enough to see what they have in common
_ASK = "INSERT INTO restorations (restoration_id, asked_at, least_epoch) VALUES ($1, $2, $3)"
_FIND = """
SELECT restoration_id, asked_at, done_at, epoch, recovered, left_out[:$2] AS left_out,
    cardinality(left_out) AS left_out_count
FROM restorations WHERE restoration_id = $1
"""


class NoSuchRestoration(NotFound):
    """This service was not asked for such a restoration."""


class Restore(Value):
    """The database of this service was restored to an earlier point: let it roll forward, and raise its epoch."""

    epoch: Annotated[int, Field(ge=1, le=MAX_EPOCH), NUMBER] | None = None
    """At least this epoch: above the one of false events that somebody else wrote."""


class RestorationView(Value):
    """How far a restoration is, and what it did."""

    restoration_id: UUID
    asked_at: Instant
    state: Literal["waiting", "done"]
    epoch: int | None = None
    """The epoch of what this service announces from now on."""
    recovered: int | None = None
    """Events that are in the journal again."""
    left_out: Annotated[tuple[ShortText, ...], Field(max_length=NAMED)] = ()
    """The first 200 that could not go back: their version was issued again, or one before them is on no topic."""
    left_out_count: int | None = None


async def _restore(tx: CommandTx, _: None, body: Restore) -> Done:
    check_operator("let a service roll forward", tx.by)
    restoration_id = outbox.new_id()
    await tx.db.execute(_ASK, restoration_id, tx.now, body.epoch or 1)
    view = RestorationView(restoration_id=restoration_id, asked_at=tx.now, state="waiting")
    return Done(str(restoration_id), None, view)


commands.add(
    Command(
        name="restore",
        about="Say that the database of this service was restored to an earlier point. It reads its own topics, puts"
        " what its journal lacks back into journal and tables, and raises its epoch. Read the restoration to see when.",
        kind="restoration",
        collection="restorations",
        status=202,
        body=Restore,
        example={"epoch": 3},
        view=RestorationView,
        run=_restore,
    )
)


@queries.get("/v1/restorations/{restorationId}", tags=["restorations"], responses={403: {}})
async def show_restoration(
    restoration_id: Annotated[UUID, Path(alias="restorationId")], db: ReadPool, caller: CurrentCaller
) -> RestorationView:
    """How far a restoration is, and what it did; for operators."""
    check_operator("read about restorations", caller.actor)
    row = await db.fetchrow(_FIND, restoration_id, NAMED)
    if row is None:
        raise NoSuchRestoration(None, WrongField("restorationId", str(restoration_id), "the id of a restoration"))
    return _view(row)


def _view(row: asyncpg.Record) -> RestorationView:
    known: dict[str, Any] = dict(row)
    done_at: datetime | None = known.pop("done_at")
    known["left_out"] = known["left_out"] or ()
    return RestorationView(**known, state="done" if done_at else "waiting")
