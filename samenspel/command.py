"""The operator's command, put together from the modules in `samenspel.commands`.

Packages that are installed beside this one add their own commands by the entry point `samenspel.commands`.

Exit codes: 0; 1, with one sentence, when something failed; 2 when the command was used wrongly.
"""

import errno
import sys

import typer
from aiokafka.errors import KafkaError

from samenspel.commands import (
    clients,
    completion,
    dead_letters,
    figures,
    importing,
    rebuild,
    republishing,
    restoring,
    topics,
    work,
)
from samenspel.failure import CommandFailed
from samenspel.plugins import plugins

DISK_ERRORS = {errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT}  # no bugs of ours, so no traceback

app = typer.Typer(
    help="Samenspel: a city's schools, childcare and educational partners working as one.",
    no_args_is_help=True,
    add_completion=False,  # its two options would stand first in every help
    pretty_exceptions_show_locals=False,  # local variables hold passwords
)
for commands in plugins("samenspel.commands"):
    app.add_typer(commands)
app.add_typer(work.commands)
app.add_typer(rebuild.commands)
app.add_typer(republishing.commands)
app.add_typer(restoring.commands)
app.add_typer(figures.commands, name="figures")
app.add_typer(dead_letters.commands, name="dead-letters")
app.add_typer(topics.commands, name="topics")
app.add_typer(clients.commands, name="clients")
app.add_typer(importing.commands, name="import")
app.add_typer(completion.commands)


def main() -> None:
    completion.prepare()
    try:
        app()
    except CommandFailed as failure:
        sys.exit(f"samenspel: {failure}")
    except KafkaError as failure:
        sys.exit(f"samenspel: Kafka does not answer, or not as it should: {failure}")
    except OSError as failure:
        if failure.errno not in DISK_ERRORS:
            raise
        sys.exit(f"samenspel: {failure.strerror}: {failure.filename}")
