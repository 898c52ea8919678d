"""`samenspel completion`: what a shell needs to complete this command's words."""

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import completion_init, get_completion_script  # type: ignore[attr-defined]  # no other way

NAME, VARIABLE = "samenspel", "_SAMENSPEL_COMPLETE"

commands = typer.Typer()


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@commands.command(epilog='Example: eval "$(samenspel completion bash)"')
def completion(shell: Annotated[Shell, typer.Argument(help="Yours.")]) -> None:
    """Print the script that lets a shell complete commands and options; put it into the shell's own start-up file."""
    typer.echo(get_completion_script(prog_name=NAME, complete_var=VARIABLE, shell=shell))


prepare = completion_init
"""Lets this process answer a shell that asks for completions."""
