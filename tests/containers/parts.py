"""Kafka and PostgreSQL in containers, for the tests that otherwise have them as plain processes.

Asked for with SAMENSPEL_TEST_STACK=containers; the tests do not know the difference.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from local import databases

KAFKA_IMAGE, POSTGRES_IMAGE = "apache/kafka:4.3.1", "postgres:17"  # as in docker-compose.yml
START = 60  # seconds for Kafka; 6 here
CLIENTS = 9092  # the listener that clients outside of the container reach
# The port under which clients reach it is known only after the start, and Kafka must advertise it: it waits here.
WAIT_FOR_ADDRESS = "until [ -s /tmp/address ]; do sleep 0.1; done; . /tmp/address; exec /etc/kafka/docker/run"
KAFKA_SETTINGS = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_LISTENERS": f"CLIENTS://:{CLIENTS},CONTROLLER://localhost:9093,ITSELF://localhost:9094",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,ITSELF:PLAINTEXT",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "ITSELF",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",  # a topic exists because it was provisioned
    # One node can hold one replica.
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",  # 50 are for clusters; each costs memory and time at start
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",  # consumers of a test come one by one
}


class Kafka(DockerContainer):
    """One broker that is its own controller. (testcontainers' own class runs the image of another vendor only.)"""

    def __init__(self) -> None:
        super().__init__(KAFKA_IMAGE)
        self.with_exposed_ports(CLIENTS).with_envs(**KAFKA_SETTINGS)
        self.with_command(["sh", "-c", WAIT_FOR_ADDRESS])

    def start(self) -> Self:
        """Return when it takes messages."""
        super().start()
        advertised = f"CLIENTS://{self.bootstrap},ITSELF://localhost:9094"
        self.exec(["sh", "-c", f"echo export KAFKA_ADVERTISED_LISTENERS={advertised} >/tmp/address"])
        LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(START).wait_until_ready(self)
        return self

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(CLIENTS)}"


@dataclass(frozen=True)
class Containers:
    """`RealParts` in containers."""

    broker: Kafka
    server: PostgresContainer
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def kafka(self) -> str:
        return self.broker.bootstrap

    def create_database(self, name: str, role: str) -> str:
        """A database that only this role can enter; returns the role's URL."""
        password = self.passwords.setdefault(role, secrets.token_urlsafe())
        return databases.create(self._superuser_url, name=name, role=role, password=password)

    def close_to_the_public(self) -> None:
        """Nobody else may connect to the databases that the image made."""
        databases.revoke_public_access(self._superuser_url, "postgres", "template1", self.server.dbname)

    @property
    def _superuser_url(self) -> str:
        return self.server.get_connection_url(driver=None)


@contextmanager
def started() -> Iterator[Containers]:
    """Both, started one after the other (the engine has as few cores as we) and removed at the end."""
    with PostgresContainer(POSTGRES_IMAGE) as server, Kafka() as broker:
        containers = Containers(broker, server)
        containers.close_to_the_public()
        yield containers
