"""Commands: what somebody asks a service to do, written once and given through any door.

A door (HTTP; a command topic) says who asks, when, what and under which key; `carry_out` does the rest in one
transaction: load, check the version, decide, evolve, save, stage, answer. Guarantee: a command that was answered is
committed, with its events in the journal; the same command with the same key again gets the same answer and has no
second effect. A refused command changes nothing.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from inspect import signature
from itertools import groupby
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import asyncpg
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from contracts.events import Event
from contracts.values import Actor, Identifier, Value
from services.chassis.aggregates import Aggregate, Thing
from services.chassis.checks import check_personal_data, half_character_in, malformed, wrong_fields
from services.chassis.life_cycle import Parties, Step, step_of
from services.chassis.problems import Malformed, NotFound, Problem, RuleSaysNo, Unavailable, WrongField
from services.chassis.records import Records
from services.chassis.running.database import CommandTx, Database, Reader, Transaction
from services.chassis.visibility import Audience, audience_of, sees

_RECALL = """
SELECT organisation, role, actor, key, digest, subject, version, view
FROM idempotency JOIN unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS asked (organisation, role, actor, key)
USING (organisation, role, actor, key)
"""
REMEMBER = """
INSERT INTO idempotency (organisation, role, actor, key, digest, subject, version, view)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::integer[], $8::bytea[]
) ON CONFLICT DO NOTHING
"""
READ_AT_ONCE = 4 * 1024  # bytes: read in about a millisecond, and in 0.2 s at worst; few commands are longer
_READER = ThreadPoolExecutor(1, "bodies")
"""Reads what is longer; one at a time, so that the event loop has half of the process."""

Events = Event | Sequence[Event]
"""What a command makes happen, in this order: each event changes the aggregate that it is about."""


Read = TypeVar("Read")
Decide = TypeVar("Decide", bound=Callable[..., Awaitable[Events]])
"""The transaction, what it changes unless it makes it, and the body, in: what happens, out."""
FullView = Callable[[CommandTx, Thing], Awaitable[Value]]


class NoBody(Value):
    """A command that says it all by its address: `{}`, or no body."""


Owner = tuple[str, str, str, str]
"""Organisation, role and actor of a caller, and the key of a command."""


class AnsweredMeanwhile(Exception):
    """A command with this key was answered before, or through another door at the same time: look again."""


class IdempotencyKeyReused(RuleSaysNo):
    """This Idempotency-Key was used for another command; use a new one."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did: what it changed or made, the version of that, and how it is shown to the caller."""

    subject: str | None
    version: int | None
    view: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a service, as its doors need it."""

    name: str
    """Unique in its service, and the operation id of its route."""
    about: str
    """What it does, for people."""
    kind: str
    """What it changes or makes, such as `referral`."""
    collection: str
    """The plural noun under which it is addressed, such as `referrals`."""
    noun: str | None = None
    """What is posted to one of them, such as `acceptances`."""
    method: str = "POST"
    status: int = 201
    identified_by: type | Any = None
    """The type of its subject's id; None when it has none yet."""
    body: type[Value]
    in_lines: bool = False
    """The body is one value or more, a line each."""
    view: type[Value]
    step: Step[Any] | None = None
    """Its row in a life cycle."""
    event: type[Event] | None = None
    """What it announces, if it announces anything."""
    example: Mapping[str, Any] | None = None
    """A body as callers write it; without one, its description shows what the example of its event says."""
    in_base64: frozenset[str] = frozenset()
    """Fields of its body that hold bytes: it looks for personal data in what they say, not in how they are written."""
    has_address: bool = True
    """What it makes can be read by its id."""
    run: Callable[[CommandTx, Any, Any], Awaitable[Done]]

    @property
    def subject_field(self) -> str:
        return f"{self.kind}Id"

    def read_subject(self, said: str) -> str | UUID:
        """The id of what is to be changed; raises `PersonalData` or `Malformed`."""
        check_personal_data({self.subject_field: said})
        try:
            subject: str | UUID = _adapter(self.identified_by).validate_python(said)
        except ValidationError as error:
            (why,) = error.errors()
            (wrong,) = wrong_fields([why])
            raise Malformed(
                f"{self.subject_field}: {why['msg']}", WrongField(self.subject_field, said, wrong.allowed)
            ) from error
        return subject

    def read_json(self, text: bytes, *, within: str = "") -> Value:
        """The body in a JSON text; raises as `read`, or `Malformed` when it is not JSON."""
        try:
            said = from_json(text)  # with NaN and the like, so that the body's type names their field
        except ValueError as error:
            field = f"{within}{half_character_in(text) or 'body'}"
            raise Malformed(f"{field} is not JSON: {error}", WrongField(field, None, "a JSON object")) from error
        return self.read(said, within=within)

    def read(self, said: Any, *, within: str = "") -> Value:  # noqa: ANN401 - any JSON
        """The body in parsed JSON; raises `PersonalData`, or `Malformed` with every wrong field."""
        is_object = isinstance(said, dict) and self.in_base64
        in_words = {name: text for name, text in said.items() if name not in self.in_base64} if is_object else said
        check_personal_data(in_words, within=within)
        try:
            return self.body.model_validate(said)
        except ValidationError as error:
            raise malformed(error.errors(), within=within) from error


