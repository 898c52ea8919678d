"""The reasons and codes that `referrals` accepts: data that ships with it."""

from importlib.resources import files

from services.chassis.reasons import read_lists
from services.chassis.schemes import read_schemes

LISTS = read_lists((files(__package__) / "reasons.json").read_bytes())
SCHEMES = read_schemes((files(__package__) / "schemes.json").read_bytes())
