"""What becomes of a command, as the client hears it.

Guarantee: an outcome is staged in the transaction that has its effect, addressed to the topic of the client that gave
the command. Whatever was refused, and why, its outcome can be written and fits into an event.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from contracts.outcomes import (
    MAX_LIKELY_DOUBLES,
    MAX_WARNINGS,
    CommandAccepted,
    CommandRejected,
    Warned,
    outcome_topic,
)
from contracts.outcomes import Problem as PublishedProblem
from services.chassis.commands import Answer, Command
from services.chassis.http.answers import problem_body
from services.chassis.messaging import outbox
from services.chassis.problems import Problem
from services.chassis.running.database import Transaction

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_STAGED = "SELECT position, topic, key, event_id FROM journal WHERE aggregate = $1 AND topic = $2 AND version = $3"
_NEWEST = "SELECT coalesce(max(version), 0) FROM journal WHERE aggregate = $1 AND topic = $2"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Which client hears what, in which trace and because of what."""

    client: str
    event: CommandAccepted | CommandRejected
    version: int = 1
    causation: str | None = None
    traceparent: str | None = None


def accepted(tx: Transaction, command_id: UUID, type_: str, command: Command, answer: Answer) -> CommandAccepted:
    assert answer.subject is not None, "what is done with one thing, or makes one"
    assert answer.version is not None, "as above"
    shown = from_json(answer.view)
    return CommandAccepted(
        command_id=command_id,
        command=type_,
        aggregate_kind=command.kind,
        aggregate_id=answer.subject,
        aggregate_version=answer.version,
        warnings=tuple(Warned(**each) for each in shown.get("warnings", ())[:MAX_WARNINGS]) or None,
        likely_doubles=tuple(map(UUID, shown.get("likelyDoubles", ())[:MAX_LIKELY_DOUBLES])) or None,
        accepted_at=tx.now,
    )


def rejected(tx: Transaction, command_id: UUID, type_: str | None, problem: Problem) -> CommandRejected:
    body = problem_body(problem)
    errors = [{name: said for name, said in map(_kept, each.items()) if said is not None} for each in body["errors"]]
    published = PublishedProblem.model_validate({**body, "detail": _visible(body["detail"]), "errors": errors})
    return CommandRejected(command_id=command_id, command=type_, problem=published, rejected_at=tx.now)


def _kept(named: tuple[str, Any]) -> tuple[str, Any]:
    name, said = named
    return name, _visible(said)


def _visible(said: Any) -> Any:  # noqa: ANN401 - any JSON
    """As an event may hold it: nothing is null, decimal numbers are texts, and no text has a control character."""
    match said:
        case str():
            return _CONTROL.sub(" ", said)
        case float():
            return str(said)
        case list():
            return [_visible(each) for each in said if each is not None]
        case dict():
            return {_visible(name): _visible(each) for name, each in said.items() if each is not None}
    return said


def encoded(tx: Transaction, outcomes: Sequence[Outcome]) -> list[outbox.Staged]:
    return [staged for each in outcomes for staged in _encoded(tx, each)]


def _encoded(tx: Transaction, outcome: Outcome) -> list[outbox.Staged]:
    """Of a problem with more wrong fields than fit into an event, the first ones."""
    its = Transaction(tx.db, tx.now, tx.source, tx.epoch, outcome.causation, outcome.traceparent)
    event = outcome.event
    while True:
        try:
            key = str(event.command_id)
            made = outbox.encoded(its, event, key=key, epoch=tx.epoch, version=outcome.version)
        except outbox.EventTooLarge:
            assert isinstance(event, CommandRejected), "what was accepted is told in a few words"
            fewer = event.problem.errors[: len(event.problem.errors) // 2]
            event = event.model_copy(update={"problem": event.problem.model_copy(update={"errors": fewer})})
        else:
            return [staged._replace(topic=outcome_topic(outcome.client)) for staged in made]


async def stage_again(tx: Transaction, client: str, command_id: UUID, version: int) -> None:
    await outbox.stage_again(tx, await tx.db.fetch(_STAGED, _aggregate(command_id), outcome_topic(client), version))


async def next_version(tx: Transaction, client: str, command_id: UUID) -> int:
    """Of what is said about this id: 1, unless something else was said before."""
    newest: int = await tx.db.fetchval(_NEWEST, _aggregate(command_id), outcome_topic(client))
    return newest + 1


def _aggregate(command_id: UUID) -> str:
    return f"{CommandAccepted.aggregate}:{command_id}"
