"""Wiring of the service `requests`: its routes, its reactions, and what it does first."""

from contracts.activities import ACTIVITIES
from contracts.offers import OFFERS
from contracts.referrals import REFERRALS
from contracts.sites import SITES
from services.chassis import adoptions, redrives, republications, restorations
from services.chassis.clients import registrations
from services.chassis.clients.door import Door
from services.chassis.clients.waiting import WaitingCommands
from services.chassis.clock_table import use_own_numbers
from services.chassis.due_clocks import DueClocks
from services.chassis.http.application import application
from services.chassis.http.command_routes import add_command_routes
from services.chassis.messaging.caught_up import CaughtUp
from services.chassis.messaging.inbox import Inbox
from services.chassis.messaging.reason_lists import publish_lists
from services.chassis.messaging.roll_forward import Recovery
from services.chassis.running.service import Service, Wiring
from services.requests import api, breaches, commands, reactions, reasons, store
from services.requests.routing import Router

NAME = "requests"
DEFAULT_PORT = 8001
DESCRIPTION = """Sites and their groups, and what coordinators ask: from the question to its end.

Send `Samenspel-Actor` (development) to say who asks, and a new `Idempotency-Key` with every POST."""
TAGS = {
    "requests": "What coordinators ask, from the question to its end.",
    "reference data": "Sites and groups: recorded by their own key, as they are on a day.",
}


def wire(service: Service) -> Wiring:
    app = application(service, title="Samenspel requests", description=DESCRIPTION, tags=TAGS)
    use_own_numbers(store.CLOCK_NUMBERS, service.settings.clock_numbers)
    own = commands.requests, commands.reference_data
    by_operators = redrives.commands, republications.commands, restorations.commands, registrations.commands
    add_command_routes(app, service, *own, *by_operators, adoptions.commands_for(service.settings))
    app.include_router(api.queries)
    app.include_router(api.work)
    app.include_router(republications.queries)
    app.include_router(restorations.queries)
    app.include_router(registrations.queries)
    door = Door.of(service, *own)
    recovery = Recovery(service.settings, service.database, store.RESTORE)
    around = service.settings, service.database, service.health
    inbox = Inbox(*around, (OFFERS, REFERRALS, ACTIVITIES), reactions.reactions, recovery)
    router = Router(*around, recovery, CaughtUp(service.settings, (OFFERS,)))
    caught_up = CaughtUp(service.settings, inbox.topics)
    due_clocks = DueClocks(*around, breaches.TOPICS, breaches.ACTS, recovery, store.WITHOUT_TURN, caught_up)
    return Wiring(
        app,
        {
            "reactions": inbox.run,
            "routing": router.run,
            "clocks": due_clocks.run,
            "commands": door.run,
            "waiting commands": WaitingCommands(door).run,
        },
        prepare=lambda: publish_lists(service.database, reasons.LISTS.values(), SITES),
    )
