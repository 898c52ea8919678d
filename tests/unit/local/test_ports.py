"""Which loopback port each part of a stack gets."""

import socket
from collections.abc import Iterator

import pytest

from local import StackError, ports

VARIABLES = {"kafka": "KAFKA_PORT", "requests": "REQUESTS_PORT"}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def free() -> int:
    return ports.find_free()


def test_every_part_has_its_own_port(free: int) -> None:
    chosen = ports.choose(VARIABLES, environment={}, preferred=[{"kafka": free, "requests": free}])

    assert chosen.keys() == VARIABLES.keys()
    assert len(set(chosen.values())) == len(VARIABLES)


def test_a_part_keeps_the_port_it_had(free: int) -> None:
    chosen = ports.choose(VARIABLES, environment={}, preferred=[{"kafka": free}])

    assert chosen["kafka"] == free


def test_a_port_that_was_taken_meanwhile_is_replaced(taken: int, free: int) -> None:
    chosen = ports.choose(VARIABLES, environment={}, preferred=[{"kafka": taken}, {"kafka": free}])

    assert chosen["kafka"] == free


def test_a_part_without_a_free_preferred_port_gets_another(taken: int) -> None:
    chosen = ports.choose(VARIABLES, environment={}, preferred=[{"kafka": taken}])

    assert chosen["kafka"] != taken


def test_the_environment_decides_before_any_preference(free: int) -> None:
    chosen = ports.choose(VARIABLES, environment={"REQUESTS_PORT": str(free)}, preferred=[{"requests": 28001}])

    assert chosen["requests"] == free


def test_a_port_of_the_environment_that_is_taken_is_refused(taken: int) -> None:
    with pytest.raises(StackError, match=f"port {taken}, which REQUESTS_PORT asks for, is taken"):
        ports.choose(VARIABLES, environment={"REQUESTS_PORT": str(taken)})


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1"])
def test_what_is_no_port_is_refused(value: str) -> None:
    with pytest.raises(StackError, match=f"REQUESTS_PORT is '{value}'; a port number is expected"):
        ports.choose(VARIABLES, environment={"REQUESTS_PORT": value})
