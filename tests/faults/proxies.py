"""Between callers and servers: a proxy that stops passing anything on, and a router that asks for readiness."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress

import httpx

from local.ports import HOST, accepts_connections, find_free
from tests.waiting import wait_until

CHUNK = 64 * 1024
LOOK = 0.5  # seconds between two questions whether a replica is ready
PATIENCE = 1.0  # seconds for its answer
START = 10.0  # seconds until it listens
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Passes on what comes, in a thread of its own, to one server; a partition of the network when it drops."""

    def __init__(self, target: int) -> None:
        self.port = find_free()
        self.targets: Sequence[int] = [target]
        self.accepted = 0
        """How many connections, ever."""
        self.refused = 0
        """How many of them found nobody to go to."""
        self.connections: set[asyncio.StreamWriter] = set()
        self.loop = asyncio.new_event_loop()
        self.passes = asyncio.Event()
        self.passes.set()

    def drop(self) -> None:
        """From now on nothing arrives, in either direction, not even the end of a connection; nobody is told."""
        self.loop.call_soon_threadsafe(self.passes.clear)

    def mend(self) -> None:
        """What was on its way arrives, as with TCP."""
        self.loop.call_soon_threadsafe(self.passes.set)

    async def serve(self) -> None:
        try:
            async with await asyncio.start_server(self._connect, HOST, self.port) as server:
                await server.serve_forever()
        finally:
            for writer in self.connections:  # what waits to be written would keep them open
                writer.transport.abort()
            await asyncio.sleep(0)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        with closing(writer), suppress(OSError):
            await self.passes.wait()
            self.accepted += 1
            if not self.targets:
                self.refused += 1
                writer.write(REFUSAL)
                return
            answers, beyond = await asyncio.open_connection(HOST, self.targets[self.accepted % len(self.targets)])
            self.connections.add(beyond)
            with closing(beyond):
                await asyncio.gather(self._pass_on(reader, beyond), self._pass_on(answers, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                await self.passes.wait()
                writer.write(data)
                await writer.drain()
            await self.passes.wait()
        finally:
            writer.close()


class Router(Proxy):
    """Sends each connection to a replica that says that it is ready, as an orchestrator's load balancer does."""

    def __init__(self, replicas: Sequence[int]) -> None:
        super().__init__(replicas[0])
        self.replicas = self.targets = replicas

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def serve(self) -> None:
        looking = asyncio.create_task(self._look())
        try:
            await super().serve()
        finally:
            if not looking.cancelling():  # told twice, it would not close its connections
                looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look(self) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            while True:
                ready = await asyncio.gather(*(_is_ready(http, port) for port in self.replicas))
                self.targets = [port for port, is_ready in zip(self.replicas, ready, strict=True) if is_ready]
                await asyncio.sleep(LOOK)


async def _is_ready(http: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await http.get(f"http://{HOST}:{port}/health/ready")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextmanager
def at_work(proxy: Proxy) -> Iterator[None]:
    """The proxy serves until the block ends; all its connections end with it."""
    running = threading.Thread(target=_run, args=[proxy], name="proxy")
    running.start()
    try:
        wait_until(lambda: accepts_connections(proxy.port), START)
        yield
    finally:
        proxy.loop.call_soon_threadsafe(_cancel_all, proxy.loop)
        running.join()


def _run(proxy: Proxy) -> None:
    with suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=lambda: proxy.loop) as runner:
        runner.run(proxy.serve())


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
