"""The reasons that `referrals` accepts, published on the offers topic when they are new."""

from importlib.resources import files

from contracts.offers import OFFERS
from contracts.reasons import read_lists
from services.chassis.messaging import outbox
from services.chassis.running.database import Database

LISTS = read_lists((files(__package__) / "reasons.json").read_bytes())
DECLINE = LISTS["decline"]
WITHDRAW = LISTS["withdraw-referral"]
CORRECT = LISTS["activity-correction"]
RETRACT = LISTS["activity-retraction"]
DISPUTE = LISTS["activity-dispute"]


async def publish(database: Database) -> None:
    """Announce each list in a version that was not announced before."""
    for reasons in LISTS.values():
        async with database.transaction(at=reasons.published_at) as tx:
            await outbox.add_once(tx, reasons, version=reasons.list_version, topic=OFFERS)
