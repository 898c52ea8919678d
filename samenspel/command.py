"""The operator's command: every part of it is a module that brings its own commands.

What is installed beside it may add more (entry points `samenspel.commands`): a checkout adds `up`, `down`,
`status` and `demo`; in the image there is nothing to add.

It ends with 0, with 1 and one sentence when something failed, or with 2 when it was used wrongly.
"""

import errno
import sys
from importlib.metadata import entry_points

import typer

from samenspel.commands import dead_letters, figures, importing, rebuild, topics
from samenspel.failure import CommandFailed

NOT_OURS = {errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT}  # the disk says no: not a bug, so no traceback

app = typer.Typer(
    help="Samenspel: a city's schools, childcare and educational partners working as one.",
    no_args_is_help=True,
    add_completion=False,  # five words need no completion, and it would fill the help
    pretty_exceptions_show_locals=False,  # they hold passwords
)
for plugin in entry_points(group="samenspel.commands"):
    app.add_typer(plugin.load())
app.add_typer(rebuild.commands)
app.add_typer(figures.commands, name="figures")
app.add_typer(dead_letters.commands, name="dead-letters")
app.add_typer(topics.commands, name="topics")
app.add_typer(importing.commands, name="import")


def main() -> None:
    """Run the command."""
    try:
        app()
    except CommandFailed as failure:
        sys.exit(f"samenspel: {failure}")
    except OSError as failure:
        if failure.errno not in NOT_OURS:
            raise
        sys.exit(f"samenspel: {failure.strerror}: {failure.filename}")
