"""Options that the commands of the local stack share."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option(help="Where the stack keeps its data, logs and state.", show_default=False)]
