"""Who is calling. Until there is OpenID Connect, a header for development says so.

Guarantee: the header is accepted only if a setting allows it, and only from the networks in the settings.
"""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from pydantic import ValidationError
from starlette.requests import Request

from contracts.values import Actor
from services.chassis.now import now
from services.chassis.problems import NotAllowed, Unidentified, WrongField
from services.chassis.running.settings import Settings

HEADER = "Samenspel-Actor"


class UnknownCaller(Unidentified):
    """The caller is not known: the header Samenspel-Actor is missing, or is not accepted here."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller, and the time of the call."""

    actor: Actor
    now: datetime

    def must_be(self, *roles: str, organisation: str | None = None) -> None:
        """Raise `NotAllowed` unless the caller has one of these roles, at this organisation."""
        if self.actor.role not in roles:
            raise NotAllowed(
                f"Role {self.actor.role} may not do that; {', '.join(roles)} may.",
                WrongField("role", self.actor.role, roles),
            )
        if organisation is not None and self.actor.role != "operator" and self.actor.organisation != organisation:
            raise NotAllowed(
                f"You act for {self.actor.organisation}; only {organisation} may do that.",
                WrongField("organisation", self.actor.organisation, organisation),
            )


def parse_actor(header: str) -> Actor:
    """The actor in `role=…; organisation=…; actor=…`; raises `UnknownCaller`."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(";") if part.strip())
    try:
        return Actor.model_validate(parts)
    except ValidationError as error:
        first = error.errors()[0]
        raise UnknownCaller(
            f"{HEADER}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            *(WrongField(str(wrong["loc"][0]), wrong["input"], wrong["msg"]) for wrong in error.errors()),
        ) from error


def identify(request: Request, settings: Settings) -> Caller:
    header = request.headers.get(HEADER)
    host = request.client.host if request.client else ""
    if header is None or not settings.development_identity or not _is_accepted_from(host, settings):
        raise UnknownCaller
    return Caller(parse_actor(header), now())


def _is_accepted_from(host: str, settings: Settings) -> bool:
    try:
        address = ip_address(host)
    except ValueError:  # a Unix socket has no address
        return False
    return any(address in network for network in settings.development_peers)
