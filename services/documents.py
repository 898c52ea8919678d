"""Documents that are made from the code: `python -m services.documents write | check`.

write   make them anew
check   say which of them is stale; ends with 1 when one is
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from services.chassis.clock_table import NEXT_ACTOR
from services.chassis.clocks import Clock
from services.chassis.life_cycle import PREVIOUS, SAME, Condition, Step
from services.chassis.problems import PROBLEMS, Problem, every_problem
from services.chassis.running.database import Database
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings
from services.referrals import app as referrals
from services.referrals.rules import activity, referral
from services.referrals.rules import clocks as referral_clocks
from services.referrals.store import CLOCK_NUMBERS as REFERRAL_NUMBERS
from services.reporting import app as reporting
from services.reporting.documents import figures
from services.requests import app as requests
from services.requests.rules import clocks as request_clocks
from services.requests.rules import request
from services.requests.store import CLOCK_NUMBERS as REQUEST_NUMBERS

DOCS = Path(__file__).parents[1] / "docs"
GLOSSARY = DOCS / "glossary.md"
SERVICES = (requests, referrals, reporting)

ABOUT_PROBLEMS = f"""# Problems

Every refused request is answered with an RFC 9457 problem (`application/problem+json`): `type` is `{PROBLEMS}/` and one
of the names below, `errors` names each wrong field and what is allowed, and its value where that is an id, a code, a
date or a number: words are not repeated. `traceId` is what to tell us. A type is a promise: its meaning does not
change. Made from the code by `python -m services.documents write`.

| type | status | meaning | from |
|---|---|---|---|
"""


def _services(problem: type[Problem]) -> str:
    raised_by = [each.NAME for each in SERVICES if problem.__module__.startswith(f"services.{each.NAME}.")]
    return ", ".join(raised_by) or "all"


def problems() -> str:
    rows = sorted((problem.status, problem.slug, problem.title, _services(problem)) for problem in every_problem())
    return ABOUT_PROBLEMS + "".join(f"| `{slug}` | {status} | {title} | {who} |\n" for status, slug, title, who in rows)


CLOCKS: dict[str, tuple[Sequence[Clock], Mapping[str, int]]] = {
    "request": (request_clocks.CLOCKS, REQUEST_NUMBERS["default"]),
    "referral": (referral_clocks.OF_REFERRALS, REFERRAL_NUMBERS["default"]),
    "activity": (referral_clocks.OF_ACTIVITIES, REFERRAL_NUMBERS["default"]),
}
LIFE_CYCLES: dict[str, Sequence[Step[Any]]] = {
    "request": request.LIFE_CYCLE,
    "referral": referral.LIFE_CYCLE,
    "activity": activity.LIFE_CYCLE,
}

ABOUT_LIFE_CYCLES = """# Life cycles

What may be done with a request, a referral and an activity: from which states, by whom, and what it becomes. What a
table does not name is refused. The Dutch word from the [glossary](glossary.md) stands in italics. Made from the tables
in the code by `python -m services.documents write`.

- **from**: the states from which the action may be taken; none brings the object into being.
  A problem behind it is what answers when the object itself does not allow it yet, or any more:
  [what they mean](problems.md).
- **becomes**: the state after the event; *same* keeps the state and changes something else, *previous* returns to the
  one before.
- **who**: roles, each with the party to which its organisation must belong: the object's site, broker or partner.
  The brokers of a request are those that cover its areas today, and they are the brokers of its referrals and their
  activities too. While a request has no broker, every broker is a party to it, and a referral stays with the broker
  that made it; the next actor is an operator. `city` is any organisation; `samenspel` is the service itself, when
  something follows by itself.
- **reasons**: the published list from which a reason is given; the action may demand one or not.

What waits has **clocks**: they count working days in the holiday region of the site, and follow the state of the
object. What they bring about is announced as `ClockBreached`; `expire`, `close` and `withdraw` are the actions of the
tables. A breach without a number follows when the last day that the object names has passed. The numbers are data
([requests](../services/requests/clocks.json), [referrals](../services/referrals/clocks.json)), and a programme may have
its own (`SAMENSPEL_CLOCK_NUMBERS`). What is due waits, after a stop or a delay, until what the other service said
before that day has been read: it may be what was waited for.

An open object is on exactly one **work list**: that of the organisations whose turn it is while one of its clocks runs,
up to the last day before what follows (`GET /v1/work`, `samenspel work`). Where nobody brokers a request, it is an
operator's turn.

## In het Nederlands

Wat met een vraag, een doorverwijzing en een activiteit kan worden gedaan: vanuit welke toestand, door wie, en wat ervan
wordt. Wat in een tabel niet staat, wordt geweigerd.

- **from**: de toestanden van waaruit het mag; zonder toestand begint er iets nieuws. Een probleem erachter is het
  antwoord wanneer het nog niet, of niet meer, mag.
- **becomes**: de toestand erna; *same* laat de toestand zoals zij is, *previous* keert terug naar de vorige.
- **who**: rollen, elk met de partij waartoe de organisatie moet horen: de vestiging (`site`), de makelaar (`broker`) of
  de aanbieder (`partner`). De makelaars van een vraag zijn die welke vandaag haar leergebieden dekken, en zijn ook die
  van haar doorverwijzingen en hun activiteiten. Zonder makelaar is elke makelaar partij, en is een beheerder aan zet.
- **reasons**: de gepubliceerde lijst waaruit een reden wordt gegeven.
- **clock**, **turn**: wat wacht heeft een klok, die werkdagen telt in de vakantieregio van de vestiging. Tot de laatste
  dag voor wat volgt staat het op precies één werklijst: van wie aan zet is.
