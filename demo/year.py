"""A simulated school year: which school asks what, when, and what becomes of it.

Pure and seeded: the same city, number and seed give the same plan. Chances and shares are chosen so that the
picture is believable, not so that a target is met: the covenant's 80 % stays out of reach by a few schools.
"""

from random import Random

from demo.asking import request_story
from demo.city import City
from demo.delivering import direct_story
from demo.organisations import appointment
from demo.simulation import Simulation, Temper
from demo.story import Plan, Story

DIRECT = 0.12  # share of the stories in which a partner delivers without having been asked through the city
JOINT_SCHOOLS = 0.68  # share of the schools that work jointly with their care, as far as they are child centres
REPLACING_SCHOOLS = 0.13


def plan(city: City, activities: int, seed: int) -> Plan:
    """A year with about so many delivered activities; at least one story for every school that adopts."""
    rng = Random(f"year {seed}")  # noqa: S311 - a simulation, not a secret
    simulation = Simulation(city, rng, _tempers(city, rng), activities)
    stories: list[Story] = [_waiting_for_nature(simulation)]
    for school in city.schools:
        if simulation.left and simulation.tempers[school.id] is not Temper.HABITUAL:
            stories.append(request_story(simulation, f"{len(stories)}", school, exemplary=True))
    weights = [rng.uniform(0.5, 2.0) for _ in city.schools]  # some schools ask four times as much as others
    while simulation.left:
        (school,) = rng.choices(city.schools, weights)
        tell = direct_story if rng.random() < DIRECT else request_story
        stories.append(tell(simulation, f"{len(stories)}", school))
    return Plan(tuple(stories), appointment())


def _tempers(city: City, rng: Random) -> dict[str, Temper]:
    """How each school works."""
    shuffled = rng.sample(city.schools, len(city.schools))
    centres = [school for school in shuffled if school.is_child_centre]
    joint = centres[: round(JOINT_SCHOOLS * len(shuffled))]
    others = [school for school in shuffled if school not in joint]
    replacing = others[: round(REPLACING_SCHOOLS * len(shuffled))]
    tempers = {school.id: Temper.HABITUAL for school in shuffled}
    tempers |= {school.id: Temper.JOINT for school in joint}
    return tempers | {school.id: Temper.REPLACING for school in replacing}


def _waiting_for_nature(simulation: Simulation) -> Story:
    """At least one request waits for the broker that is appointed in January."""
    return request_story(simulation, "0", simulation.city.schools[0], waits=True)
