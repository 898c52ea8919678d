"""The reasons that `requests` accepts, published on the sites topic when they are new."""

from importlib.resources import files

from contracts.reasons import read_lists
from contracts.sites import SITES
from services.chassis.messaging import outbox
from services.chassis.running.database import Database

LISTS = read_lists((files(__package__) / "reasons.json").read_bytes())
NOT_FULFILLED = LISTS["not-fulfilled"]


async def publish(database: Database) -> None:
    """Announce each list in a version that was not announced before."""
    for reasons in LISTS.values():
        async with database.transaction(at=reasons.published_at) as tx:
            await outbox.add_once(tx, reasons, version=reasons.list_version, topic=SITES)
