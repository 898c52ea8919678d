"""docs/examples/partner.mjs does what it says: another system, in another language, with nothing but the contracts."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from contracts.offers import BrokerDetails
from contracts.sites import SITES
from contracts.values import Name
from demo.external_check import install, node_home
from local import RealParts
from local.waiting import completed
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    GROUP,
    SCHOOL,
    TODAY,
    YESTERDAY_AT_ONE,
    an_actor,
    group_details,
    partner_details,
    referral_details,
    request_details,
    site_details,
)
from tests.contract.story import a_line, an_example, written
from tests.integration.publishing import publish
from tests.service_process import ServiceProcess, as_json, started
from tests.waiting import wait_until

PARTNER = Path(__file__).parents[3] / "docs" / "examples" / "partner.mjs"
DEADLINE = 120.0  # seconds; five are usual
OPERATOR, COORDINATOR, CONSULTANT = an_actor("operator"), an_actor("coordinator"), an_actor("consultant")
Services = dict[str, ServiceProcess]


@pytest.fixture(scope="module")
def services(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The three services in a city with a school of one group, Babel and Atelier; and Node with what it needs."""
    folder = tmp_path_factory.mktemp("partner")
    completed(install())
    with ExitStack() as running:
        services = {
            name: running.enter_context(started(stack, name, prefix="partner-", folder=folder))
            for name in ("requests", "referrals", "reporting")
        }
        requests, referrals = services["requests"], services["referrals"]
        babel = BrokerDetails(valid_from=TODAY, name=Name(nl="Babel"), learning_areas=(ART,))
        referrals.ask_ok("PUT", f"/v1/brokers/{BABEL}", as_json(babel), by=OPERATOR)
        referrals.ask_ok("PUT", f"/v1/partners/{ATELIER}", as_json(partner_details()), by=OPERATOR)
        requests.ask_ok("PUT", f"/v1/sites/{SCHOOL}", as_json(site_details()), by=OPERATOR)
        requests.ask_ok("PUT", f"/v1/groups/{GROUP}", as_json(group_details(headcount=24)), by=OPERATOR)
        yield services


def a_referral(services: Services) -> None:
    """To Atelier, of a request for the group of 24."""
    requests, referrals = services["requests"], services["referrals"]
    request = requests.ask_ok("POST", "/v1/requests", as_json(request_details()), by=COORDINATOR)
    body = as_json(referral_details(), requestId=request["requestId"])
    wait_until(lambda: referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT).is_success)


def the_partner(services: Services) -> "subprocess.CompletedProcess[str]":
    options = {
        "kafka": services["referrals"].kafka,
        "prefix": services["referrals"].prefix,
        "referrals": services["referrals"].url,
        "partner": ATELIER,
        "at": YESTERDAY_AT_ONE.isoformat(),
    }
    command: list[str | Path] = [
        node_home() / "bin" / "node",
        PARTNER,
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)


def test_the_partner_moves_the_reach_and_every_message_keeps_the_contracts(services: Services) -> None:
    a_referral(services)

    done = the_partner(services)

    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"went from (.+) to (.+) pupils", done.stdout) == [("0", "24"), ("24", "22")]
    assert done.stdout.splitlines()[-1] == "Every message kept the contracts."
    figures = "/v1/figures?indicator=reach-school&unit=city&stratum=all"
    (reach,) = services["reporting"].ask_ok("GET", figures, by=OPERATOR)["items"]
    assert (reach["lower"], reach["upper"]) == ("22.000000", "22.000000")


def test_the_partner_says_which_message_does_not_keep_the_contracts(services: Services) -> None:
    a_referral(services)
    broken = an_example("SiteRecorded")
    del broken["data"]["name"]
    line = a_line(SITES, written(broken), key=broken["partitionkey"])
    completed(publish(services["requests"].kafka, services["requests"].prefix, [line]))

    done = the_partner(services)

    assert done.returncode == 1
    assert (
        f"{SITES}, key {SCHOOL}: nl.samenspel.SiteRecorded.v1: data must have required property 'name'" in done.stdout
    )
