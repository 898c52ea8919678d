"""`docker compose up`: the whole of Samenspel in containers, as its reader starts it. Needs a Docker engine.

Published ports are fixed, so nothing else may use 8001-8003 and 9092 meanwhile.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import TOPICS
from samenspel.stack.service import CHECKOUT, SERVICES

# A project of this checkout: a Samenspel that somebody keeps running on this engine is not touched.
PROJECT = f"samenspel-test-{sha256(bytes(CHECKOUT)).hexdigest()[:8]}"
REQUESTS, REPORTING = "http://127.0.0.1:8001", "http://127.0.0.1:8003"
SITE = "own:compose-school"
OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:city; actor=op"}
COORDINATOR = {"Samenspel-Actor": f"role=coordinator; organisation={SITE}; actor=a1"}
UP = 240  # seconds for the build and the start; 30 here with what an earlier build left
DEMO = 240  # seconds; under a minute here
SOON = 20.0  # seconds for a figure; a cut is taken once a second
POLL = 0.1


def compose(*words: str, within: float = 60) -> subprocess.CompletedProcess[str]:
    command = ("docker", "compose", "--project-name", PROJECT, "--progress", "quiet", *words)
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=within, check=False)


@pytest.fixture(scope="session")
def composed() -> Iterator[None]:
    """Everything up and healthy; gone at the end, with its data."""
    compose("down", "--volumes", "--timeout", "5")  # what a killed run left behind
    try:
        up = compose("up", "--detach", "--build", "--wait", within=UP)
        assert up.returncode == 0, f"{up.stderr}\n{compose('logs', '--no-color', '--tail', '30').stdout}"
        yield
    finally:
        compose("down", "--volumes")


@pytest.mark.usefixtures("composed")
def test_the_demo_plays_against_it_and_proves_its_figures() -> None:
    command = (sys.executable, "-m", "samenspel", "demo", "--compose", "--json", "--activities", "150")

    demo = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=DEMO, check=False)

    assert demo.returncode == 0, demo.stderr


@pytest.mark.usefixtures("composed")
def test_a_request_from_this_machine_becomes_a_figure() -> None:
    details = {
        "validFrom": "2020-08-01",
        "kinds": ["primary"],
        "name": {"nl": "Basisschool De Container"},
        "board": "own:board",
        "municipality": "GM0796",
        "postcode4": "5211",
        "neighbourhood": "5211",
    }
    httpx.put(f"{REQUESTS}/v1/sites/{SITE}", json=details, headers=OPERATOR).raise_for_status()

    raised = httpx.post(
        f"{REQUESTS}/v1/requests", json=a_request(), headers=COORDINATOR | {"Idempotency-Key": "compose-1"}
    )

    assert raised.status_code == 201, raised.text
    assert requests_raised_by_the_site() == 1


@pytest.mark.usefixtures("composed")
def test_a_caller_from_another_container_is_not_believed() -> None:
    asked = f"urllib.request.Request('http://requests:8001/v1/sites', headers={OPERATOR!r})"

    answer = inside("referrals", f"import urllib.request; urllib.request.urlopen({asked})")

    assert "HTTP Error 401" in answer.stderr


@pytest.mark.usefixtures("composed")
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_not_root_and_cannot_change_its_own_code(service: str) -> None:
    tried = inside(service, "import os; print(os.getuid()); open('/app/services/new.py', 'w')")

    assert tried.stdout.strip() == "10001"
    assert "PermissionError" in tried.stderr


@pytest.mark.usefixtures("composed")
def test_a_service_cannot_enter_anothers_database() -> None:
    url = "postgresql://reporting:reporting@127.0.0.1/requests"

    entered = compose("exec", "-T", "postgres", "psql", url, "-c", "SELECT 1")

    assert 'permission denied for database "requests"' in entered.stderr


@pytest.mark.usefixtures("composed")
async def test_this_machine_reaches_kafka_and_finds_every_topic() -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers="127.0.0.1:9092")
    await admin.start()

    try:
        topics = await admin.list_topics()
    finally:
        await admin.close()

    assert {topic.name for topic in TOPICS} <= set(topics)


def inside(service: str, program: str) -> subprocess.CompletedProcess[str]:
    return compose("exec", "-T", service, "python", "-c", program)


def a_request() -> dict[str, Any]:
    return {
        "siteId": SITE,
        "programme": "kansen-voor-kinderen",
        "learningAreas": [{"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}],
        "headcount": 3,
        "wishedFrom": "2026-12-01",
        "wishedTo": "2027-03-01",
        "intention": "replaces",
    }


def requests_raised_by_the_site() -> int:
    """The figure, when it comes."""
    asked = {"indicator": "requests-raised", "unit": f"site:{SITE}"}
    deadline = time.monotonic() + SOON
    while True:
        figures = (
            httpx.get(f"{REPORTING}/v1/figures", params=asked, headers=OPERATOR).raise_for_status().json()["items"]
        )
        if figures:
            return int(figures[0]["numerator"])
        assert time.monotonic() < deadline, "no figure came"
        time.sleep(POLL)
