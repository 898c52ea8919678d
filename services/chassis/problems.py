"""Everything a service can say no with, as RFC 9457 problems.

Four kinds: malformed (400), the rule says no (404, 409, 412), the caller may not (401, 403), and a part that is
needed does not answer (503). An exception's docstring is its message; its arguments are the facts. The type of a
problem is part of the contract: its class is named as its type shall be.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

PROBLEMS = "https://samenspel.nl/problems"


@dataclass(frozen=True, slots=True)
class WrongField:
    """One field that must change, what it was and what is allowed."""

    field: str
    value: object = None
    allowed: object = None


class Problem(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    retry_after: ClassVar[int | None] = None  # seconds
    slug: ClassVar[str] = "problem"
    """The class's name in kebab-case: the last part of the problem's type."""
    title: ClassVar[str] = "Something went wrong."
    """The docstring's first paragraph."""
    is_kind: ClassVar[bool] = True
    """Never raised itself: the types of this kind are."""

    def __init_subclass__(cls, *, is_kind: bool = False) -> None:
        super().__init_subclass__()
        cls.is_kind = is_kind
        cls.slug = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        cls.title = " ".join((cls.__doc__ or "").split("\n\n")[0].split())

    def __init__(self, detail: str | None = None, *errors: WrongField) -> None:
        self.detail = detail or self.title
        self.errors = errors
        super().__init__(self.detail)


class Malformed(Problem):
    """The message is not what the contract says."""

    status = 400


class NotFound(Problem, is_kind=True):
    """There is no such thing here."""

    status = 404


class RuleSaysNo(Problem, is_kind=True):
    """A rule does not allow it."""

    status = 409


class NotYetKnown(RuleSaysNo):
    """This service has not heard of it yet; ask again shortly."""

    retry_after = 1


class VersionConflict(Problem):
    """It changed since you read it."""

    status = 412


class Unidentified(Problem, is_kind=True):
    """Who is asking is not known."""

    status = 401


class NotAllowed(Problem):
    """This role, or this organisation, may not do that."""

    status = 403


class Unavailable(Problem):
    """A part that this service needs does not answer; nothing was lost, ask again."""

    status = 503
    retry_after = 2


def every_problem(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for each in kind.__subclasses__():
        if not each.is_kind:
            yield each
        yield from every_problem(each)
