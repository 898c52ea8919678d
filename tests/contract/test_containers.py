"""What Dockerfile, docker-compose.yml and the image's lock must keep to, seen without an engine.

The files are read as text: what they may look like is narrower here than their formats allow, on purpose.
"""

import re
import tomllib
from pathlib import Path

import pytest

from demo.command import COMPOSE_TIME
from local import SERVICES, stack
from services.referrals import app as referrals
from services.reporting import app as reporting
from services.requests import app as requests
from tests.containers.parts import KAFKA_IMAGE, POSTGRES_IMAGE

PORTS = {app.NAME: app.DEFAULT_PORT for app in (requests, referrals, reporting)}
CHECKOUT = Path(__file__).parents[2]
IMAGE = re.compile(r"^\s*(?:FROM|image:) (?P<name>[\w./-]+)(?::(?P<tag>\S+))?", re.MULTILINE)
PACKAGE = r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+).*\\\n"
LOCKED = re.compile(PACKAGE + r"(?P<hashes>(?: {4}--hash=sha256:.*\n)+)", re.MULTILINE)


def test_ports_are_published_on_loopback_only() -> None:
    published = re.findall(r"^ *ports:(.*)$", text("docker-compose.yml"), re.MULTILINE)

    assert len(published) == len(SERVICES) + 1  # and Kafka
    for port in published:
        assert re.fullmatch(r' \["127\.0\.0\.1:\$\{\w+:-(\d+)\}:\1"\]', port)
    assert "network_mode" not in text("docker-compose.yml")


@pytest.mark.parametrize("file", ["Dockerfile", "docker-compose.yml"])
def test_every_image_has_a_tag_that_says_what_it_is(file: str) -> None:
    images = {image["name"]: image["tag"] for image in IMAGE.finditer(text(file))}

    assert images
    assert not {None, "latest"} & set(images.values())


def test_tests_take_kafka_and_postgresql_from_the_same_images() -> None:
    images = {f"{image['name']}:{image['tag']}" for image in IMAGE.finditer(text("docker-compose.yml"))}

    assert images >= {KAFKA_IMAGE, POSTGRES_IMAGE}


def test_the_image_does_not_run_as_root() -> None:
    final_stage = text("Dockerfile").rpartition("\nFROM ")[2]

    users = re.findall(r"^USER (.*)$", final_stage, re.MULTILINE)

    assert users
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_the_image_is_built_where_no_other_image_can_be_fetched() -> None:
    assert not re.search(r"^#\s*syntax\s*=", text("Dockerfile"), re.MULTILINE)


def test_what_the_image_copies_is_sent_to_the_engine_and_nothing_else() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) ", text("Dockerfile"), re.MULTILINE)

    ignored, *sent = [line for line in text(".dockerignore").splitlines() if line and not line.startswith(("#", "**"))]
    left_out = [line for line in sent if not line.startswith("!")]

    assert ignored == "*"
    assert sorted(set(sent) - set(left_out)) == sorted(f"!{source}" for source in copied)
    assert all(line.startswith("contracts/") for line in left_out)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_of_compose_is_as_documented(service: str) -> None:
    described = section(service)

    assert f"command: [python, -m, services.{service}]" in described
    assert f"${{{stack.PORTS[service]}:-{PORTS[service]}}}:{PORTS[service]}" in described
    assert f"http://127.0.0.1:{PORTS[service]}/health/ready" in described
    assert f"postgresql://{service}:{service}@postgres:5432/{service}\n" in described


@pytest.mark.parametrize("service", SERVICES)
def test_a_database_is_its_services_alone(service: str) -> None:
    statements = text("deploy/compose/databases.sql")

    assert f"CREATE DATABASE {service} OWNER {service};" in statements
    assert f"REVOKE ALL ON DATABASE {service} FROM PUBLIC;" in statements


def test_callers_are_believed_from_the_networks_gateway_only() -> None:
    compose = text("docker-compose.yml")

    peers = re.findall(r"SAMENSPEL_DEVELOPMENT_PEERS: (\S+)", compose)
    gateways = re.findall(r"^ +gateway: (\S+)", compose, re.MULTILINE)

    assert peers == [f"{gateway}/32" for gateway in gateways]
    assert len(peers) == 1


def test_the_services_follow_the_time_that_the_demo_sets() -> None:
    compose = text("docker-compose.yml")

    mounts = re.findall(r'^  volumes: \["\./(\S+):(\S+):ro"\]', compose, re.MULTILINE)
    followed = re.findall(r"SAMENSPEL_DEVELOPMENT_TIME: (\S+)", compose)

    assert [(CHECKOUT / folder / "time", f"{inside}/time") for folder, inside in mounts] == [
        (COMPOSE_TIME, followed[0])
    ]
    assert (COMPOSE_TIME.parent / ".gitignore").exists()  # a folder that the engine makes would be root's


def test_what_the_image_installs_was_tested() -> None:
    tested, installed = locked("requirements.lock"), locked("requirements.runtime.lock")

    assert installed.items() <= tested.items()


def test_the_image_installs_all_that_is_needed_at_run_time() -> None:
    dependencies = tomllib.loads(text("pyproject.toml"))["project"]["dependencies"]

    names = {re.split(r"[^A-Za-z0-9-]", dependency)[0] for dependency in dependencies}

    assert names <= {name for name, _ in locked("requirements.runtime.lock")}


def text(file: str) -> str:
    return (CHECKOUT / file).read_text(encoding="utf-8")


def section(service: str) -> str:
    """What compose says of one service, without what it takes from others."""
    _, _, described = text("docker-compose.yml").partition(f"\n  {service}:\n")
    return re.split(r"\n(?! {4}|\n)", described)[0]


def locked(file: str) -> dict[tuple[str, str], frozenset[str]]:
    """The hashes of every package at its version."""
    return {
        (package["name"], package["version"]): frozenset(re.findall(r"sha256:[0-9a-f]{64}", package["hashes"]))
        for package in LOCKED.finditer(text(file))
    }
