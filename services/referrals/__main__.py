"""`python -m services.referrals` runs the service."""

from services.chassis.service import run
from services.referrals.app import wire

run("referrals", "services.referrals", wire)
