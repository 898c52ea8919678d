"""Wiring of the service `referrals`: its routes, its reactions, and what it does first."""

from contracts.offers import OFFERS
from contracts.requests import REQUESTS
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
from services.referrals import api, breaches, reactions, reasons, store
from services.referrals.commands import activities, organisations, referrals

NAME = "referrals"
DEFAULT_PORT = 8002
DESCRIPTION = """Brokers and partners, the hand-over of a request to a partner, and the activities that follow.

Send `Samenspel-Actor` (development) to say who asks, and a new `Idempotency-Key` with every POST."""
TAGS = {
    "referrals": "The hand-over of a request to a partner.",
    "activities": "What partners plan and deliver.",
    "reference data": "Brokers and partners: recorded by their own key, as they are on a day.",
}


def wire(service: Service) -> Wiring:
    app = application(service, title="Samenspel referrals", description=DESCRIPTION, tags=TAGS)
    use_own_numbers(store.CLOCK_NUMBERS, service.settings.clock_numbers)
    own = referrals.commands, activities.commands, organisations.commands
    by_operators = redrives.commands, republications.commands, restorations.commands, registrations.commands
    add_command_routes(app, service, *own, *by_operators, adoptions.commands_for(service.settings))
    app.include_router(api.queries)
    app.include_router(api.work)
    app.include_router(republications.queries)
    app.include_router(restorations.queries)
    app.include_router(registrations.queries)
    door = Door.of(service, *own)
    around = service.settings, service.database, service.health
    recovery = Recovery(service.settings, service.database, store.RESTORE)
    inbox = Inbox(*around, (SITES, REQUESTS), reactions.reactions, recovery)
    caught_up = CaughtUp(service.settings, inbox.topics)
    due_clocks = DueClocks(*around, breaches.TOPICS, breaches.ACTS, recovery, store.WITHOUT_TURN, caught_up)
    return Wiring(
        app,
        {
            "reactions": inbox.run,
            "clocks": due_clocks.run,
            "commands": door.run,
            "waiting commands": WaitingCommands(door).run,
        },
        prepare=lambda: publish_lists(service.database, reasons.LISTS.values(), OFFERS),
    )
