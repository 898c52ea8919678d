"""Where the services and Kafka answer: by options, by the environment, or as a running stack says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from contracts.topics import SERVICES

USUAL_PORTS = {"requests": 8001, "referrals": 8002, "reporting": 8003}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of one deployment."""

    urls: Mapping[str, str]
    kafka: str
    prefix: str = ""


def usual_endpoints() -> Endpoints:
    """As in docker-compose.yml and in the documentation's examples."""
    return Endpoints({name: f"http://127.0.0.1:{port}" for name, port in USUAL_PORTS.items()}, "127.0.0.1:9092")


def find_endpoints(**options: str | None) -> Endpoints:
    """The options; else the environment; else the stack that runs here; else the usual endpoints."""
    found = _running() or usual_endpoints()
    urls = {
        name: options.get(name) or os.environ.get(f"SAMENSPEL_{name.upper()}") or found.urls[name] for name in SERVICES
    }
    kafka = options.get("kafka") or os.environ.get("SAMENSPEL_KAFKA") or found.kafka
    return Endpoints(urls, kafka, os.environ.get("SAMENSPEL_KAFKA_PREFIX", ""))


def _running() -> Endpoints | None:
    """What the development stack says, where it is installed (it is not in the image)."""
    for plugin in entry_points(group="samenspel.endpoints"):
        found: Endpoints | None = plugin.load()()
        if found is not None:
            return found
    return None
