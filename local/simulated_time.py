"""The simulated time of a development stack: one instant in a file, which all of its services follow.

Without the file, time is real. A service that looks while the file changes sees the old instant or the new one.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from contracts.values import Instant
from local.failure import StackError

READABLE = 0o644  # the services of docker compose run as another user
_instant: TypeAdapter[datetime] = TypeAdapter(Instant)


@dataclass(frozen=True, slots=True)
class SimulatedTime:
    file: Path

    @classmethod
    def of(cls, stack_folder: Path) -> Self:
        return cls(stack_folder / "time")

    def read(self) -> datetime | None:
        try:
            text = self.file.read_text(encoding="utf-8").strip()
            return _instant.validate_python(text) if text else None
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StackError(f"{self.file} does not hold an instant; `samenspel time set` replaces it") from error

    def set(self, instant: datetime) -> None:
        """Let time stand still at this instant; raises `StackError` outside of the years 2000 to 2100."""
        try:
            text = _instant.validate_python(instant).isoformat(timespec="milliseconds")
        except ValidationError as error:
            raise StackError(f"{instant.isoformat()} cannot be simulated: {error.errors()[0]['msg']}") from error
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_name(f"{self.file.name}.{os.getpid()}.new")
        new.write_text(f"{text}\n", encoding="utf-8")
        new.chmod(READABLE)
        new.replace(self.file)

    def make_real(self) -> None:
        self.file.unlink(missing_ok=True)
