"""Bodies of JSON lines: much reference data in one command."""

from fastapi import Request

from contracts.values import Value
from services.chassis.checks import PersonalData
from services.chassis.commands import Command
from services.chassis.problems import Malformed, WrongField

MAX_WRONG = 50  # enough to see what is wrong with a file; the number of all is in the detail


async def read_lines(request: Request, command: Command) -> list[Value]:
    """One value per line, without empty lines. Raises `Malformed` with the first 50 wrong fields and their lines, or
    `PersonalData` with the first."""
    found: list[Value] = []
    wrong: list[WrongField] = []
    for number, line in enumerate((await request.body()).splitlines(), 1):
        try:
            if line.strip():
                found.append(command.read_json(line, within=f"line {number}: "))
        except PersonalData:
            raise
        except Malformed as error:
            wrong += error.errors
    if wrong:
        raise Malformed(f"{len(wrong)} wrong fields, the first in {wrong[0].field}", *wrong[:MAX_WRONG])
    return found
