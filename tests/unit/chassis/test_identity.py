"""Who is calling: believed only where the settings allow it, and only for what a role may do."""

import pytest
from starlette.requests import Request

from contracts.values import Actor
from services.chassis.http.identity import UnknownCaller, identify, parse_actor
from services.chassis.running.settings import Settings, read_settings

ACTOR = "role=consultant; organisation=own:babel; actor=a1"
CONSULTANT = Actor(role="consultant", organisation="own:babel", actor="a1")


def settings(*, development_identity: bool = True) -> Settings:
    environment = {
        "SAMENSPEL_DATABASE_URL": "postgresql://127.0.0.1/requests",
        "SAMENSPEL_DEVELOPMENT_IDENTITY": "1" if development_identity else "0",
        "SAMENSPEL_DEVELOPMENT_PEERS": "127.0.0.0/8,172.30.83.1/32,fd00::/8",
    }
    return read_settings("requests", 8001, environment)


def a_call(host: str | None = "127.0.0.1", *, actor: str | None = ACTOR) -> Request:
    headers = [(b"samenspel-actor", actor.encode())] if actor is not None else []
    return Request({"type": "http", "headers": headers, "client": None if host is None else (host, 50_000)})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.255.255.254", "172.30.83.1", "fd00::1"])
def test_a_caller_from_an_accepted_network_is_who_the_header_says(host: str) -> None:
    assert identify(a_call(host), settings()).actor == CONSULTANT


@pytest.mark.parametrize("host", ["172.30.83.2", "10.0.0.1", "::1", "", None])
def test_a_caller_from_elsewhere_is_unknown(host: str | None) -> None:
    with pytest.raises(UnknownCaller):
        identify(a_call(host), settings())


def test_no_header_is_believed_where_the_setting_is_off() -> None:
    with pytest.raises(UnknownCaller):
        identify(a_call(), settings(development_identity=False))


def test_a_caller_without_the_header_is_unknown() -> None:
    with pytest.raises(UnknownCaller):
        identify(a_call(actor=None), settings())


@pytest.mark.parametrize("actor", [f" {ACTOR}; ", ACTOR.replace(" ", ""), "; ".join(reversed(ACTOR.split("; ")))])
def test_blanks_and_order_in_the_header_do_not_matter(actor: str) -> None:
    assert parse_actor(actor) == CONSULTANT


@pytest.mark.parametrize(
    ("actor", "field"),
    [
        ("role=king; organisation=own:babel; actor=a1", "role"),
        ("role=consultant; organisation=Babel; actor=a1", "organisation"),
        ("role=consultant; organisation=own:babel", "actor"),
        ("role=consultant; organisation=own:babel; actor=a1; name=Jo", "name"),
    ],
)
def test_what_is_wrong_in_the_header_is_named(actor: str, field: str) -> None:
    with pytest.raises(UnknownCaller) as refused:
        parse_actor(actor)

    assert [wrong.field for wrong in refused.value.errors] == [field]
