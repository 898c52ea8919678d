"""Everything a service can say no with, as RFC 9457 problems.

Four kinds: malformed (400), the rule says no (404, 409, 412), the caller may not (401, 403), and the world
failed (503). An exception's docstring is its message; its arguments are the facts.
"""

import re
from dataclasses import dataclass
from typing import ClassVar


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

    def __init__(self, detail: str | None = None, *errors: WrongField) -> None:
        self.detail = detail or self.title
        self.errors = errors
        super().__init__(self.detail)

    @property
    def title(self) -> str:
        """The docstring's first sentence."""
        return " ".join((type(self).__doc__ or "").split("\n\n")[0].split())

    @property
    def slug(self) -> str:
        """The class's name in kebab-case: the last part of the problem's type."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class Malformed(Problem):
    """The message is not what the contract says."""

    status = 400


class NotFound(Problem):
    """There is no such thing here."""

    status = 404


class RuleSaysNo(Problem):
    """A rule does not allow it."""

    status = 409


class NotYetKnown(RuleSaysNo):
    """This service has not heard of it yet; ask again shortly."""

    retry_after = 1


class VersionConflict(Problem):
    """It changed since you read it."""

    status = 412


class Unidentified(Problem):
    """Who is asking is not known."""

    status = 401


class NotAllowed(Problem):
    """This role, or this organisation, may not do that."""

    status = 403


class Unavailable(Problem):
    """A part that this service needs does not answer; nothing was lost, ask again."""

    status = 503
    retry_after = 2
