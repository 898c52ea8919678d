"""A simulated school year: which school requests what, when, and what becomes of it.

Pure and seeded: the same city, number and seed give the same plan. The chances make a believable picture, not one that
meets the target: adoption stays a few schools below the covenant's 80%.
"""

from random import Random

from demo.simulation.activities import direct_scenario
from demo.simulation.city import City
from demo.simulation.endings import ENDINGS, ending_scenario
from demo.simulation.organisations import appointment
from demo.simulation.plan import Plan, Scenario
from demo.simulation.requests import request_scenario
from demo.simulation.scenario import Approach, Simulation

DIRECT = 0.12  # share of the scenarios in which a partner delivers without a request
JOINT_SCHOOLS = 0.68  # share of the schools that work jointly with their care; only child centres can
REPLACING_SCHOOLS = 0.13
ACTIVITIES_PER_ENDING = 12


def plan(city: City, activities: int, seed: int) -> Plan:
    """A year with so many delivered activities, and a scenario that succeeds for every school that is to adopt."""
    rng = Random(f"year {seed}")  # noqa: S311 - a simulation, not a secret
    simulation = Simulation(city, rng, _approaches(city, rng), activities)
    scenarios: list[Scenario] = [_waiting_for_nature(simulation)]
    for school in city.schools:
        if simulation.left and simulation.approaches[school.id] is not Approach.STACKING:
            scenarios.append(request_scenario(simulation, f"{len(scenarios)}", school, succeeds=True))
    weights = [rng.uniform(0.5, 2.0) for _ in city.schools]  # some schools request four times as much as others
    while simulation.left:
        (school,) = rng.choices(city.schools, weights)
        simulate = direct_scenario if rng.random() < DIRECT else request_scenario
        scenarios.append(simulate(simulation, f"{len(scenarios)}", school))
    for number in range(max(len(ENDINGS), activities // ACTIVITIES_PER_ENDING)):
        ending = list(ENDINGS)[number % len(ENDINGS)]
        scenarios.append(ending_scenario(simulation, ending, f"{len(scenarios)}", rng.choice(city.schools)))
    return Plan(tuple(scenarios), appointment())


def _approaches(city: City, rng: Random) -> dict[str, Approach]:
    shuffled = rng.sample(city.schools, len(city.schools))
    centres = [school for school in shuffled if school.is_child_centre]
    joint = centres[: round(JOINT_SCHOOLS * len(shuffled))]
    others = [school for school in shuffled if school not in joint]
    replacing = others[: round(REPLACING_SCHOOLS * len(shuffled))]
    approaches = {school.id: Approach.STACKING for school in shuffled}
    approaches |= {school.id: Approach.JOINT for school in joint}
    return approaches | {school.id: Approach.REPLACING for school in replacing}


def _waiting_for_nature(simulation: Simulation) -> Scenario:
    return request_scenario(simulation, "0", simulation.city.schools[0], waits=True)
