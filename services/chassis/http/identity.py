"""Who is calling. Until there is OpenID Connect, a header for development says so.

Guarantee: the header is accepted only if a setting allows it, and only from the networks in the settings.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import get_args

from pydantic import IPvAnyNetwork, ValidationError
from starlette.requests import Request

from contracts.values import Actor, Role
from services.chassis.checks import wrong_fields
from services.chassis.now import now
from services.chassis.problems import Unidentified, WrongField
from services.chassis.running.settings import Settings

HEADER = "Samenspel-Actor"
OURSELVES: Role = "service"
"""Who acts when something follows by itself; never a caller."""
ROLES = tuple(role for role in get_args(Role) if role != OURSELVES)


class UnknownCaller(Unidentified):
    """The caller is not known: the header Samenspel-Actor is missing, or is not accepted here."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller, and the time of the call."""

    actor: Actor
    now: datetime


@lru_cache(maxsize=4_096)  # the same few hundred people call again and again
def parse_actor(header: str) -> Actor:
    """The actor in `role=…; organisation=…; actor=…`; raises `UnknownCaller`."""
    said = [part.strip().partition("=")[::2] for part in header.split(";") if part.strip()]
    parts = dict(said)
    if len(parts) < len(said):
        raise UnknownCaller(f"{HEADER}: a part comes twice.", WrongField(HEADER, None, "role, organisation and actor"))
    if parts.get("role") == OURSELVES:
        raise UnknownCaller(f"{HEADER}: {OURSELVES} is nobody's role.", WrongField("role", OURSELVES, ROLES))
    try:
        return Actor.model_validate(parts)
    except ValidationError as error:
        wrong = wrong_fields(error.errors())
        raise UnknownCaller(f"{HEADER}: {wrong[0].field}: {error.errors()[0]['msg']}", *wrong) from error


def identify(request: Request, settings: Settings) -> Caller:
    header = request.headers.get(HEADER)
    host = request.client.host if request.client else ""
    if header is None or not settings.development_identity or not _is_accepted_from(host, settings.development_peers):
        raise UnknownCaller
    return Caller(parse_actor(header), now())


@lru_cache(maxsize=4_096)
def _is_accepted_from(host: str, networks: tuple[IPvAnyNetwork, ...]) -> bool:
    try:
        address = ip_address(host)
    except ValueError:  # a Unix socket has no address
        return False
    return any(address in network for network in networks)
