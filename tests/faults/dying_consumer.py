"""A consumer that is killed (SIGKILL) at work on a batch: started by a test as a process of its own.

It dies when the reaction to version 2 is done, before the transaction commits.
"""

import asyncio
import os
import signal
import sys
from contextlib import nullcontext

from contracts.offers import OFFERS, BrokerRecorded
from services.chassis.messaging.inbox import Inbox, Reactions
from services.chassis.running.database import Database, Transaction, connect
from services.chassis.running.health import Health
from services.chassis.running.settings import read_settings
from tests.faults.controls import TAKEN_AWAY, taken_away
from tests.faults.test_controls import CONTROLS
from tests.integration.chassis.test_inbox import note

VARIABLES = ("SAMENSPEL_KAFKA", "SAMENSPEL_KAFKA_PREFIX", "SAMENSPEL_DATABASE_URL")


async def main(*values: str) -> None:
    settings = read_settings("requests", 8001, dict(zip(VARIABLES, values, strict=True)))
    pool = await connect(settings.database_url)
    database = Database(pool, pool, settings.source, 1, b"secret", lambda: None)
    reactions = Reactions()
    reactions.to(BrokerRecorded)(note_and_die)
    await Inbox(settings, database, Health(), (OFFERS,), reactions).run()


async def note_and_die(broker: BrokerRecorded, tx: Transaction) -> None:
    await note(broker, tx)
    if tx.reacting_to == (1, 2):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    control = os.environ.get(TAKEN_AWAY)
    with taken_away(CONTROLS[control]) if control else nullcontext():
        asyncio.run(main(*sys.argv[1:]))
