"""`python -m services.reporting` runs the service."""

from services.chassis.service import run
from services.reporting.app import wire

run("reporting", "services.reporting", wire)
