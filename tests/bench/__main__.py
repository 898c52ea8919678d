"""`python -m tests.bench [name …]` prints the table; names: relay, projection, commands, rebuild."""

import asyncio
import gc
import sys

from rich.console import Console
from rich.table import Table

from local.stack import FOLDER, Stack
from samenspel import topics
from tests.bench import commands, projection, rebuild, relay
from tests.bench.loops import Measured

NAMES = ("relay", "projection", "commands", "rebuild")


async def _bare_parts(stack: Stack, wanted: set[str]) -> list[Measured]:
    rows: list[Measured] = []
    if "relay" in wanted:
        await topics.apply(stack.kafka, "relay.")
        rows.append(await relay.measure(stack.kafka, stack.create_database("bench_relay", "bench_relay"), "relay."))
    if "projection" in wanted:
        await topics.apply(stack.kafka, "projection.")
        url = stack.create_database("bench_projection", "bench_projection")
        rows += await projection.measure(stack.kafka, url, "projection.")
    return rows


async def _services(stack: Stack, wanted: set[str]) -> list[Measured]:
    rows: list[Measured] = []
    if "commands" in wanted:
        rows.append(await commands.measure_commands(stack))
        rows.append(await commands.measure_latency(stack))
    if "rebuild" in wanted:
        rows.append(await rebuild.measure(stack))
    return rows


def main() -> None:
    """Measure, and print what was measured."""
    gc.set_threshold(100_000, 50, 50)  # as services/reporting/__main__.py has it
    wanted = set(sys.argv[1:]) or set(NAMES)
    if unknown := wanted - set(NAMES):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    rows: list[Measured] = []
    with Stack.started(FOLDER / "bench", fresh=True) as stack:
        rows += asyncio.run(_bare_parts(stack, wanted))
    if wanted & {"commands", "rebuild"}:
        with Stack.started(FOLDER / "bench", services=True, fresh=True) as stack:
            rows += asyncio.run(_services(stack, wanted))
    print_table(rows)


def print_table(rows: list[Measured]) -> None:
    """What was measured, beside its limit and aim."""
    table = Table("what", "ours", "the limit, in the same run", "ratio", "aim", "what limits it")
    for row in rows:
        table.add_row(row.what, row.ours, row.limit, row.ratio, row.aim, row.because)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
