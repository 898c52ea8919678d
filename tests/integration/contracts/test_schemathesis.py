"""Schemathesis, which knows nothing of us, finds every answer as it is described, whoever asks (T29)."""

from collections.abc import Callable, Iterator
from pkgutil import resolve_name

import pytest

from contracts.topics import SERVICES
from tests.contract.story import Json
from tests.integration.contracts.described import Known
from tests.integration.contracts.judged import an_api, one_edge_in, what_is_wrong
from tests.integration.contracts.played import Play
from tests.integration.contracts.test_described import AT_HOME, an_actor, known
from tests.life_cycles import STRANGER

__all__ = ["known"]  # a fixture

FEW, MANY = 1, 30  # random requests to each operation, each sent by all eight
FIRST = an_actor("operator")
OTHERS = [an_actor(role) for role in AT_HOME if role != "operator"] + [an_actor("coordinator", STRANGER)]


CHANGED_BY_SCHEMATHESIS = (
    "hypothesis.core.RepresentationPrinter",
    "hypothesis.internal.conjecture.engine.BUFFER_SIZE",
    "hypothesis.strategies._internal.collections.BUFFER_SIZE",
)


@pytest.fixture(scope="module", autouse=True)
def hypothesis_as_it_was() -> Iterator[None]:
    """Schemathesis changes Hypothesis for good: in the tests behind these, it would not show what made one fail."""
    with pytest.MonkeyPatch.context() as restored:
        for name in CHANGED_BY_SCHEMATHESIS:
            restored.setattr(name, resolve_name(name))
        yield


@pytest.mark.fault("T29")
@pytest.mark.parametrize("service", SERVICES)
def test_schemathesis_finds_every_answer_as_it_is_described(played: Play, known: Known, service: str) -> None:
    """Of the edges some, by the operator alone; what is random by everyone."""
    api = an_api(played.services[service].url, known, first=FIRST, random_requests=FEW)
    api.hook("filter_case")(one_edge_in(4))  # most fields get a wrong type, and not always the same

    wrong = list(what_is_wrong(api, others=OTHERS))

    assert not wrong, "\n\n".join(wrong[:5])


@pytest.mark.fault("T29")
@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_schemathesis_finds_every_answer_to_everyone_as_it_is_described(
    played: Play, known: Known, service: str
) -> None:
    api = an_api(played.services[service].url, known, first=FIRST, random_requests=MANY)

    wrong = list(what_is_wrong(api, others=OTHERS, with_the_edges=True))

    assert not wrong, "\n\n".join(wrong[:5])


def takes_ten(api: Json) -> None:
    limit_of(api)["maximum"] = 10


def takes_a_million(api: Json) -> None:
    limit_of(api)["maximum"] = 1_000_000


def limit_of(api: Json) -> Json:
    (limit,) = [each for each in api["paths"]["/sites"]["get"]["parameters"] if each["name"] == "limit"]
    schema: Json = limit["schema"]
    return schema


def numbers_its_sites(api: Json) -> None:
    api["components"]["schemas"]["SiteView"]["properties"]["siteId"] = {"type": "integer"}


def refuses_nothing(api: Json) -> None:
    del api["paths"]["/sites"]["get"]["responses"]["400"]


@pytest.mark.parametrize(
    ("spoil", "title"),
    [
        (takes_ten, "Schema-violating request accepted"),
        (takes_a_million, "Schema-valid request rejected"),
        (numbers_its_sites, "Response violates schema"),
        (refuses_nothing, "Custom check failed: `is_described_by_status`"),
    ],
)
def test_schemathesis_sees_a_description_that_is_wrong(
    played: Play, known: Known, spoil: Callable[[Json], None], title: str
) -> None:
    api = an_api(played.services["requests"].url, known, first=FIRST, random_requests=FEW)
    spoil(api.raw_schema)

    wrong = list(what_is_wrong(api.include(operation_id="listSites"), others=OTHERS))

    assert any(title in each for each in wrong)
