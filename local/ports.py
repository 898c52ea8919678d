"""Loopback ports for the parts of one stack: as the environment says, the same as last time, or free."""

import random
import socket
from collections.abc import Iterable, Mapping, Sequence

from local.failure import StackError

HOST = "127.0.0.1"
# Below the range from which outgoing connections take theirs (32768 and up), so that a part which is down for
# a moment finds its port free again.
RANGE = range(20_000, 32_000)
ATTEMPTS = 200  # of 12,000 ports: only a machine with thousands of servers runs out


def choose(
    variables: Mapping[str, str], *, environment: Mapping[str, str], preferred: Sequence[Mapping[str, int]] = ()
) -> dict[str, int]:
    """A port for each part, all different.

    `variables` names for each part the environment variable that may set its port: such a port is used or refused.
    The preferred ports are tried in their order, and replaced where they are taken.
    """
    chosen: dict[str, int] = {}
    for part, variable in variables.items():
        if value := environment.get(variable):
            chosen[part] = _required(variable, value)
    for part in variables.keys() - chosen.keys():
        candidates = [ports[part] for ports in preferred if part in ports]
        chosen[part] = find_free(candidates, taken=chosen.values())
    return chosen


def find_free(preferred: Iterable[int] = (), *, taken: Iterable[int] = ()) -> int:
    unwanted = set(taken)
    for port in (*preferred, *random.sample(RANGE, ATTEMPTS)):
        if port not in unwanted and is_free(port):
            return port
    raise StackError(f"no port is free on {HOST}")


def _required(variable: str, value: str) -> int:
    if not value.isdigit() or not 0 < int(value) < 2**16:
        raise StackError(f"{variable} is {value!r}; a port number is expected")
    if not is_free(int(value)):
        raise StackError(f"port {value}, which {variable} asks for, is taken by another program")
    return int(value)


def is_free(port: int) -> bool:
    with socket.socket() as attempt:
        # As the parts themselves do: what a closed connection leaves behind is no server.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
        return True


def accepts_connections(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.settimeout(1)  # loopback answers at once or not at all
        return attempt.connect_ex((HOST, port)) == 0
