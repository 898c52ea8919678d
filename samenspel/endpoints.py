"""Where the services and Kafka answer.

Packages that run services on this machine can say where, by the entry point `samenspel.endpoints`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.topics import SERVICES
from samenspel.plugins import plugins

USUAL_PORTS = {"requests": 8001, "referrals": 8002, "reporting": 8003}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of one deployment."""

    urls: Mapping[str, str]
    """By service."""
    kafka: str
    prefix: str = ""
    """Stands before the name of every topic and consumer group."""
    time: Path | None = None
    """The file that holds the simulated time of a development stack."""


def usual_endpoints() -> Endpoints:
    return Endpoints({name: f"http://127.0.0.1:{port}" for name, port in USUAL_PORTS.items()}, "127.0.0.1:9092")


def find_endpoints(**options: str | None) -> Endpoints:
    """From the options; else from the environment; else of the services that run here; else the usual ones."""
    return choose_endpoints(_running() or usual_endpoints(), options, os.environ)


def choose_endpoints(known: Endpoints, options: Mapping[str, str | None], environment: Mapping[str, str]) -> Endpoints:
    urls = {
        name: options.get(name) or environment.get(f"SAMENSPEL_{name.upper()}") or known.urls[name] for name in SERVICES
    }
    kafka = options.get("kafka") or environment.get("SAMENSPEL_KAFKA") or known.kafka
    time = environment.get("SAMENSPEL_DEVELOPMENT_TIME")
    known_time = known.time if urls == known.urls else None  # services at other addresses live in another time
    return Endpoints(urls, kafka, environment.get("SAMENSPEL_KAFKA_PREFIX", ""), Path(time) if time else known_time)


def _running() -> Endpoints | None:
    for running in plugins("samenspel.endpoints"):
        found: Endpoints | None = running()
        if found is not None:
            return found
    return None