"""
CLOCK_HEADER = """| clock | runs while | working days, and what follows | whose turn, before what follows |
|---|---|---|---|
"""
LIFE_CYCLE_HEADER = """
| action | from | event | becomes | who | reasons |
|---|---|---|---|---|---|
"""


def _dutch_words() -> dict[str, str]:
    """The Dutch word for each English one of the glossary."""
    rows = re.findall(
        r"^\| ([^|(†]+?)(?: \([^|]*\))? \| ([^|]+) \|", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {english: dutch for english, dutch in rows if dutch[0].isalpha()}


DUTCH = _dutch_words()


def _dutch(word: str) -> str | None:
    return DUTCH.get(word.replace("_", " ").replace("-", " "))


def _both(word: str) -> str:
    """A word of the code with the Dutch one, where the glossary has it."""
    return f"`{word}` *{_dutch(word)}*" if _dutch(word) else f"`{word}`"


def _kept(state: str) -> str:
    return f"from {_both(state)} *same*"


def _becomes(step: Step[Any]) -> str:
    if step.becomes is SAME or step.becomes is PREVIOUS:
        return f"*{step.becomes.value}*"
    return ", ".join([_both(step.becomes), *map(_kept, step.keeps)])


def _condition(condition: Condition) -> str:
    return f"otherwise `{condition.refused_as.slug}`"


def _row(step: Step[Any]) -> str:
    cells = [
        _both(step.action),
        ", ".join(map(_both, step.begins)) + (f"; {_condition(step.when)}" if step.when else ""),
        f"`{step.event.__name__}` *{step.event.dutch}*",
        _becomes(step),
        ", ".join(f"`{role}` ({party})" for role, party in step.who.items()),
        f"`{step.reasons}`" if step.reasons else "",
    ]
    return f"| {' | '.join(cells)} |\n"


def _diagram(steps: Sequence[Step[Any]]) -> str:
    """The states and what leads from one to another, in Mermaid."""
    actions: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for step in steps:
        for before in step.begins or ("[*]",):
            for after in _states_after(step, before, steps):
                actions[before, after].append(step.action)
    states = list(dict.fromkeys(after for _, after in actions))
    lines = [f'state "{state} ({_dutch(state)})" as {state}' for state in states if _dutch(state)]
    lines += [f"{before} --> {after}: {', '.join(names)}" for (before, after), names in actions.items()]
    left = {before for before, after in actions if before != after}
    lines += [f"{state} --> [*]" for state in states if state not in left]
    return "\n```mermaid\nstateDiagram-v2\n" + "".join(f"    {line}\n" for line in lines) + "```\n"


def _states_after(step: Step[Any], before: str, steps: Sequence[Step[Any]]) -> Sequence[str]:
    """What takes something back returns to each state from which that could be done."""
    if step.becomes is PREVIOUS:
        return [state for each in steps if each.becomes == before for state in each.begins]
    return [before if step.becomes is SAME or before in step.keeps else str(step.becomes)]


def _clocks(name: str) -> str:
    clocks, numbers = CLOCKS[name]
    rows = [f"| `{clock.name}` | {clock.about} | {_breaches(clock, numbers)} | {_turn(clock)} |\n" for clock in clocks]
    return f"\n{CLOCK_HEADER}{''.join(rows)}"


def _breaches(clock: Clock, numbers: Mapping[str, int]) -> str:
    """What follows after how many working days, or after the day that the object says."""
    return ", ".join(
        f"`{each.name}`" if each.on else f"{numbers[f'{clock.name}.{each.name}']} `{each.name}`"
        for each in clock.breaches
    )


def _turn(clock: Clock) -> str:
    return f"{NEXT_ACTOR[clock.turn.party]}, `{clock.turn.until}`" if clock.turn else ""


def life_cycles() -> str:
    return ABOUT_LIFE_CYCLES + "".join(
        f"\n## {name.capitalize()} / {_dutch(name)}\n{_diagram(steps)}{LIFE_CYCLE_HEADER}{''.join(map(_row, steps))}"
        f"{_clocks(name)}"
        for name, steps in LIFE_CYCLES.items()
    )


def openapi(service: ModuleType) -> str:
    """The description of a service's API, as it answers with at `/v1/openapi.json`."""
    settings = read_settings(service.NAME, service.DEFAULT_PORT, {"SAMENSPEL_DATABASE_URL": "postgresql://localhost/x"})
    wiring = service.wire(Service(settings, cast("Database", None), Health()))
    return json.dumps(wiring.app.openapi(), indent=1, ensure_ascii=False) + "\n"


def stale() -> Iterator[Path]:
    """The documents that are not what the code says."""
    for path, text in DOCUMENTS.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path


DOCUMENTS = {
    DOCS / "problems.md": problems(),
    DOCS / "life-cycles.md": life_cycles(),
    DOCS / "figures.md": figures(),
    **{DOCS / "openapi" / f"{service.NAME}.json": openapi(service) for service in SERVICES},
}


def main(arguments: list[str]) -> int:
    """Do one of the two; 2 for anything else."""
    match arguments:
        case ["write"]:
            for path, text in DOCUMENTS.items():
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return 0
        case ["check"]:
            found = list(stale())
            for path in found:
                sys.stdout.write(f"docs/{path.relative_to(DOCS)} is stale: run `python -m services.documents write`.\n")
            return 1 if found else 0
        case _:
            sys.stdout.write(__doc__ or "")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
