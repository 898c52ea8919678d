"""Bodies of JSON lines: much reference data in one command."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from services.chassis.checks import check_personal_data
from services.chassis.http.problem_handlers import wrong_fields
from services.chassis.problems import Malformed, WrongField

MAX_WRONG = 50  # enough to see what is wrong with a file; the number of all is in the detail

Line = TypeVar("Line", bound=BaseModel)


async def read_lines(request: Request, model: type[Line]) -> list[Line]:
    """One model per line, without empty lines. Raises `Malformed` with the first 50 wrong fields and their lines, or
    `PersonalData` with the first."""
    found: list[Line] = []
    wrong: list[WrongField] = []
    for number, line in enumerate((await request.body()).splitlines(), 1):
        try:
            if line.strip():
                found.append(_model_of(number, line, model))
        except ValidationError as error:
            fields = wrong_fields(list(error.errors()))
            wrong += [WrongField(f"line {number}: {each.field}", each.value, each.allowed) for each in fields]
    if wrong:
        raise Malformed(f"{len(wrong)} wrong fields, the first in {wrong[0].field}", *wrong[:MAX_WRONG])
    return found


def _model_of(number: int, line: bytes, model: type[Line]) -> Line:
    found = model.model_validate_json(line)
    check_personal_data(from_json(line), within=f"line {number}: ")
    return found