async def read_aside(size: int, read: Callable[..., Read], *arguments: Any) -> Read:  # noqa: ANN401 - what it takes
    """What a body of so many bytes says: of a long one in a thread, so that the event loop goes on meanwhile."""
    if size <= READ_AT_ONCE:
        return read(*arguments)
    return await asyncio.get_running_loop().run_in_executor(_READER, read, *arguments)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type
    return TypeAdapter(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command that was given: by whom, when, about what, and under which key."""

    by: Actor
    at: datetime
    subject: str | UUID | None = None
    body: Value | Sequence[Value]
    key: str | None = None
    """Told apart per organisation, role and actor. Without one, a repeated command is carried out again."""
    expected_versions: Collection[int] | None = None
    """The version that the caller has read, or those that will do."""
    traceparent: str | None = None

    @property
    def owner(self) -> Owner:
        assert self.key is not None, "a command without a key is nobody's to repeat"
        return self.by.organisation, self.by.role, self.by.actor, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to whoever gave the command; the same each time that the command comes again."""

    subject: str | None
    version: int | None
    view: bytes
    """JSON."""
    is_replayed: bool = False


async def carry_out(database: Database, command: Command, call: Call) -> Answer:
    """Do what a caller asks, once for each key. Raises the problem that says why not.

    That a command came before is seen when its answer is kept, or when it is refused: most come once, and that costs no
    look.
    """
    digest = b"" if call.key is None else await digest_of(command, call)
    try:
        async with database.command(
            by=call.by,
            at=call.at,
            causation=call.key and causation_of(call.by, call.key, database.secret),
            traceparent=call.traceparent,
            expected_versions=call.expected_versions,
        ) as tx:
            answer = await run(tx, command, call)
            if call.key is not None:
                await remember(tx, [(call.owner, digest, answer)])
    except (AnsweredMeanwhile, Problem) as error:
        if call.key is None or isinstance(error, Unavailable):
            raise
        before = (await recall(database.pool, [call.owner])).get(call.owner)
        if before is None:
            raise
        return recalled(before, digest)
    return answer


async def run(tx: CommandTx, command: Command, call: Call) -> Answer:
    """Do it in this transaction, whether or not it was done before."""
    done = await command.run(tx, call.subject, call.body)
    view = done.view.model_dump_json(by_alias=True, exclude_none=True).encode()
    return Answer(subject=done.subject, version=done.version, view=view)


async def recall(db: Reader, owners: Collection[Owner]) -> dict[Owner, asyncpg.Record]:
    rows = await db.fetch(_RECALL, *map(list, zip(*owners, strict=True))) if owners else []
    return {(row["organisation"], row["role"], row["actor"], row["key"]): row for row in rows}


async def remember(tx: Transaction, answers: Sequence[tuple[Owner, bytes, Answer]]) -> None:
    """Keep the answers to commands with these keys and digests. Raises `AnsweredMeanwhile`."""
    if answers:
        rows = [(*owner, digest, answer.subject, answer.version, answer.view) for owner, digest, answer in answers]
        done = await tx.db.execute(REMEMBER, *map(list, zip(*rows, strict=True)))
        if done != f"INSERT 0 {len(rows)}":
            raise AnsweredMeanwhile


def causation_of(by: Actor, key: str, secret: bytes) -> str:
    """What stands for a command as the cause of its events: the same each time that it comes, and without the key, in
    which a caller may have written anything."""
    said = f"{by.organisation}\0{by.role}\0{by.actor}\0{key}"
    return hmac.digest(secret, said.encode(), "sha256").hex()


async def digest_of(command: Command, call: Call) -> bytes:
    """Of what was read, not of how it was written: spaces, the order of keys and defaults say nothing."""
    if isinstance(call.body, Value):
        return _digest(command, call.subject, [call.body])
    # 22,000 lines take a quarter of a second, in which the event loop goes on.
    return await asyncio.to_thread(_digest, command, call.subject, call.body)


def _digest(command: Command, subject: str | UUID | None, bodies: Sequence[Value]) -> bytes:
    digest = hashlib.sha256(f"{command.name}\0{subject}\0".encode())
    for body in bodies:
        digest.update(body.model_dump_json().encode() + b"\n")
    return digest.digest()


def recalled(stored: asyncpg.Record, digest: bytes) -> Answer:
    """The answer that was kept. Raises `IdempotencyKeyReused` where that was to something else."""
    if stored["digest"] != digest:
        raise IdempotencyKeyReused(None, WrongField("Idempotency-Key", None, "a key that was not used before"))
    return Answer(subject=stored["subject"], version=stored["version"], view=stored["view"], is_replayed=True)


@dataclass(slots=True)
class Commands:
    """The commands of a service, by name; what is registered here has a route."""

    by_name: dict[str, Command] = field(default_factory=dict)

    def add(self, command: Command) -> None:
        if command.name in self.by_name:
            raise ValueError(f"there are two commands {command.name}")
        self.by_name[command.name] = command

    def include(self, *others: "Commands") -> None:
        for command in [command for each in others for command in each.by_name.values()]:
            self.add(command)


@dataclass(slots=True, kw_only=True)
class AggregateCommands(Commands, Generic[Thing]):
    """The commands that change one kind of aggregate, each a row of its life cycle.

    A command's function is given what it changes and decides; everything around that is written here, once.
    """

    aggregate: Aggregate[Thing]
    steps: Sequence[Step[Any]]
    collection: str
    view: Callable[[Thing, Actor, date], Value]
    """As a caller sees it on a day, with what it may do."""
    shows: type[Value]
    missing: type[NotFound]
    parties: Callable[[Thing], Parties]
    """Who sees it; to everybody else it is missing."""
    sites: Records[Any]
    """With the boards that govern them, which see what their sites see."""
    also: Sequence[Aggregate[Any]] = ()
    """Other aggregates that its events may be about."""

    def creates(self, action: str, *, view: FullView[Thing] | None = None) -> Callable[[Decide], Decide]:
        """Register what brings one into being: `POST /v1/{collection}`. `view`: what only its maker is shown."""

        def register(decide: Decide) -> Decide:
            async def run(tx: CommandTx, _: None, body: Value) -> Done:
                thing = await self._announce(tx, None, await decide(tx, body), body)
                return self._done(tx, thing, await view(tx, thing) if view else None)

            self._add(action, decide, run, name=to_camel(decide.__name__))
            return decide

        return register

    def to(self, noun: str, *, view: FullView[Thing] | None = None) -> Callable[[Decide], Decide]:
        """Register what is done with one of them, named as its action: `POST /v1/{collection}/{id}/{noun}`. `view`: as
        for `creates`."""

        def register(decide: Decide) -> Decide:
            self._add_change(noun, decide, decide, view)
            return decide

        return register

    def by_rule(self, noun: str, rule: Callable[..., Event]) -> None:
        """As `to`, for a rule that needs nothing else than what it changes, the body, who asks and when."""
        takes_body = _body_of(rule) is not NoBody

        async def decide(tx: CommandTx, thing: Thing, body: Value) -> Events:
            return rule(thing, *([body] if takes_body else []), by=tx.by, at=tx.now)

        self._add_change(noun, rule, decide)

    def _add_change(
        self,
        noun: str,
        named: Callable[..., Any],
        decide: Callable[[CommandTx, Thing, Value], Awaitable[Events]],
        view: FullView[Thing] | None = None,
    ) -> None:
        async def run(tx: CommandTx, subject: UUID, body: Value) -> Done:
            thing = await self._load(tx, subject)
            tx.check_version(thing.version)
            thing = await self._announce(tx, thing, await decide(tx, thing, body), body)
            return self._done(tx, thing, await view(tx, thing) if view else None)

        name = to_camel(f"{named.__name__}_{self.aggregate.kind}")
        self._add(named.__name__.replace("_", "-"), named, run, name=name, noun=noun, identified_by=UUID)

    def _add(self, action: str, named: Callable[..., Any], run: Callable[..., Any], **more: Any) -> None:  # noqa: ANN401
        step = step_of(self.steps, action)
        self.add(
            Command(
                about=named.__doc__ or "",
                kind=self.aggregate.kind,
                collection=self.collection,
                body=_body_of(named),
                view=self.shows,
                step=step,
                event=step.event,
                run=run,
                **more,
            )
        )

    async def _load(self, tx: CommandTx, subject: UUID) -> Thing:
        thing = await self.aggregate.load(tx, subject)
        if thing is None or not sees(await self._audience(tx), self.parties(thing)):
            kind = self.aggregate.kind
            raise self.missing(None, WrongField(f"{kind}Id", str(subject), f"the id of a known {kind}"))
        return thing

    async def _audience(self, tx: CommandTx) -> Audience:
        return await audience_of(tx.db, tx.by, self.sites, tx.today)

    def _done(self, tx: CommandTx, thing: Thing, view: Value | None = None) -> Done:
        return Done(str(thing.id), thing.version, view or self.view(thing, tx.by, tx.today))

    async def _announce(self, tx: CommandTx, thing: Thing | None, events: Events, body: Value) -> Thing:
        every = (events,) if isinstance(events, Event) else events
        (_, own), *others = [(about, list(some)) for about, some in groupby(every, _about)]
        thing = await self.aggregate.announce(tx, thing, *own)
        if comment := getattr(body, "comment", None):
            await self.aggregate.save_comment(tx, thing, comment)
        for (kind, subject), theirs in others:
            await self._announce_other(tx, kind, subject, theirs)
        return thing

    async def _announce_other(self, tx: CommandTx, kind: str, subject: str, events: Sequence[Event]) -> None:
        aggregate = next(each for each in (self.aggregate, *self.also) if each.kind == kind)
        await aggregate.announce(tx, await aggregate.load(tx, UUID(subject)), *events)


def _body_of(function: Callable[..., Any]) -> type[Value]:
    """The type of a command's body: that of the last positional parameter, unless that is what the command changes."""
    *_, last = (each for each in signature(function).parameters.values() if each.kind is not each.KEYWORD_ONLY)
    body: type[Value] = last.annotation if issubclass(last.annotation, Value) else NoBody
    return body


def _about(event: Event) -> tuple[str, str]:
    return event.aggregate, event.subject


class Recorded(Value):
    """What a recording in lines did."""

    recorded: Annotated[int, Field(ge=0)]
    unchanged: Annotated[int, Field(ge=0)]


Recording = TypeVar("Recording", bound=Callable[..., Awaitable[int]])
"""The transaction, the entity's id and its details, in: the entity's version, out."""


@dataclass(slots=True)
class RecordCommands(Commands):
    """The commands that record reference data."""

    def records(
        self, kind: str, *, event: type[Event], shows: type[Value], line: type[Value] | None = None
    ) -> Callable[[Recording], Recording]:
        """Register what records one entity: `PUT /v1/{kind}s/{id}`; with `line` also many of them, all or nothing:
        `POST /v1/{kind}s`, one JSON object a line."""

        def register(record: Recording) -> Recording:
            details = _body_of(record)
            about, identified_by = record.__doc__ or "", f"{kind}_id"
            shared: dict[str, Any] = {"kind": kind, "collection": f"{kind}s", "event": event, "status": 200}

            async def run(tx: CommandTx, subject: str, body: Value) -> Done:
                version = await record(tx, subject, body)
                shown = shows.model_validate({identified_by: subject, "details": body, "version": version})
                return Done(subject, version, shown)

            async def run_lines(tx: CommandTx, _: None, lines: Sequence[Value]) -> Done:
                before = tx.staged
                for each in lines:
                    read = details.model_validate(dict(each), extra="ignore")
                    await record(tx, getattr(each, identified_by), read)
                new = tx.staged - before
                return Done(None, None, Recorded(recorded=new, unchanged=len(lines) - new))

            one = Command(
                name=to_camel(record.__name__),
                about=about,
                method="PUT",
                identified_by=Identifier,
                body=details,
                view=shows,
                run=run,
                **shared,
            )
            self.add(one)
            if line is not None:
                name = to_camel(f"{record.__name__}s")
                many = Command(name=name, about=about, body=line, in_lines=True, view=Recorded, run=run_lines, **shared)
                self.add(many)
            return record

        return register
