"""`python -m tests.bench [name …]` measures and prints the table."""

import asyncio
import gc
import logging
from argparse import ArgumentParser

from rich.console import Console
from rich.table import Table

from local.stack import FOLDER, Stack
from samenspel import topics
from tests.bench import accepting, bursts, clocks, commands, freshness, latency, projection, rebuild, relay, tables
from tests.bench.measured import Measured

BARE = ("relay", "projection", "clocks", "accepting", "tables")  # on Kafka and PostgreSQL alone
WITH_SERVICES = ("commands", "bursts", "latency", "freshness", "rebuild")
ALONE = "year"  # what others sent would be read, too
SMALL = 0.02  # of the usual events: some seconds, to see that a benchmark works


async def _measure_bare(stack: Stack, names: set[str], share: float, of_year: float) -> list[Measured]:
    rows: list[Measured] = []
    for name in BARE:
        if name in names:
            prefix, url = f"{name}.", stack.create_database(f"bench_{name}", f"bench_{name}")
            await topics.apply(stack.kafka, prefix)
            if name == "relay":
                rows.append(await relay.measure(stack.kafka, url, prefix, int(relay.EVENTS * share)))
            elif name == "projection":
                rows += await projection.measure(stack.kafka, url, prefix, int(projection.EVENTS * share))
            elif name == "clocks":
                rows += await clocks.measure(url, share)
            elif name == "accepting":
                rows.append(await accepting.measure(stack, int(accepting.COMMANDS * share)))
            else:
                rows += await tables.measure(url, of_year * share)
    return rows


async def _measure_services(stack: Stack, names: set[str], share: float) -> list[Measured]:
    rows: list[Measured] = []
    if "commands" in names:
        rows += await commands.measure(stack, int(commands.COMMANDS * share))
    if "bursts" in names:
        rows.append(await bursts.measure(stack))
    if "latency" in names:
        rows.append(await latency.measure(stack, int(latency.COMMANDS * share)))
    if "freshness" in names:
        rows += await freshness.measure(stack, share)
    if "rebuild" in names:
        rows.append(await rebuild.measure(stack, int(rebuild.ACTIVITIES * share)))
    return rows


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.bench", description="Our code beside the limit, in the same run.")
    known = [*BARE, *WITH_SERVICES, ALONE]
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(known)}; without a name, all of them")
    parser.add_argument("--small", action="store_true", help="few events, to see that it works")
    parser.add_argument(
        "--share",
        type=float,
        default=0.01,
        help="of the national year, for `tables` and `year` (default 0.01); all of it takes about half an hour",
    )
    arguments = parser.parse_args()
    names, share = set(arguments.names or known), SMALL if arguments.small else 1.0
    if unknown := names.difference(known):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it says more than once that a new group has no place yet
    gc.set_threshold(100_000, 50, 50)  # as services/reporting/__main__.py has it
    rows: list[Measured] = []
    if names.intersection(BARE):
        with Stack.started(FOLDER / "bench", fresh=True) as stack:
            rows += asyncio.run(_measure_bare(stack, names, share, arguments.share))
    if names.intersection(WITH_SERVICES):
        with Stack.started(FOLDER / "bench", services=True, fresh=True) as stack:
            rows += asyncio.run(_measure_services(stack, names, share))
    if ALONE in names:
        with Stack.started(FOLDER / "bench", services=True, fresh=True) as stack:
            rows += asyncio.run(rebuild.measure_year(stack, arguments.share * share))
    print_table(rows)


def print_table(rows: list[Measured]) -> None:
    table = Table("what", "ours", "the limit, in the same run", "ratio", "aim", "what limits it")
    for row in rows:
        table.add_row(row.what, row.ours, row.limit, row.ratio, row.aim, row.limited_by)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
