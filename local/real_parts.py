"""What a user of Kafka and PostgreSQL may rely on, whoever runs them: plain processes here, containers elsewhere."""

from typing import Protocol


class RealParts(Protocol):
    """Real Kafka and real PostgreSQL, ready for use."""

    @property
    def kafka(self) -> str:
        """Kafka's bootstrap server."""

    def create_database(self, name: str, role: str) -> str:
        """A database that only this role can enter; returns the role's URL."""

    def pid(self, name: str) -> int | None:
        """The process of "kafka" or "postgres", for those who harm it."""
