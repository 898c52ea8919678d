"""Bodies of lines: many things of reference data in one command."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from services.chassis.http.problem_handlers import wrong_fields
from services.chassis.problems import Malformed, WrongField

Line = TypeVar("Line", bound=BaseModel)


async def read_lines(request: Request, model: type[Line]) -> list[Line]:
    """Every line as a model; raises `Malformed` with all wrong fields, each with its line number."""
    found: list[Line] = []
    wrong: list[WrongField] = []
    for number, line in enumerate((await request.body()).splitlines(), 1):
        try:
            if line.strip():
                found.append(model.model_validate_json(line))
        except ValidationError as error:
            fields = wrong_fields(list(error.errors()))
            wrong += [WrongField(f"line {number}: {each.field}", each.value, each.allowed) for each in fields]
    if wrong:
        raise Malformed(f"{len(wrong)} wrong fields, the first in {wrong[0].field}", *wrong[:50])
    return found
