"""Who is asking. Until OpenID Connect: a header for development, on loopback, switched on by a setting."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from contracts.values import Actor, Instant
from services.chassis.now import now, to_milliseconds
from services.chassis.problems import Malformed, NotAllowed, Unidentified, WrongField
from services.chassis.running.settings import Settings

HEADER = "Samenspel-Actor"
NOW = "Samenspel-Now"
_instant: TypeAdapter[datetime] = TypeAdapter(Instant)


class CallerUnknown(Unidentified):
    """The caller is not known: the header Samenspel-Actor is missing, or is not accepted here."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and when (simulated time only in development)."""

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


def _is_near(settings: Settings, host: str) -> bool:
    try:
        return any(ip_address(host) in ip_network(network) for network in settings.development_peers)
    except ValueError:
        return False


def parse_actor(header: str) -> Actor:
    """`role=…; organisation=…; actor=…` as an actor."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(";") if part.strip())
    try:
        return Actor.model_validate(parts)
    except ValidationError as error:
        first = error.errors()[0]
        raise CallerUnknown(
            f"{HEADER}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            *(WrongField(str(wrong["loc"][0]), wrong["input"], wrong["msg"]) for wrong in error.errors()),
        ) from error


def identify(request: Request, settings: Settings) -> Caller:
    """The caller of this request; raises `CallerUnknown`."""
    header = request.headers.get(HEADER)
    host = request.client.host if request.client else ""
    if header is None or not settings.development_identity or not _is_near(settings, host):
        raise CallerUnknown
    said = request.headers.get(NOW)
    try:
        return Caller(parse_actor(header), to_milliseconds(_instant.validate_python(said)) if said else now())
    except ValidationError as error:
        raise Malformed(
            f"{NOW} is {said!r}; an instant such as 2025-10-03T09:12:00Z is expected", WrongField(NOW, said)
        ) from error
