"""Loopback ports for the parts of one stack: asked for, the same as last time, or free."""

import random
import socket
from collections.abc import Mapping

from local.failure import StackError

HOST = "127.0.0.1"
# Below the range from which outgoing connections take theirs (32768 and up), so that a part which is down for
# a moment finds its port free again.
RANGE = range(20_000, 32_000)
ATTEMPTS = 200  # of 12,000 ports: only a machine with thousands of servers runs out


def choose(
    wanted: Mapping[str, str], *, asked: Mapping[str, str], last: Mapping[str, int], liked: Mapping[str, int]
) -> dict[str, int]:
    """A port for each part, all different.

    `wanted` names for each part the environment variable that may ask for its port: such a port is taken or
    refused. The port of last time and a liked one are only preferred.
    """
    chosen: dict[str, int] = {}
    for part, variable in wanted.items():
        if wish := asked.get(variable):
            chosen[part] = _asked(variable, wish)
    for part in wanted.keys() - chosen.keys():
        preferred = [port for port in (last.get(part), liked.get(part)) if port]
        chosen[part] = _free(part, [*preferred, *random.sample(RANGE, ATTEMPTS)], set(chosen.values()))
    return chosen


def _asked(variable: str, wish: str) -> int:
    if not wish.isdigit() or not 0 < int(wish) < 2**16:
        raise StackError(f"{variable} is {wish!r}; a port number is expected")
    if not is_free(int(wish)):
        raise StackError(f"port {wish}, which {variable} asks for, is taken by another program")
    return int(wish)


def _free(part: str, candidates: list[int], taken: set[int]) -> int:
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    raise StackError(f"no free port for {part} on {HOST}")


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as attempt:
        # As the parts themselves do: what a closed connection leaves behind is no server.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as attempt:
        attempt.settimeout(1)  # loopback answers at once or not at all
        return attempt.connect_ex((HOST, port)) == 0
