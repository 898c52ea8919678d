"""The limit of an HTTP command: a bare ASGI endpoint that runs the same SQL as POST /v1/requests, and nothing else.

`python -m tests.bench.http_limit` with SAMENSPEL_DATABASE_URL and SAMENSPEL_HTTP_PORT.
"""

import json
import os
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
import uuid_utils.compat
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from contracts.outcomes import OUTCOMES
from services.chassis import clock_table, commands
from services.chassis.messaging import outbox
from services.chassis.running.database import connect

AREAS = ["curriculum.nu/kunst-en-cultuur"]
FROM, TO = date(2026, 1, 1), date(2026, 3, 1)
SITES = """
SELECT entity_id, details FROM records_on('site', $2) WHERE entity_id = ANY($1)
"""
HOLD_OFF = "SELECT pg_advisory_xact_lock_shared(hashtextextended('change what requests are routed by', 0))"
BROKERS = """
SELECT entity_id, area.scheme || '/' || area.code AS area
FROM (SELECT greatest(day, $1::date) AS day FROM routing) AS routed, records_on('broker', routed.day),
    jsonb_to_recordset(details->'learningAreas') AS area (scheme text, code text)
WHERE valid_from <= routed.day AND coalesce(routed.day < (details->>'validTo')::date, true)
    AND area.scheme || '/' || area.code = ANY($2) ORDER BY entity_id
"""
SAVE = """
INSERT INTO requests (request_id, status, broker_ids, answer, outcome, details, version, partner_ids, parties, site_id,
    learning_areas, group_ids, wished)
VALUES ($1, 'assigned', '{own:broker}', NULL, NULL, $2, 2, '{}', $7, $3, $4, '{}', daterange($5, $6, '[]'))
ON CONFLICT (request_id) DO UPDATE SET version = 2, parties = $7
"""
DOUBLES = """
SELECT request_id FROM requests WHERE site_id = $1 AND request_id <> $2 AND status <> 'closed'
AND learning_areas && $3::text[] AND wished && daterange($4, $5, '[]')
AND (cardinality($6::text[]) = 0 OR group_ids && $6::text[]) ORDER BY request_id DESC LIMIT 10
"""
_state: dict[str, asyncpg.Pool] = {}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI: read the body, one transaction, answer."""
    if scope["type"] != "http":
        return
    message: Message = await receive()
    body = json.loads(message["body"])
    key = dict(scope["headers"])[b"idempotency-key"].decode()
    if "pool" not in _state:
        _state["pool"] = await connect(os.environ["SAMENSPEL_DATABASE_URL"])
    answer = message["body"]
    async with _state["pool"].acquire() as db, db.transaction():
        await _same_sql(db, body["siteId"], key, answer)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _same_sql(db: asyncpg.pool.PoolConnectionProxy, site: str, key: str, answer: bytes) -> None:
    now, request_id = datetime.now(UTC), uuid_utils.compat.uuid7()
    owner = (site, "coordinator", "a1", key)
    await db.fetch(SITES, [site], FROM)
    await db.execute(HOLD_OFF)
    await db.fetch(BROKERS, FROM, AREAS)
    parties = [f"site:{site}", "broker:own:broker", "samenspel:own:samenspel"]
    await db.execute(SAVE, request_id, answer.decode(), site, AREAS, FROM, TO, parties)
    waits = request_id, "answer", site, None, parties, ["escalate"], [FROM], FROM, [parties[1]], FROM
    await db.fetchval(clock_table.START, uuid_utils.compat.uuid7(), "request", *waits)
    rows = [_staged(request_id, version, site.encode(), answer * 2) for version in (1, 2, 3)]  # about an event's size
    await db.execute(outbox.STAGE, now, *outbox.columns(rows), 1, OUTCOMES)
    await db.fetch(DOUBLES, site, request_id, AREAS, FROM, TO, [])
    await db.execute(commands.REMEMBER, *([each] for each in (*owner, b"digest", str(request_id), 2, answer)))


def _staged(request_id: UUID, version: int, key: bytes, value: bytes) -> outbox.Staged:
    event_id, aggregate = uuid_utils.compat.uuid7(), f"request:{request_id}"
    return outbox.Staged(event_id, "bench", key, value, None, aggregate, 1, version)


if __name__ == "__main__":
    port = int(os.environ["SAMENSPEL_HTTP_PORT"])
    uvicorn.run(app, port=port, log_config=None, access_log=False, lifespan="off", loop="uvloop", http="httptools")
