"""Commands over HTTP: an identified caller, an idempotency key, and one transaction around every command.

Guarantee: a command that was answered with 2xx is committed, with its events in the journal; the same command with the
same key again gets the same answer and has no second effect. A refused command changes nothing.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.chassis.checks import check_personal_data
from services.chassis.http.identity import identify
from services.chassis.problems import Malformed, RuleSaysNo, WrongField
from services.chassis.running import telemetry
from services.chassis.running.service import Service

KEY = re.compile(r"^[!-~]{1,128}$")
CLAIM = """
INSERT INTO idempotency (organisation, role, actor, key, fingerprint) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING true
"""
REMEMBER = """
UPDATE idempotency SET status = $5, headers = $6, body = $7
WHERE organisation = $1 AND role = $2 AND actor = $3 AND key = $4
"""
_RECALL = """
SELECT fingerprint, status, headers, body FROM idempotency
WHERE organisation = $1 AND role = $2 AND actor = $3 AND key = $4
"""


class IdempotencyKeyMissing(Malformed):
    """A POST needs the header Idempotency-Key: 1 to 128 visible ASCII characters, new for each command."""


class IdempotencyKeyReused(RuleSaysNo):
    """This Idempotency-Key was used for another command; use a new one."""


class CommandRoute(APIRoute):
    """A route that changes something: identifies the caller, opens the transaction and keeps the answer."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        endpoint = super().get_route_handler()

        async def command(request: Request) -> Response:
            service: Service = request.app.state.service
            caller = identify(request, service.settings)
            key = _idempotency_key(request)
            digest = await _read_body(request)
            async with service.database.transaction(
                at=caller.now,
                causation=key,
                traceparent=telemetry.traceparent(),
                expected_version=_if_match(request),
            ) as tx:
                request.state.tx, request.state.caller = tx, caller
                if key is None:
                    return await endpoint(request)
                owner = (caller.actor.organisation, caller.actor.role, caller.actor.actor, key)
                if not await tx.db.fetchval(CLAIM, *owner, digest):
                    return _recalled(await tx.db.fetchrow(_RECALL, *owner), key, digest)
                response = await endpoint(request)
                headers = msgspec.msgpack.encode(list(response.raw_headers))
                await tx.db.execute(REMEMBER, *owner, response.status_code, headers, bytes(response.body))
            return response

        return command


async def _read_body(request: Request) -> bytes:
    """The digest of method, path and what is read of the body: the order of JSON's keys says nothing. Refuses personal
    data in JSON; what is not JSON is refused by whoever reads it, and lines are looked at one by one."""
    body = await request.body()
    try:
        said = await request.json()  # parsed once: the endpoint is given the same
        check_personal_data(said)
        body = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    except RecursionError as error:
        raise Malformed("The body is nested too deep.", WrongField("body", None, "fewer levels")) from error
    except ValueError:
        pass
    return hashlib.sha256(b"\0".join((request.method.encode(), request.url.path.encode(), body))).digest()


def _recalled(stored: asyncpg.Record | None, key: str, digest: bytes) -> Response:
    assert stored is not None, "the key was just found, and keys are deleted only after 30 days"
    if stored["fingerprint"] != digest:
        raise IdempotencyKeyReused(None, WrongField("Idempotency-Key", key, "a key that was not used before"))
    response = Response(stored["body"], stored["status"])
    response.raw_headers = msgspec.msgpack.decode(stored["headers"], type=list[tuple[bytes, bytes]])
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None and request.method == "POST":
        raise IdempotencyKeyMissing(None, WrongField("Idempotency-Key", None, KEY.pattern))
    if key is not None and not KEY.match(key):
        raise IdempotencyKeyMissing(None, WrongField("Idempotency-Key", key, KEY.pattern))
    return key


def _if_match(request: Request) -> int | None:
    tag = request.headers.get("If-Match")
    if tag is None:
        return None
    if not re.fullmatch(r'"\d{1,9}"', tag):
        raise Malformed(
            f"If-Match is {tag}; a version in quotes is expected", WrongField("If-Match", tag, '"<version>"')
        )
    return int(tag.strip('"'))
