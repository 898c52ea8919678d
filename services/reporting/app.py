"""Wiring of the service `reporting`: its routes and its projection."""

from services.chassis import adoptions, redrives, republications
from services.chassis.http.application import application
from services.chassis.http.command_routes import add_command_routes
from services.chassis.running.service import Service, Wiring
from services.reporting import api
from services.reporting.page import routes
from services.reporting.page.live import PART, Live
from services.reporting.page.making import make
from services.reporting.projection import Projection

NAME = "reporting"
DEFAULT_PORT = 8003
DESCRIPTION = """Figures, each with all that explains it, the events behind it, and what was known when.

Send `Samenspel-Actor` (development) to say who asks."""
TAGS = {
    "figures": "Adoption, reach and the other figures, with the events behind them.",
    "rebuilds": "For operators: all figures built anew from the topics.",
}


def wire(service: Service) -> Wiring:
    app = application(service, title="Samenspel reporting", description=DESCRIPTION, tags=TAGS)
    adopting = adoptions.commands_for(service.settings)
    add_command_routes(app, service, api.commands, redrives.commands, republications.commands, adopting)
    app.include_router(api.queries)
    app.include_router(routes.pages)
    app.state.live = Live(service, make)
    app.include_router(republications.queries)
    projection = Projection(service.settings, service.database, service.health)
    return Wiring(app, {"projection": projection.run, PART: app.state.live.run})
