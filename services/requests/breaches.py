"""What `requests` does when something has waited too long; of other breaches it is only told."""

from collections.abc import Mapping
from uuid import UUID

from contracts.requests import REQUESTS
from services.chassis.due_clocks import Act, Breached
from services.chassis.running.database import Transaction
from services.requests import replicas, store
from services.requests.rules.closing import close_by_itself

TOPICS = {"request": REQUESTS}


async def close(tx: Transaction, request_id: UUID, breached: Breached) -> None:
    """Its referrals have ended and nobody closed it; or it found no broker as long as it was wished."""
    request = await store.lock(tx, request_id)
    if request is not None and await breached():
        delivered = await replicas.deliveries_of(tx, request_id)
        closed = close_by_itself(request, delivered, at=tx.now)
        await store.REQUESTS.announce(tx, request, closed)


ACTS: Mapping[tuple[str, str], Act] = {("request", "close"): close}
