"""One of the three services as a process of the stack: its environment, and whether it says that it is ready."""

import os
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from local.parts import Parts
from local.ports import HOST

SERVICES = ("requests", "referrals", "reporting")
CHECKOUT = Path(__file__).parents[1]
START = 60.0  # seconds for its migrations and first connections; 2 here
STOP = 30.0  # seconds in which it finishes what it has begun
PATIENCE = 2.0  # seconds for a health answer


class Service:
    """One service of one stack."""

    def __init__(self, name: str, parts: Parts) -> None:
        self.name = name
        self._parts = parts

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://{HOST}:{self._parts.state.ports[self.name]}"

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        process = self._parts.process(self.name)
        return process.pid if process else None

    def environment(self, *, kafka: str, database_url: str, prefix: str) -> dict[str, str]:
        """The caller's environment with what this stack decides; `python -m services.NAME` needs no more."""
        return dict(os.environ) | {
            "PYTHONUNBUFFERED": "1",  # its last words are in the log also when it is killed
            "SAMENSPEL_KAFKA": kafka,
            "SAMENSPEL_KAFKA_PREFIX": prefix,
            "SAMENSPEL_INSTANCE": self.name,  # started again, it goes on where it was without waiting
            "SAMENSPEL_DATABASE_URL": database_url,
            "SAMENSPEL_HTTP_HOST": HOST,
            "SAMENSPEL_HTTP_PORT": str(self._parts.state.ports[self.name]),
            "SAMENSPEL_DEVELOPMENT_IDENTITY": "1",
        }

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it and return when it says that it is ready."""
        command = (sys.executable, "-m", f"services.{self.name}")
        self._parts.start(self.name, command, environment=environment, folder=CHECKOUT)
        self._parts.await_ready(self.name, self.answers, within=START)

    def answers(self) -> bool:
        """Whether it says that it is ready."""
        connection = HTTPConnection(HOST, self._parts.state.ports[self.name], timeout=PATIENCE)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200  # noqa: PLR2004  # as HTTP has it
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Ask it to end; it finishes what it has begun."""
        self._parts.stop(self.name, within=STOP)

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self._parts.kill(self.name)
