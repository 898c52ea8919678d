"""Bodies of commands: their form and size are those of their route, whatever a header says."""

from collections.abc import Sequence
from functools import lru_cache

from starlette.requests import Request

from contracts.envelope import media_type
from contracts.values import Value
from services.chassis.checks import PersonalData
from services.chassis.commands import Command, NoBody, read_aside
from services.chassis.http.answers import MAX_ERRORS
from services.chassis.problems import Malformed, WrongField

JSON, LINES = "application/json", "application/x-ndjson"
BODY_LIMIT = 128 * 1024  # bytes: a redrive carries an event of at most 64 KiB in Base64; others need less
LINES_LIMIT = 8 * 1024 * 1024  # bytes: the reference data of a whole city in one command
MAX_LINES = 25_000  # as many sites as 8 MiB hold
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BodyTooLarge(Malformed):
    """The body is larger than this address takes."""

    status = 413


class UnsupportedMediaType(Malformed):
    """This address does not take a body of that type."""

    status = 415


async def read_body(request: Request, command: Command) -> Value | Sequence[Value]:
    """What the caller says, or every line of it. Raises `Malformed` with the wrong fields, or `PersonalData`."""
    limit = LINES_LIMIT if command.in_lines else BODY_LIMIT
    if _declared_length(request) > limit:
        raise _too_large(limit)
    _check_type(request, LINES if command.in_lines else JSON)
    body = (await _receive(request, limit)).removeprefix(BYTE_ORDER_MARK)
    read = read_lines if command.in_lines else _read_one
    return await read_aside(len(body), read, body, command)


def _declared_length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < len(str(2**63)) else 0


def _check_type(request: Request, taken: str) -> None:
    said = request.headers.get("content-type")
    if said is not None and not _is(said, taken):
        raise UnsupportedMediaType(None, WrongField("Content-Type", said, f"{taken}; charset=utf-8"))
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(None, WrongField("Content-Encoding", encoding, "identity"))


@lru_cache(maxsize=256)  # a few spellings are in use
def _is(said: str, taken: str) -> bool:
    parameters = [part.strip().lower() for part in said.split(";")[1:]]
    charsets = {part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")}
    return media_type(said) == taken and charsets <= {"utf-8", "utf8"}


async def _receive(request: Request, limit: int) -> bytes:
    """Counts the bytes while they arrive: a body need not declare its length."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit // 1024} KiB.", WrongField("body", None, f"at most {limit} bytes")
    )


def _read_one(body: bytes, command: Command) -> Value:
    return NoBody() if not body and command.body is NoBody else command.read_json(body)


def read_lines(body: bytes, command: Command) -> list[Value]:
    """One value per line, without empty lines. Raises `Malformed` with the first 50 wrong fields and their lines, or
    when there is no line; `PersonalData` with the first."""
    if body.count(b"\n") > MAX_LINES:
        raise Malformed(f"There are more than {MAX_LINES} lines.", WrongField("body", None, f"{MAX_LINES} lines"))
    found: list[Value] = []
    wrong: list[WrongField] = []
    number_of_wrong = 0
    for number, line in enumerate(body.split(b"\n"), 1):
        try:
            if line.strip():
                found.append(_read_line(line, command, f"line {number}: "))
        except PersonalData:
            raise
        except Malformed as error:
            number_of_wrong += len(error.errors)
            wrong += error.errors[: MAX_ERRORS - len(wrong)]
    if wrong:
        raise Malformed(f"{number_of_wrong} wrong fields, the first in {wrong[0].field}", *wrong)
    if not found:
        # Whoever sends none has more likely failed to read a file than nothing to record.
        raise Malformed("There is no line.", WrongField("body", None, "a JSON object a line, one or more"))
    return found


def _read_line(line: bytes, command: Command, within: str) -> Value:
    if len(line) > BODY_LIMIT:
        raise Malformed(None, WrongField(f"{within}body", None, f"at most {BODY_LIMIT} bytes"))
    return command.read_json(line, within=within)
