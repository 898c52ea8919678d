"""What people add in words: kept here, never in an event."""

from uuid import UUID

from services.chassis.running.database import Transaction


async def save(tx: Transaction, subject: UUID, version: int, comment: str | None) -> None:
    """A comment on the version of a referral or an activity that it explains."""
    if comment is not None:
        await tx.db.execute(
            "INSERT INTO comments (subject, version, comment) VALUES ($1, $2, $3)", subject, version, comment
        )
