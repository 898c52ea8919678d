"""What a service makes of the commands of clients: a transaction with some of them.

Guarantee: each command has one outcome, staged with its effect; the same command again has no second effect, and gets
the same outcome again. Commands of one client about the same thing are decided in the order in which they are given,
also when one of them waits for what this service does not know yet.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from contracts.commands import MAX_COMMAND_BYTES, Asked, CommandEnvelope
from contracts.topics import service_of
from contracts.values import Actor
from services.chassis.checks import malformed
from services.chassis.clients import outcomes
from services.chassis.clients.outcomes import Outcome
from services.chassis.clients.registrations import Actors, actors_of
from services.chassis.commands import (
    Answer,
    Call,
    Command,
    IdempotencyKeyReused,
    NoBody,
    Owner,
    causation_of,
    digest_of,
    read_aside,
    recall,
    recalled,
    remember,
    run,
)
from services.chassis.messaging import outbox
from services.chassis.problems import Malformed, NotAllowed, NotFound, NotYetKnown, Problem, Unavailable, WrongField
from services.chassis.running import telemetry
from services.chassis.running.database import CommandTx, Transaction

PATIENCE = timedelta(seconds=30)  # an event takes less than one while all goes well; then somebody must look
# One round trip: which commands are new, for whom their clients may act, and what their commands that wait are about.
_CLAIM = """
WITH claimed AS (
    INSERT INTO client_commands (client, command_id, digest)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::bytea[]) ON CONFLICT DO NOTHING RETURNING client, command_id
)
SELECT 'new' AS what, client, command_id::text AS one, NULL AS other FROM claimed
UNION ALL SELECT 'actor', client, role, organisation FROM client_actors WHERE client = ANY($1)
UNION ALL SELECT 'awaited', client, about, NULL FROM client_commands
    WHERE waits_until IS NOT NULL AND about IS NOT NULL AND client = ANY($1)
