"""`python -m services.referrals` runs the service."""

from services.chassis.running.service import run
from services.referrals.app import DEFAULT_PORT, NAME, wire

run(NAME, default_port=DEFAULT_PORT, package=f"services.{NAME}", wire=wire)
