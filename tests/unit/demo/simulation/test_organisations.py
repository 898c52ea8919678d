"""The demo's brokers are those of the programme."""

from demo.programme import PROGRAMME_FOLDER
from demo.simulation.organisations import BROKERS, WITHOUT_BROKER
from samenspel.programmes import read


def test_the_demo_has_the_brokers_of_the_programme() -> None:
    areas = {each.area.code: set(each.brokers) for each in read(PROGRAMME_FOLDER).learning_areas}

    assert {code for code, brokers in areas.items() if not brokers} == set(WITHOUT_BROKER)
    for broker_id, (_, codes) in BROKERS.items():
        assert {code for code, brokers in areas.items() if broker_id in brokers} == set(codes)
