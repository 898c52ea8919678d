"""A client that costs next to nothing, and the commands that it sends."""

import asyncio
import json
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import httpx

SITES = 50
OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:bench; actor=bench"}
SITE = {
    "validFrom": "2015-08-01",
    "kinds": ["primary"],
    "board": "own:board",
    "municipality": "GM0796",
    "postcode4": "5211",
    "neighbourhood": "5211",
}
REQUEST = {
    "programme": "kansen-voor-kinderen",
    "headcount": 20,
    "intention": "replaces",
    "learningAreas": [{"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}],
}


@dataclass(slots=True)
class Client:
    """One kept-alive connection."""

    host: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def connect(cls, url: str) -> Self:
        address = urlsplit(url)
        return cls(address.netloc, *await asyncio.open_connection(address.hostname, address.port))

    async def raise_request(self, number: int, tag: str) -> int:
        """Send the command with the key `tag-number` and read the whole answer; its status."""
        self.writer.write(_command(self.host, number, tag))
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await self.reader.readexactly(length)
        return int(head[9:12])


def _command(host: str, number: int, tag: str) -> bytes:
    site, year = f"own:bench-{number % SITES}", 2030 + number // 300  # so that a site has few likely doubles
    wished = {"siteId": site, "wishedFrom": f"{year}-01-01", "wishedTo": f"{year}-03-01"}
    body = json.dumps(REQUEST | wished).encode()
    head = (
        f"POST /v1/requests HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {tag}-{number}\r\n"
        f"Samenspel-Actor: role=coordinator; organisation={site}; actor=bench\r\n\r\n"
    )
    return head.encode() + body


def record_sites(url: str) -> None:
    for number in range(SITES):
        details = SITE | {"name": {"nl": f"School {number}"}}
        httpx.put(f"{url}/v1/sites/own:bench-{number}", json=details, headers=OPERATOR).raise_for_status()