"""
_KNOWN = """
SELECT client, command_id, digest, outcome FROM client_commands
JOIN unnest($1::text[], $2::uuid[]) AS asked (client, command_id) USING (client, command_id)
"""
_WAIT = """
UPDATE client_commands SET outcome = NULL, waits_until = $3, attributes = $4, about = $5
WHERE client = $1 AND command_id = $2
"""
_DECIDED = """
UPDATE client_commands SET outcome = $3, waits_until = NULL, attributes = NULL
WHERE client = $1 AND command_id = $2
"""

Id = tuple[str, UUID]
"""The client, and the id of its command."""


class UnknownCommand(NotFound):
    """There is no command of this type."""


class CommandTooLarge(Malformed):
    """The message is larger than a command may be."""

    status = 413


class WrongCommandSource(NotAllowed):
    """The source of a command names another client than its topic."""


class NotRegistered(NotAllowed):
    """The client is not registered to act for this role and organisation."""


@dataclass(frozen=True, slots=True)
class Given:
    """A command that this service has to answer, whatever is wrong with it."""

    client: str
    asked: Asked
    size: int
    """Bytes of the message."""

    @property
    def id(self) -> Id:
        return self.client, self.asked.command_id

    def digest(self) -> bytes:
        """Of what it says, not of how that is written."""
        said = {name: self.asked.attributes.get(name) for name in _SAYS}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()


_SAYS = ("type", "subject", "actingrole", "actingorganisation", "expectedversion", "data")


@dataclass(frozen=True, slots=True)
class Understood:
    """A command that can be carried out."""

    command: Command
    call: Call


class OneRejected(Exception):
    """One of the commands that were tried together is rejected: each must be tried in a way that can be undone."""


def understand(given: Given, commands: Mapping[str, Command], actors: Actors, at: datetime) -> Understood:
    """Raises the problem of one that cannot be carried out, whatever the state of things."""
    if given.size > MAX_COMMAND_BYTES:
        allowed = f"at most {MAX_COMMAND_BYTES} bytes"
        raise CommandTooLarge(f"The message has {given.size} bytes.", WrongField("data", None, allowed))
    command = commands.get(given.asked.type or "")
    if command is None:
        raise UnknownCommand(None, WrongField("type", given.asked.type, "a command of the service that it names"))
    try:
        envelope = CommandEnvelope.model_validate(given.asked.attributes)
    except ValidationError as error:
        raise malformed(error.errors()) from error
    if service_of(envelope.source) != given.client:
        raise WrongCommandSource(None, WrongField("source", None, f"urn:nld:oin:<oin>:systeem:{given.client}"))
    by = _actor(envelope, given.client, actors)
    return Understood(
        command,
        Call(
            by=by,
            at=at,
            subject=_subject(command, envelope),
            body=_body(command, given.asked.attributes.get("data")),
            key=str(envelope.id),
            expected_versions=None if envelope.expectedversion is None else {envelope.expectedversion},
            traceparent=envelope.traceparent,
        ),
    )


def _actor(envelope: CommandEnvelope, client: str, actors: Actors) -> Actor:
    mine = actors.get(client, ())
    if (envelope.actingrole, envelope.actingorganisation) not in mine:
        allowed = [f"{role} of {organisation}" for role, organisation in sorted(mine)]
        raise NotRegistered(
            f"{client} is not registered to act as {envelope.actingrole} of {envelope.actingorganisation}.",
            WrongField("actingorganisation", envelope.actingorganisation, allowed),
        )
    return Actor(role=envelope.actingrole, organisation=envelope.actingorganisation, actor=client)


def _subject(command: Command, envelope: CommandEnvelope) -> str | UUID | None:
    if (command.identified_by is None) != (envelope.subject is None):
        allowed = "the id of what is changed" if command.identified_by else "no subject: it has no id yet"
        raise Malformed(f"subject: {allowed}", WrongField("subject", None, allowed))
    return None if envelope.subject is None else command.read_subject(envelope.subject)


def _body(command: Command, data: Any) -> Any:  # noqa: ANN401 - any JSON in, a value out
    return NoBody() if data is None and command.body is NoBody else command.read(data)


@dataclass(slots=True)
class Decisions:
    """What is decided in one transaction."""

    tx: Transaction
    secret: bytes
    commands: Mapping[str, Command]
    is_careful: bool
    """Each command is tried in a way that can be undone by itself, and it is looked whether it was answered before,
    through the other door: that costs three round trips."""
    actors: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    stored: Mapping[Owner, Any] = field(default_factory=dict)
    """The answers of before, by key."""
    answers: list[tuple[Owner, bytes, Answer]] = field(default_factory=list)
    """The new answers."""
    outcomes: list[Outcome] = field(default_factory=list)
    messages: list[outbox.Staged] = field(default_factory=list)
    """What the commands announce: written to the journal at once."""
    awaited: set[tuple[str, str]] = field(default_factory=set)
    """What commands that wait are about, by client."""

    async def decide(self, given: Sequence[Given]) -> None:
        """All of these, in this order. Unless it is careful, raises `OneRejected` where a rule refuses one, and
        `AnsweredMeanwhile` where one was answered before through the other door."""
        new, again = await self._claim(given)
        await self._decide_new(new)
        await self._answer_again(again)

    async def decide_waiting(self, given: Given, waits_until: datetime) -> bool:
        """One that waits; whether it has its outcome now."""
        self.actors = await actors_of(self.tx.db, [given.client])
        is_late = self.tx.now >= waits_until
        (understood,) = await self._understood([given])
        await self._recall([understood])
        if not await self._decide_one(given, understood, may_wait=not is_late):
            return False
        version = await outcomes.next_version(self.tx, *given.id)
        self.outcomes = [_with_version(each, version) for each in self.outcomes]
        await self.tx.db.execute(_DECIDED, *given.id, version)
        await self._keep()
        return True

    async def reject(self, given: Given, problem: Problem) -> None:
        """One that was tried and failed for a reason that is no rule's."""
        new, _ = await self._claim([given])
        version = await outcomes.next_version(self.tx, *given.id)
        if not new:
            await self.tx.db.execute(_DECIDED, *given.id, version)
        self._reject(given, problem, version)
        await self._keep()

    async def _claim(self, given: Sequence[Given]) -> tuple[list[Given], list[Given]]:
        if not given:
            return [], []
        columns = [each.client for each in given], [each.asked.command_id for each in given]
        rows = await self.tx.db.fetch(_CLAIM, *columns, [each.digest() for each in given])
        claimed = set[Id]()
        for what, client, one, other in rows:
            if what == "new":
                claimed.add((client, UUID(one)))
            elif what == "actor":
                self.actors.setdefault(client, set()).add((one, other))
            else:
                self.awaited.add((client, one))
        new, again = list[Given](), list[Given]()
        for each in given:
            (new if each.id in claimed else again).append(each)
            claimed.discard(each.id)
        return new, again

    async def _decide_new(self, given: Sequence[Given]) -> None:
        understood = await self._understood(given)
        if self.is_careful:
            await self._recall(understood)
        for each, what in zip(given, understood, strict=True):
            about = _about(what)
            is_behind = about is not None and (each.client, about) in self.awaited
            if is_behind or not await self._decide_one(each, what, may_wait=True):
                await self._let_wait(each, about)
        await self._keep()

    async def _understood(self, given: Sequence[Given]) -> list[Understood | Problem]:
        found: list[Understood | Problem] = []
        for each in given:
            try:
                known = self.commands, self.actors, self.tx.now
                found.append(await read_aside(each.size, understand, each, *known))
            except Problem as problem:
                found.append(problem)
        return found

    async def _recall(self, understood: Sequence[Understood | Problem]) -> None:
        owners = [each.call.owner for each in understood if isinstance(each, Understood)]
        self.stored = await recall(self.tx.db, owners)

    async def _decide_one(self, given: Given, what: Understood | Problem, *, may_wait: bool) -> bool:
        """False: it names what is not known yet, and may wait for it."""
        trace = what.call.traceparent if isinstance(what, Understood) else None
        with telemetry.span(f"command {given.asked.type}", {"traceparent": trace} if trace else None):
            try:
                if isinstance(what, Problem):
                    raise what
                await self._carry_out(given, what)
            except Unavailable:
                raise
            except NotYetKnown as problem:
                if may_wait:
                    return False
                self._reject(given, problem)
            except Problem as problem:
                self._reject(given, problem)
        return True

    async def _carry_out(self, given: Given, what: Understood) -> None:
        command, call = what.command, what.call
        digest = await digest_of(command, call)
        causation = causation_of(call.by, call.owner[-1], self.secret)
        tx = CommandTx(
            self.tx.db,
            self.tx.now,
            self.tx.source,
            self.tx.epoch,
            causation,
            telemetry.traceparent(),
            held_back=self.messages,
            held_off=set() if self.is_careful else self.tx.held_off,
            known={} if self.is_careful else self.tx.known,
            by=call.by,
            expected_versions=call.expected_versions,
        )
        if (before := self.stored.get(call.owner)) is not None:
            answer = recalled(before, digest)
        else:
            answer = await self._run(tx, what)
            self.answers.append((call.owner, digest, answer))
        event = outcomes.accepted(tx, given.asked.command_id, given.asked.type or "", command, answer)
        self.outcomes.append(Outcome(given.client, event, 1, causation, tx.traceparent))

    async def _run(self, tx: CommandTx, what: Understood) -> Answer:
        if self.is_careful:
            before = len(self.messages)
            try:
                async with tx.db.transaction():
                    return await run(tx, what.command, what.call)
            except Problem:
                del self.messages[before:]
                raise
        try:
            return await run(tx, what.command, what.call)
        except Unavailable:
            raise
        except Problem as problem:
            raise OneRejected from problem

    def _reject(self, given: Given, problem: Problem, version: int = 1) -> None:
        event = outcomes.rejected(self.tx, given.asked.command_id, given.asked.type, problem)
        self.outcomes.append(Outcome(given.client, event, version, None, telemetry.traceparent()))

    async def _let_wait(self, given: Given, about: str | None) -> None:
        attributes = json.dumps(dict(given.asked.attributes)).encode()
        await self.tx.db.execute(_WAIT, *given.id, self.tx.now + PATIENCE, attributes, about)
        if about is not None:
            self.awaited.add((given.client, about))

    async def _keep(self) -> None:
        await remember(self.tx, self.answers)
        await outbox.stage(self.tx, [*self.messages, *outcomes.encoded(self.tx, self.outcomes)])
        self.answers, self.outcomes, self.messages = [], [], []

    async def _answer_again(self, again: Sequence[Given]) -> None:
        if not again:
            return
        columns = [each.client for each in again], [each.asked.command_id for each in again]
        known = {(row["client"], row["command_id"]): row for row in await self.tx.db.fetch(_KNOWN, *columns)}
        for each in again:
            row = known[each.id]
            if row["digest"] != each.digest():
                reused = IdempotencyKeyReused(None, WrongField("id", None, "an id that was not used before"))
                self._reject(each, reused, await outcomes.next_version(self.tx, *each.id))
                await self._keep()
            elif row["outcome"] is not None:  # else it waits, and its outcome comes
                await outcomes.stage_again(self.tx, *each.id, row["outcome"])


def _about(what: Understood | Problem) -> str | None:
    if isinstance(what, Problem) or what.call.subject is None:
        return None
    return f"{what.command.kind}:{what.call.subject}"


def _with_version(outcome: Outcome, version: int) -> Outcome:
    return Outcome(outcome.client, outcome.event, version, outcome.causation, outcome.traceparent)
