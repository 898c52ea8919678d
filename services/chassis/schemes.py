"""Which codes a service knows, by scheme: data that it ships. A door refuses what is not in it."""

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from contracts.values import LearningArea
from services.chassis.checks import check_unique
from services.chassis.problems import Malformed, WrongField

Schemes = Mapping[str, tuple[str, ...]]
_SCHEMES = TypeAdapter(dict[str, tuple[str, ...]])


class UnknownLearningArea(Malformed):
    """No such scheme is known, or it has no such learning area."""


def read_schemes(text: bytes) -> Schemes:
    return _SCHEMES.validate_json(text)


def area_key(area: LearningArea) -> str:
    """Such as `curriculum.nu/kunst-en-cultuur`."""
    return f"{area.scheme}/{area.code}"


def area_of(key: str) -> LearningArea:
    scheme, _, code = key.partition("/")
    return LearningArea(scheme=scheme, code=code)


def check_areas_unique(areas: Sequence[LearningArea]) -> None:
    check_unique([area_key(area) for area in areas], field="learningAreas")


def check_learning_areas(areas: Sequence[LearningArea], schemes: Schemes) -> None:
    for index, area in enumerate(areas):
        known = schemes.get(area.scheme)
        if known is None:
            field, schemes_known = f"learningAreas[{index}].scheme", tuple(schemes)
            raise UnknownLearningArea(
                f'{field} is "{area.scheme}"; known are: {", ".join(schemes_known)}.',
                WrongField(field, area.scheme, schemes_known),
            )
        if area.code not in known:
            field = f"learningAreas[{index}].code"
            raise UnknownLearningArea(
                f'{field} is "{area.code}"; {area.scheme} has: {", ".join(known)}.', WrongField(field, area.code, known)
            )
