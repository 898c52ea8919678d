"""`python -m services.referrals` runs the service."""

from services.chassis.running.service import run
from services.referrals.app import wire

run("referrals", "services.referrals", wire)
