"""Kafka's jars: an exact list with digests, downloaded once per checkout.

The list beside this file names every jar, so no version is resolved and none can drift. Every start compares
every digest (45 MB, some 50 ms): a download that was cut off is fetched again, a jar that was changed is refused.
"""

import hashlib
import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from local.failure import StackError
from local.state import locked

LIST = Path(__file__).with_name("kafka.jars")
PARALLEL = 4  # downloads: more is impolite to a public repository, and not faster
ATTEMPTS = 3  # a public repository refuses now and then
PAUSE = 2.0  # seconds between attempts
PATIENCE = 60  # seconds without an answer


@dataclass(frozen=True, slots=True)
class Jar:
    """A jar by its Maven coordinate, and the digest it must have."""

    coordinate: str
    sha256: str


def class_path(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, wait=True):  # two stacks of one checkout share them
        resolve = repository(folder)
        return ":".join(str(path) for path in fetch(parse(LIST.read_text()), resolve))


def parse(text: str) -> list[Jar]:
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [Jar(coordinate, sha256) for coordinate, sha256 in lines]


def repository(folder: Path) -> Callable[[str], Path]:
    from jgo.maven import MavenContext  # noqa: PLC0415  # half a second, which only a start should pay

    if trusted := _machines_certificates():
        os.environ.setdefault("REQUESTS_CA_BUNDLE", trusted)
    context = MavenContext(repo_cache=folder, timeout=PATIENCE)

    def resolve(coordinate: str) -> Path:
        group, artifact, version = coordinate.split(":")
        return context.project(group, artifact).at_version(version).artifact().resolve()

    return resolve


def fetch(jars: list[Jar], resolve: Callable[[str], Path]) -> list[Path]:
    downloads = ThreadPoolExecutor(PARALLEL)
    try:
        return list(downloads.map(lambda jar: _verified(jar, resolve), jars))
    finally:
        downloads.shutdown(cancel_futures=True)  # Ctrl-C waits only for the jars under way


def _machines_certificates() -> str | None:
    """The certificate authorities that this machine trusts; the downloader by itself would use a list of its own."""
    paths = ssl.get_default_verify_paths()
    folder = paths.capath if paths.capath and any(Path(paths.capath).iterdir()) else None
    return paths.cafile or folder


def _verified(jar: Jar, resolve: Callable[[str], Path]) -> Path:
    attempts = Retrying(
        retry=retry_if_exception_type((OSError, RuntimeError, StackError)),
        wait=wait_fixed(PAUSE),
        stop=stop_after_attempt(ATTEMPTS),
        reraise=True,
    )
    try:
        return attempts(_resolve_and_verify, jar, resolve)
    except (OSError, RuntimeError) as failure:  # no network, or the repository says no
        raise StackError(f"{jar.coordinate} could not be downloaded: {failure}") from failure


def _resolve_and_verify(jar: Jar, resolve: Callable[[str], Path]) -> Path:
    path = resolve(jar.coordinate)
    if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
        path.unlink()
        raise StackError(f"{jar.coordinate} is not the jar that {LIST.name} names: its SHA-256 differs")
    return path
