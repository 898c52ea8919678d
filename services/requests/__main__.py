"""`python -m services.requests` runs the service."""

from services.chassis.running.service import run
from services.requests.app import wire

run("requests", "services.requests", wire)
