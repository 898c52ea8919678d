"""What makes a contract an event: its type, topic, aggregate and subject; and the catalogue of all of them.

Order of an aggregate is (epoch, version). An aggregate is known by its kind and its id: a broker and a
partner may share an organisation's id.
"""

from typing import ClassVar

from contracts.values import Value

NAMESPACE = "nl.samenspel"
MAX_EVENT_BYTES = 65_536  # what every CloudEvents intermediary has to forward
SCHEMAS = "https://samenspel.nl/contracts/schemas"

catalogue: dict[str, type["Event"]] = {}
"""Every event type by its name on the wire."""


class Event(Value):
    """A fact that one service announces; its docstring becomes the schema's description."""

    topics: ClassVar[tuple[str, ...]]
    aggregate: ClassVar[str]
    identified_by: ClassVar[str]
    dutch: ClassVar[str]
    version: ClassVar[int] = 1
    type: ClassVar[str]
    dataschema: ClassVar[str]

    def __init_subclass__(
        cls, *, topics: tuple[str, ...] = (), aggregate: str = "", identified_by: str = "", nl: str = ""
    ) -> None:
        """Enter a finished event (one with topics) in the catalogue."""
        super().__init_subclass__()
        if topics:
            cls.topics, cls.aggregate, cls.identified_by, cls.dutch = topics, aggregate, identified_by, nl
            cls.type = f"{NAMESPACE}.{cls.__name__}.v{cls.version}"
            cls.dataschema = f"{SCHEMAS}/{cls.__name__}.v{cls.version}.json"
            catalogue[cls.type] = cls

    @property
    def subject(self) -> str:
        return str(getattr(self, self.identified_by))
