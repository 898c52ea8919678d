"""A second process of a service, beside the stack's own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from local import Stack, ports
from tests.waiting import wait_until

START = 60.0  # seconds until it is ready; a few here


@contextmanager
def a_replica(stack: Stack, service: str) -> Iterator[int]:
    """Its port, once it is ready: a hot standby of what is led, and a full replica of the API."""
    port, name = ports.find_free(), f"second-{service}"
    mine = {"SAMENSPEL_HTTP_PORT": str(port), "SAMENSPEL_INSTANCE": name}
    environment, command = stack.service_environment(service) | mine, [sys.executable, "-m", f"services.{service}"]
    with (stack.folder / "logs" / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_until(lambda: is_ready(port), START)
            yield port
            assert process.poll() is None, f"{name} ended by itself"
        finally:
            process.terminate()
            process.wait(timeout=30)


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready").is_success
    except httpx.TransportError:
        return False
