"""What a demo found out, as plain data: what is printed, and what `--json` says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.organisations import PROGRAMME
from demo.proof import PASSING_FIELDS, Figures, Rebuilt, is_emptied


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check in another language said of all messages."""

    messages: int
    violations: tuple[str, ...] = ()
    not_done: str = ""
    """Why it could not be carried out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that one run found."""

    city: str
    schools: int
    seed: int
    known_at: str
    cut_id: int
    figures: Figures
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
    seconds: Mapping[str, float]

    @property
    def is_proven(self) -> bool:
        """Whether every proof held."""
        return not self.differences

    @property
    def differences(self) -> list[str]:
        """A sentence for everything that is not as it should be."""
        found = [f"recount: {each}" for each in self.recount_differences]
        found += [f"rebuild: {each}" for each in self.rebuilt.differences]
        found += [f"contracts: {each}" for each in self.checked.violations]
        found += [f"{self.lost} acknowledged commands left no event"] if self.lost else []
        found += [f"{self.doubled} acknowledged commands left more than one event"] if self.doubled else []
        return found

    def figure(self, indicator: str, unit: str, period: str, stratum: str = "all") -> dict[str, Any] | None:
        """One figure of the programme."""
        return self.figures.get(f"{indicator}/1/{PROGRAMME}/{unit}/{stratum}/{period}")

    def as_json(self) -> dict[str, Any]:
        """For machines: all figures by key, without when they were known; proofs, counts, seconds."""
        return {
            "municipality": self.city,
            "seed": self.seed,
            "cutId": self.cut_id,
            "knownAt": self.known_at,
            "figures": {
                key: _lasting(figure) for key, figure in sorted(self.figures.items()) if not is_emptied(figure)
            },
            "counts": dict(sorted(self.counts.items())),
            "events": self.events,
            "deadLetters": self.dead_letters,
            "health": dict(self.health),
            "proofs": {
                "delivered": {"lost": self.lost, "doubled": self.doubled},
                "recount": {
                    "equal": not self.recount_differences,
                    "figures": self.recounted,
                    "differences": list(self.recount_differences),
                },
                "rebuilt": {
                    "equal": not self.rebuilt.differences,
                    "figures": self.rebuilt.figures,
                    "seconds": self.rebuilt.seconds,
                    "differences": list(self.rebuilt.differences),
                },
                "contracts": {
                    "equal": not self.checked.violations,
                    "messages": self.checked.messages,
                    "notDone": self.checked.not_done,
                    "differences": list(self.checked.violations),
                },
            },
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
        }


# A restatement tells how a figure came to be, which depends on when cuts were taken; the figure does not.
_HOW_IT_CAME = (*PASSING_FIELDS, "previous", "causes", "causeCount")


def _lasting(figure: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figure.items() if name not in _HOW_IT_CAME}
