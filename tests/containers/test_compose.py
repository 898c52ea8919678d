"""`docker compose up`: the whole of Samenspel in containers, as its reader starts it. Needs a Docker engine."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import TOPICS
from demo.command import COMPOSE_TIME
from local import SERVICES, ports, stack
from local.service import CHECKOUT
from samenspel.endpoints import USUAL_PORTS
from tests.waiting import wait_until

# A project of this checkout: a Samenspel that somebody keeps running on this engine is not touched.
PROJECT = f"samenspel-test-{sha256(bytes(CHECKOUT)).hexdigest()[:8]}"
USUAL = USUAL_PORTS | {"kafka": 9092}
SITE = "own:compose-school"
OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:city; actor=op"}
COORDINATOR = {"Samenspel-Actor": f"role=coordinator; organisation={SITE}; actor=a1"}
SCHOOL = {
    "validFrom": "2020-08-01",
    "kinds": ["primary"],
    "name": {"nl": "Basisschool De Container"},
    "board": "own:board",
    "municipality": "GM0796",
    "postcode4": "5211",
    "neighbourhood": "5211",
}
REQUEST = {
    "siteId": SITE,
    "programme": "kansen-voor-kinderen",
    "learningAreas": [{"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}],
    "headcount": 3,
    "wishedFrom": "2026-12-01",
    "wishedTo": "2027-03-01",
    "intention": "replaces",
}
UP = 240  # seconds for the build and the start; 30 here with what an earlier build left
DEMO = 240  # seconds; under a minute here


@dataclass(frozen=True, slots=True)
class Composed:
    """A project of docker compose: on the usual ports, and on others where those are taken."""

    ports: Mapping[str, int]

    def url(self, service: str) -> str:
        return f"http://{ports.HOST}:{self.ports[service]}"

    @property
    def kafka(self) -> str:
        return f"{ports.HOST}:{self.ports['kafka']}"

    def compose(self, *words: str, within: float = 60) -> subprocess.CompletedProcess[str]:
        chosen = {stack.PORTS[part]: str(port) for part, port in self.ports.items()}
        compose = ("docker", "compose", "--project-name", PROJECT, "--progress", "quiet")
        return run(*compose, *words, within=within, **chosen)

    def inside(self, service: str, program: str) -> subprocess.CompletedProcess[str]:
        return self.compose("exec", "-T", service, "python", "-c", program)

    def demo(self, *options: str) -> subprocess.CompletedProcess[str]:
        which = "--compose" if self.ports == USUAL else "--against-running"
        command = (sys.executable, "-m", "samenspel", "demo", which, *options)
        endpoints = {f"SAMENSPEL_{service.upper()}": self.url(service) for service in SERVICES}
        endpoints |= {"SAMENSPEL_KAFKA": self.kafka, "SAMENSPEL_DEVELOPMENT_TIME": str(COMPOSE_TIME)}
        return run(*command, within=DEMO, **endpoints)


def run(*command: str, within: float, **environment: str) -> subprocess.CompletedProcess[str]:
    everything = os.environ | environment
    return subprocess.run(
        command, cwd=CHECKOUT, env=everything, capture_output=True, text=True, timeout=within, check=False
    )


@pytest.fixture(scope="session")
def composed() -> Iterator[Composed]:
    """Everything up and healthy; gone at the end, with its data."""
    published = {part: stack.PORTS[part] for part in USUAL}
    project = Composed(ports.choose(published, environment=os.environ, preferred=[USUAL]))
    project.compose("down", "--volumes", "--timeout", "5")  # what a killed run left behind
    try:
        up = project.compose("up", "--detach", "--build", "--wait", within=UP)
        assert up.returncode == 0, f"{up.stderr}\n{project.compose('logs', '--no-color', '--tail', '30').stdout}"
        yield project
    finally:
        project.compose("down", "--volumes")


def test_the_demo_plays_against_it_and_proves_its_figures(composed: Composed) -> None:
    demo = composed.demo("--json", "--activities", "150")

    assert demo.returncode == 0, demo.stderr + demo.stdout[-2000:]


def test_a_request_from_this_machine_becomes_a_figure(composed: Composed) -> None:
    site = f"{composed.url('requests')}/v1/sites/{SITE}"
    httpx.put(site, json=SCHOOL, headers=OPERATOR).raise_for_status()

    headers = COORDINATOR | {"Idempotency-Key": "compose-1"}
    raised = httpx.post(f"{composed.url('requests')}/v1/requests", json=REQUEST, headers=headers)

    assert raised.status_code == 201, raised.text
    assert requests_raised_by_the_site(composed) == 1


def test_a_caller_from_another_container_is_not_trusted(composed: Composed) -> None:
    asked = f"urllib.request.Request('http://requests:8001/v1/sites', headers={OPERATOR!r})"

    answer = composed.inside("referrals", f"import urllib.request; urllib.request.urlopen({asked})")

    assert "HTTP Error 401" in answer.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_not_root_and_cannot_change_its_own_code(composed: Composed, service: str) -> None:
    tried = composed.inside(service, "import os; print(os.getuid()); open('/app/services/new.py', 'w')")

    assert tried.stdout.strip() == "10001"
    assert "PermissionError" in tried.stderr


def test_a_service_cannot_enter_anothers_database(composed: Composed) -> None:
    url = "postgresql://reporting:reporting@127.0.0.1/requests"

    entered = composed.compose("exec", "-T", "postgres", "psql", url, "-c", "SELECT 1")

    assert 'permission denied for database "requests"' in entered.stderr


async def test_this_machine_reaches_kafka_and_finds_every_topic(composed: Composed) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=composed.kafka)
    await admin.start()

    try:
        topics = await admin.list_topics()
    finally:
        await admin.close()

    assert {topic.name for topic in TOPICS} <= set(topics)


def requests_raised_by_the_site(composed: Composed) -> int:
    """The figure, when it comes."""
    url, asked = f"{composed.url('reporting')}/v1/figures", {"indicator": "requests-raised", "unit": f"site:{SITE}"}

    def figures() -> list[dict[str, int]]:
        found: list[dict[str, int]] = httpx.get(url, params=asked, headers=OPERATOR).raise_for_status().json()["items"]
        return found

    (figure,) = wait_until(figures)
    return figure["numerator"]
