"""Odd HTTP requests: what integrators, proxies and attackers may send, from a seed.

Made from the description of a service's API, as raw bytes: odd values in bodies, queries and paths, odd encodings, odd
headers, and bytes that are no HTTP at all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

ACTORS = (
    "role=operator; organisation=own:city; actor=o1",
    "role=coordinator; organisation=own:s1; actor=c1",
    "role=consultant; organisation=own:babel; actor=m1",
    "role=broker_lead; organisation=own:babel; actor=l1",
    "role=board; organisation=own:board; actor=b1",
    "role=analyst; organisation=own:city; actor=n1",
    "role=partner; organisation=own:muziekschool; actor=p1",
)
# JSON texts, some of which Python can read and not write, or the other way round.
JSON_TEXTS = (
    "null",
    "true",
    "-1",
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "9" * 30,
    "9" * 5_000,
    "0." + "1" * 400,
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u0000"',
    '"\\u200b"',
    '"\\ufeff"',
    '"' + "a" * 3_000 + '"',
    '"' + "1." * 1_000 + '"',
    '"@' + "a" * 20_000 + '"',
    '"' + "\U0001f600" * 200 + '"',
    '"2026-02-30"',
    '"0001-01-01T00:00:00+23:59"',
    '"9999-12-31T23:59:59Z"',
    '"duo:\\u00e9"',
    '""',
    "[]",
    "{}",
    "[" * 150 + "]" * 150,
    "[" * 900 + "]" * 900,
    '{"a":' * 600 + "1" + "}" * 600,
    "[" + ",".join(['"own:s1"'] * 4_000) + "]",
    "[" + ",".join(f'"own:{number}"' for number in range(8_000)) + "]",
    '{"' + "x" * 2_000 + '": 1}',
    "{" + ",".join(f'"f{number}": 1' for number in range(5_000)) + "}",
)
ODD_TEXTS = (
    "\0",
    "a\0b",
    "\x7f",
    "é",
    "\U0001f600",
    "..",
    "../../etc/passwd",
    "%",
    "%zz",
    " ",
    "'",
    "' OR 1=1 --",
    "9" * 5_000,
    "-1",
    "1e999",
    "NaN",
    "null",
    "0",
    "2026-02-30T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "own:" + "a" * 124,
    "a" * 4_000,
    "own:s1",
    "019a0000-0000-7000-8000-000000000000",
    "{019a0000-0000-7000-8000-000000000000}",
    "adoption/1/x/city/all/2025-2026",
)
ODD_BYTES = (
    b"%00",
    b"%ff",
    b"%c0%80",
    b"%ed%a0%80",
    b"%2e%2e%2f",
    b"%",
    b"%0d%0aX: y",
    b"+",
    b"\xff",
    b"//",
    b";a=b",
    b"#x",
)
ODD_HEADERS = (
    b"X-Forwarded-For: 127.0.0.1",
    b"X-Forwarded-Proto: gopher",
    b"Expect: 100-continue",
    b"Expect: 200-maybe",
    b"Content-Encoding: gzip",
    b"Accept: text/html",
    b"Accept-Encoding: br;q=nan",
    b"Upgrade: websocket\r\nConnection: upgrade",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
    b"Range: bytes=0-",
    b"Cookie: " + b"a=b; " * 500,
    b"X-Odd: \xff\xfe\x80",
    b"X-Long: " + b"x" * 20_000,
    b"\r\n".join(b"X-%d: y" % number for number in range(200)),
    b"traceparent: 00-00000000000000000000000000000000-0000000000000000-01",
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=b",
    b"traceparent: \xff\xff",
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntraceparent: x",
    b"If-Match: *",
    b'If-Match: W/"2"',
    b'If-Match: "1", "2" , W/"3"',
    b"If-Match: 2",
    b'If-Match: "' + b"9" * 3_000 + b'"',
    b"If-Match: " + b", " * 4_000,
    b'If-Match: "1"\r\nIf-Match: "2"',
    b"Idempotency-Key: a\r\nIdempotency-Key: b",
    b"Idempotency-Key: \xe9",
    b"Samenspel-Actor: role=operator; organisation=own:x; actor=a\r\nSamenspel-Actor: role=service",
    b"Samenspel-Actor: =;=;=\xff;;;",
    b"Content-Type: application/json\r\nContent-Type: application/x-ndjson",
    b'Content-Type: Application/JSON ; Charset="UTF-8"',
    b"Content-Type: application/json; charset=utf-16",
    b"Content-Type: text/plain",
    b"Content-Type: ;;;",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999999",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Host: a\r\nHost: b",
    b" folded: x",
    b"no colon here",
    b": no name",
    b"name with spaces: x",
)
NO_HTTP = (
    b"\r\n" * 50,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /health/live HTTP/1.0\r\n\r\n",
    b"GET /health/live\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://other.example/v1/requests HTTP/1.1\r\nHost: x\r\n\r\n",
    b"BREW /v1/requests HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\0" * 100,
    b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}",
)
USUAL_TEXTS = ("own:s1", "own:babel", "019a0000-0000-7000-8000-000000000000", "adoption", "2025-2026", "5")
MEANT_WELL = 0.6  # of the headers and addresses: else nothing gets as far as a rule


@dataclass(frozen=True, slots=True)
class OddRequest:
    method: str
    data: bytes
    may_be_cut: bool
    """Whether the server may find that something is missing: then the client says that this was all."""


def odd_request(random: Random, described: Mapping[str, Any]) -> OddRequest:
    """One request to a service that describes itself so."""
    if random.random() < 0.05:
        return OddRequest("GET", random.choice(NO_HTTP), may_be_cut=True)
    path, operations = random.choice(list(described["paths"].items()))
    method, operation = random.choice(list(operations.items()))
    if random.random() < 0.1:
        method = random.choice(("head", "options", "delete", "patch", "trace", "put", "post", "get"))
    (server,) = operation.get("servers", described["servers"])
    target, body = _target(random, server["url"].rstrip("/") + path, operation), _body(random, operation)
    headers = _headers(random, operation, method.upper())
    is_odd = random.random() < 0.3
    if is_odd:
        headers += random.choices(ODD_HEADERS, k=random.choice((1, 1, 3)))
    head = [f"{method.upper()} ".encode() + target + b" HTTP/1.1", b"Host: x", *headers]
    data = _framed(random, head, body)
    if random.random() < 0.05:
        data, is_odd = _with_flipped_bytes(random, data), True
    return OddRequest(method.upper(), data, may_be_cut=is_odd)


def _framed(random: Random, head: list[bytes], body: bytes) -> bytes:
    if random.random() < 0.2:
        chunks = [body[start : start + 1_000] for start in range(0, len(body), 1_000)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
        return b"\r\n".join([*head, b"Transfer-Encoding: chunked", b"", framed])
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])


def _with_flipped_bytes(random: Random, data: bytes) -> bytes:
    flipped = bytearray(data)
    for _ in range(random.randint(1, 5)):
        flipped[random.randrange(min(len(flipped), 300))] = random.randrange(256)
    return bytes(flipped)


def _target(random: Random, path: str, operation: Mapping[str, Any]) -> bytes:
    query: list[bytes] = []
    for parameter in operation.get("parameters", ()):
        is_usual = random.random() < MEANT_WELL
        value = quote(random.choice(USUAL_TEXTS if is_usual else ODD_TEXTS), safe="").encode()
        if not is_usual and random.random() < 0.3:
            value += random.choice(ODD_BYTES)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value.decode("latin-1"))
        elif parameter["in"] == "query" and random.random() < 0.6:
            query.append(parameter["name"].encode() + b"=" + value)
    return path.encode("latin-1") + (b"?" + b"&".join(query) if query else b"")


def _headers(random: Random, operation: Mapping[str, Any], method: str) -> list[bytes]:
    types = list(operation.get("requestBody", {}).get("content", {"application/json": {}}))
    headers = [f"Samenspel-Actor: {random.choice(ACTORS)}".encode()]
    if random.random() < MEANT_WELL or method == "POST":
        headers.append(b"Idempotency-Key: %d" % random.randrange(10**12))
    if random.random() < MEANT_WELL:
        headers.append(b"Content-Type: " + types[0].encode())
    if random.random() < 0.1:
        headers.pop(0)
    return headers


def _body(random: Random, operation: Mapping[str, Any]) -> bytes:
    content = operation.get("requestBody", {}).get("content", {})
    if not content or random.random() < 0.05:
        return random.choice((b"", b"{}", b"\xff\xfe", b"\xef\xbb\xbf{}", b"null", b"[1]", b"x" * 200_000))
    if "application/x-ndjson" in content:
        lines = content["application/x-ndjson"]["example"].splitlines()
        made = [_with_odd_values(random, json.loads(random.choice(lines))) for _ in range(random.randint(0, 5))]
        return random.choice((b"", b"\xef\xbb\xbf")) + random.choice((b"\n", b"\r\n", b"\n\n")).join(made)
    examples = content["application/json"]["schema"].get("examples") or [{}]
    return _with_odd_values(random, random.choice(examples))


def _with_odd_values(random: Random, example: Mapping[str, Any]) -> bytes:
    """The example with some values exchanged, as JSON text that need not be JSON."""
    said = json.loads(json.dumps(example))
    texts: list[str] = []
    for _ in range(random.choice((0, 1, 1, 2))):
        where, name = _place(random, said)
        where[name] = f"@@{len(texts)}@@"
        texts.append(random.choice(JSON_TEXTS))
    text = json.dumps(said)
    for index, each in enumerate(texts):
        text = text.replace(f'"@@{index}@@"', each)
    if random.random() < 0.05:
        text = text[: random.randrange(len(text) + 1)]
    return text.encode("utf-8", "surrogatepass")


def _place(random: Random, said: Any) -> tuple[Any, Any]:
    """Somewhere in a JSON value: a container, and a name or an index in it."""
    where: Any = said
    while True:
        names: Sequence[Any] = [*where, "odd"] if isinstance(where, dict) else range(len(where))
        name = random.choice(list(names))
        inside = where.get(name) if isinstance(where, dict) else where[name]
        if not inside or not isinstance(inside, dict | list) or random.random() < 0.5:
            return where, name
        where = inside
