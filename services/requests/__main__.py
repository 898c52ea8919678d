"""`python -m services.requests` runs the service."""

from services.chassis.running.service import run
from services.requests.app import DEFAULT_PORT, NAME, wire

run(NAME, default_port=DEFAULT_PORT, package=f"services.{NAME}", wire=wire)
