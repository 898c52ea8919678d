"""What a demo found out, as plain data; what `--json` prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.page import Saved
from demo.programme import PROGRAMME
from demo.proofs import is_emptied
from demo.rebuild import OF_ITS_CUT, FiguresByKey, Rebuilt


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check in another language found in all messages."""

    messages: int
    violations: tuple[str, ...] = ()
    not_done: str = ""
    """Why the check could not be carried out, if it could not."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    city: str
    schools: int
    seed: int
    known_at: str
    cut_id: int
    figures: FiguresByKey
    counts: Mapping[str, int]
    events: int
    dead_letters: int
    health: Mapping[str, str]
    lost: int
    doubled: int
    recounted: int
    recount_differences: tuple[str, ...]
    rebuilt: Rebuilt
    checked: Checked
    page: Saved
    seconds: Mapping[str, float]

    @property
    def is_proven(self) -> bool:
        return not self.differences

    @property
    def differences(self) -> list[str]:
        found = [f"recount: {each}" for each in self.recount_differences]
        found += [f"rebuild: {each}" for each in self.rebuilt.differences]
        found += [f"contracts: {each}" for each in self.checked.violations]
        found += [f"{self.lost} acknowledged commands left no event"] if self.lost else []
        found += [f"{self.doubled} acknowledged commands left more than one event"] if self.doubled else []
        return found

    def figure(self, indicator: str, unit: str, period: str, stratum: str = "all") -> dict[str, Any] | None:
        return self.figures.get(f"{indicator}/1/{PROGRAMME}/{unit}/{stratum}/{period}")

    def as_json(self) -> dict[str, Any]:
        """The figures by key, without when and how they came to be; counts and proofs."""
        return {
            "municipality": self.city,
            "seed": self.seed,
            "cutId": self.cut_id,
            "knownAt": self.known_at,
            "figures": self._lasting_figures(),
            "counts": dict(sorted(self.counts.items())),
            "events": self.events,
            "deadLetters": self.dead_letters,
            "health": dict(self.health),
            "page": {
                "html": str(self.page.html),
                "pdf": str(self.page.pdf) if self.page.pdf else None,
                "whyNoPdf": self.page.why_no_pdf,
            },
            "proofs": self._proofs(),
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
        }

    def _lasting_figures(self) -> dict[str, Any]:
        return {
            key: {name: value for name, value in figure.items() if name not in _OF_ITS_HISTORY}
            for key, figure in sorted(self.figures.items())
            if not is_emptied(figure)
        }

    def _proofs(self) -> dict[str, Any]:
        rebuilt, checked = self.rebuilt, self.checked
        return {
            "delivered": {"lost": self.lost, "doubled": self.doubled},
            "recount": {"figures": self.recounted} | _verdict(self.recount_differences),
            "rebuilt": {"figures": rebuilt.figures, "seconds": rebuilt.seconds} | _verdict(rebuilt.differences),
            "contracts": {"messages": checked.messages, "notDone": checked.not_done} | _verdict(checked.violations),
        }


# A restatement tells how a figure came to be, which depends on when cuts were taken; the figure does not.
_OF_ITS_HISTORY = (*OF_ITS_CUT, "previous", "causes", "causeCount")


def _verdict(differences: tuple[str, ...]) -> dict[str, Any]:
    return {"equal": not differences, "differences": list(differences)}
