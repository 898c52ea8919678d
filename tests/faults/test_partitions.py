"""A service is cut off from Kafka, and from PostgreSQL: connections stay open, and nothing arrives."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.topics import SERVICES
from local import FOLDER, Stack
from local.kafka import Kafka
from local.ports import HOST, find_free
from tests.faults.conftest import System
from tests.faults.duration import lasting
from tests.faults.proxies import Proxy, at_work

CUT_OFF = 20.0  # seconds: longer than a request to Kafka may take, and than a caller waits for an answer
RECOVERED = 30.0  # seconds, from the issue


@pytest.mark.long
@pytest.mark.fault("T10")
def test_services_that_were_cut_off_from_kafka_and_postgresql_lose_and_double_nothing(system: System) -> None:
    stack = system.stack
    to_postgres = Proxy(stack.state.ports["postgres"])
    to_kafka = Proxy(find_free())
    with at_work(to_postgres), at_work(to_kafka), through(stack, to_kafka, to_postgres):
        with system.load(requests=300) as load:
            for share, proxy in ((0.2, to_kafka), (0.4, to_postgres), (0.6, to_kafka), (0.8, to_postgres)):
                load.reaches(share)
                with lasting(CUT_OFF):
                    proxy.drop()
                proxy.mend()
        system.recovers(within=RECOVERED)

        assert to_kafka.accepted > 0
        assert any(call.was_unknown or call.refused_as_busy for call in system.calls)  # the negative control
        assert system.violations() == []


@contextmanager
def through(stack: Stack, to_kafka: Proxy, to_postgres: Proxy) -> Iterator[None]:
    """All services reach Kafka and PostgreSQL through these proxies only."""
    for service in SERVICES:
        stack.stop_service(service)
    stack.kafka_node.stop()
    KafkaWithProxy(stack, to_kafka).start()
    for service in SERVICES:
        environment = stack.service_environment(service)
        url = environment["SAMENSPEL_DATABASE_URL"].replace(f":{to_postgres.targets[0]}/", f":{to_postgres.port}/")
        mine = {"SAMENSPEL_KAFKA": f"{HOST}:{to_kafka.port}", "SAMENSPEL_DATABASE_URL": url}
        stack.services[service].start(environment | mine)
    try:
        yield
    finally:
        for service in SERVICES:
            stack.stop_service(service)
        stack.kafka_node.stop()
        stack.kafka_node.start()
        for service in SERVICES:
            stack.start_service(service)


class KafkaWithProxy(Kafka):
    """The stack's Kafka with a second listener, of which clients are told the address of the proxy."""

    def __init__(self, stack: Stack, proxy: Proxy) -> None:
        super().__init__(stack.folder, stack.state, jars_folder=FOLDER / "jars")
        self.proxy = proxy

    def _configure(self, *, storage: str) -> Path:
        properties = super()._configure(storage=storage)
        listeners, advertised = (
            next(line for line in properties.read_text().splitlines() if line.startswith(name))
            for name in ("listeners=", "advertised.listeners=")
        )
        with properties.open("a") as more:  # the later line counts
            more.write(
                f"{listeners},PROXIED://{HOST}:{self.proxy.targets[0]}\n"
                f"{advertised},PROXIED://{HOST}:{self.proxy.port}\n"
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
            )
        return properties
