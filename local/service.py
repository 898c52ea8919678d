"""One of the three services as a process of the stack."""

import json
import os
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from local.part import Part
from local.ports import HOST
from local.state import State

CHECKOUT = Path(__file__).parents[1]
START = 60.0  # seconds for its migrations and first connections; 2 here
STOP = 30.0  # seconds in which it finishes what it has begun
PATIENCE = 2.0  # seconds for a health answer


class Service:
    def __init__(self, name: str, stack_folder: Path, state: State) -> None:
        self._part = Part(name, stack_folder, state)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._part.port}"

    def environment(self, *, kafka: str, database_url: str, prefix: str, time_file: Path) -> dict[str, str]:
        return dict(os.environ) | {
            "PYTHONUNBUFFERED": "1",  # its last lines are in the log also when it is killed
            "SAMENSPEL_KAFKA": kafka,
            "SAMENSPEL_KAFKA_PREFIX": prefix,
            "SAMENSPEL_INSTANCE": self._part.name,  # started again, it resumes without waiting for its old session
            "SAMENSPEL_DATABASE_URL": database_url,
            "SAMENSPEL_HTTP_HOST": HOST,
            "SAMENSPEL_HTTP_PORT": str(self._part.port),
            "SAMENSPEL_DEVELOPMENT_IDENTITY": "1",
            "SAMENSPEL_DEVELOPMENT_TIME": str(time_file),
            "SAMENSPEL_PROGRAMMES": str(CHECKOUT / "programmes"),
        }

    def start(self, environment: Mapping[str, str]) -> None:
        command = (sys.executable, "-m", f"services.{self._part.name}")
        self._part.start(command, environment=environment, folder=CHECKOUT)
        self._part.await_ready(self.is_ready, within=START)

    def is_ready(self) -> bool:
        return self._health()[0] == 200  # noqa: PLR2004  # as HTTP has it

    def trouble(self) -> str:
        """What its parts say while one of them does not work; nothing while one still starts."""
        _, said = self._health()
        parts = said.get("parts", {})
        has_trouble = said.get("trouble", False) and "starting" not in parts.values()
        return "; ".join(f"{name}: {state}" for name, state in parts.items()) if has_trouble else ""

    def _health(self) -> tuple[int, dict[str, Any]]:
        connection = HTTPConnection(HOST, self._part.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/health/ready")
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()

    def stop(self) -> None:
        self._part.stop(within=STOP)

    def kill(self) -> None:
        self._part.kill()
