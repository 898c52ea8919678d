"""Kafka, PostgreSQL and the three services as plain processes in one folder.

`with Stack.started(folder) as stack:` leaves nothing running, however it is left; what a `kill -9` of it leaves
behind is ended by the next start in that folder. Folders are independent: other ports, other data.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from contracts.topics import SERVICES
from local import databases, ports, prerequisites
from local.failure import StackError
from local.interrupts import termination_as_ctrl_c, uninterrupted
from local.kafka import Kafka, node_name
from local.part import Part
from local.postgres import Postgres
from local.processes import Process
from local.service import CHECKOUT, Service
from local.simulated_time import SimulatedTime
from local.state import State, locked
from local.waiting import completed
from samenspel import topics

FOLDER = CHECKOUT / ".samenspel"
PORTS = {
    "kafka": "SAMENSPEL_KAFKA_PORT",
    "controller": "SAMENSPEL_KAFKA_CONTROLLER_PORT",
    "postgres": "SAMENSPEL_POSTGRES_PORT",
} | {service: f"SAMENSPEL_HTTP_PORT_{service.upper()}" for service in SERVICES}


class RealParts(Protocol):
    """What tests use of Kafka and PostgreSQL, whoever runs them: a `Stack`, or containers."""

    @property
    def kafka(self) -> str:
        """Kafka's bootstrap server."""

    def create_database(self, name: str, role: str) -> str:
        """A database that only this role can enter; returns the role's URL."""


class Stack:
    def __init__(self, folder: Path, *, prefix: str = "", brokers: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.prefix = prefix
        self.state = State.of(self.folder)
        self.kafka_nodes = [
            Kafka(self.folder, self.state, number=number, nodes=brokers, jars_folder=FOLDER / "jars")
            for number in range(1, brokers + 1)
        ]
        self.postgres = Postgres(self.folder, self.state)
        self.time = SimulatedTime.of(self.folder)
        self.services = {name: Service(name, self.folder, self.state) for name in SERVICES}
        self.parts: dict[str, Kafka | Postgres | Service] = {
            **{node_name("kafka", node.number): node for node in self.kafka_nodes},
            "postgres": self.postgres,
            **self.services,
        }
        self._given_server = os.environ.get("SAMENSPEL_POSTGRES_URL")

    @classmethod
    @contextmanager
    def started(
        cls, folder: Path, *, services: bool = False, fresh: bool = False, prefix: str = "", brokers: int = 1
    ) -> Iterator[Self]:
        """A running stack, stopped at the end; `fresh` first removes the data of earlier runs."""
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder), termination_as_ctrl_c():
            stack = cls(folder, prefix=prefix, brokers=brokers)
            if stack.is_kept:
                raise StackError(f"a stack is already running in {folder}; `samenspel down` stops it")
            try:
                stack.start(services=services, fresh=fresh)
                yield stack
            finally:
                with uninterrupted():
                    stack.stop()

    @property
    def is_kept(self) -> bool:
        """Whether `samenspel up` left it running, and something of it still runs."""
        return self.state.kept and any(self.process(name) for name in self.state.processes)

    @property
    def is_complete(self) -> bool:
        return self.is_kept and all(self.process(name) for name in self.state.processes)

    def keep(self) -> None:
        self.state.kept = True
        self.state.save()

    @property
    def kafka_node(self) -> Kafka:
        return self.kafka_nodes[0]

    @property
    def kafka(self) -> str:
        return ",".join(node.address for node in self.kafka_nodes)

    def start(self, *, services: bool, fresh: bool = False, usual_ports: Mapping[str, int] | None = None) -> None:
        """End what was left behind, then start everything; ready when this returns."""
        self.stop()
        data = [name for name, part in self.parts.items() if not isinstance(part, Service)]
        for part in ("logs", *data) if fresh else ("logs",):
            shutil.rmtree(self.folder / part, ignore_errors=True)
        if fresh:
            self.time.make_real()
        prerequisites.check(self.folder)
        self.state.ports = ports.choose(
            self._port_variables, environment=os.environ, preferred=(self.state.ports, usual_ports or {})
        )
        self.state.save()
        nodes = [node.start for node in self.kafka_nodes]
        _in_parallel(nodes if self._given_server else [*nodes, self.postgres.start])
        if services:
            completed(topics.apply(self.kafka, self.prefix, replication_factor=len(self.kafka_nodes)))
            for name in SERVICES:
                self.create_database(name, name)
            _in_parallel([partial(self.start_service, name) for name in SERVICES])

    def stop(self) -> None:
        """Stop whatever runs, services first, so that they can finish what they have begun."""
        _in_parallel([service.stop for service in self.services.values()])
        _in_parallel([*(node.stop for node in self.kafka_nodes), self.postgres.stop])
        for name in list(self.state.processes):  # the first start was interrupted in initdb or the like
            Part(name, self.folder, self.state).kill()
        self.state.kept = False
        self.state.save()

    @property
    def _port_variables(self) -> dict[str, str]:
        """For each part the variable of the environment that may set its port."""
        others = (node_name(what, node.number) for node in self.kafka_nodes[1:] for what in ("kafka", "controller"))
        return PORTS | {name: f"SAMENSPEL_{name.upper().replace('-', '_')}_PORT" for name in others}

    def process(self, name: str) -> Process | None:
        return Part(name, self.folder, self.state).process

    def pid(self, name: str) -> int | None:
        process = self.process(name)
        return process.pid if process else None

    def create_database(self, name: str, role: str) -> str:
        return databases.create(self._server, name=name, role=role, password=self.state.password(role))

    def database_url(self, name: str) -> str:
        return databases.url(self._server, name=name, role=name, password=self.state.password(name))

    def service_url(self, name: str) -> str:
        return self.services[name].address

    def service_environment(self, name: str) -> dict[str, str]:
        return self.services[name].environment(
            kafka=self.kafka, database_url=self.database_url(name), prefix=self.prefix, time_file=self.time.file
        )

    def start_service(self, name: str) -> None:
        self.services[name].start(self.service_environment(name))

    def stop_service(self, name: str) -> None:
        self.services[name].stop()

    def kill_service(self, name: str) -> None:
        self.services[name].kill()

    @property
    def _server(self) -> str:
        return self._given_server or self.postgres.url


def _in_parallel(tasks: Sequence[Callable[[], None]]) -> None:
    """Run them at the same time; all have ended when this returns or raises the first one's failure."""
    with ThreadPoolExecutor(len(tasks)) as threads:
        for running in [threads.submit(task) for task in tasks]:
            running.result()
