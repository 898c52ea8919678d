"""Documents that are made from the code: `python -m services.documents write | check`.

write   make them anew
check   say which of them is stale; ends with 1 when one is
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from services.chassis.problems import PROBLEMS, Problem, every_problem
from services.referrals import app as referrals
from services.reporting import app as reporting
from services.requests import app as requests

DOCS = Path(__file__).parents[1] / "docs"
SERVICES = [module.NAME for module in (requests, referrals, reporting)]

INTRODUCTION = f"""# Problems

Every refusal is an RFC 9457 problem (`application/problem+json`): `type` is `{PROBLEMS}/` and one of the names below,
`errors` names each wrong field, its value and what is allowed, `traceId` is what to tell us. A type is a promise: its
meaning does not change. Made from the code by `python -m services.documents write`.

| type | status | meaning | from |
|---|---|---|---|
"""


def _services(problem: type[Problem]) -> str:
    raised_by = [name for name in SERVICES if problem.__module__.startswith(f"services.{name}.")]
    return ", ".join(raised_by) or "all"


def problems() -> str:
    """The table of all problem types."""
    rows = sorted((problem.status, problem.slug, problem.title, _services(problem)) for problem in every_problem())
    return INTRODUCTION + "".join(f"| `{slug}` | {status} | {title} | {who} |\n" for status, slug, title, who in rows)


def stale() -> Iterator[Path]:
    """The documents that are not what the code says."""
    for path, text in DOCUMENTS.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path


DOCUMENTS = {DOCS / "problems.md": problems()}


def main(arguments: list[str]) -> int:
    """Do one of the two; 2 for anything else."""
    match arguments:
        case ["write"]:
            for path, text in DOCUMENTS.items():
                path.write_text(text, encoding="utf-8")
            return 0
        case ["check"]:
            found = list(stale())
            for path in found:
                sys.stdout.write(f"docs/{path.name} is stale: run `python -m services.documents write`.\n")
            return 1 if found else 0
        case _:
            sys.stdout.write(__doc__ or "")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
