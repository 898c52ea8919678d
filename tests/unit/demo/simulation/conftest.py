"""The real city and one simulated year, made once."""

import pytest

from demo.programme import PROGRAMME_FOLDER
from demo.simulation.city import City, city_of
from demo.simulation.plan import Plan
from demo.simulation.year import plan
from samenspel.registers import duo

SEED, ACTIVITIES = 3, 250


@pytest.fixture(scope="package")
def city() -> City:
    return city_of("'s-Hertogenbosch", duo.read(PROGRAMME_FOLDER / "duo"), SEED)


@pytest.fixture(scope="package")
def year(city: City) -> Plan:
    return plan(city, ACTIVITIES, SEED)
