"""Settings of a service, from the environment: one table, documented in the README.

Every name may carry `_FILE` behind it: then the value is read from that file (secrets).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PORTS = {"requests": 8001, "referrals": 8002, "reporting": 8003}
LOOPBACK = "127.0.0.0/8,::1/128"
TEST_OIN = "00000099000000001000"  # prefix 00000099: anyone may use it for tests


class WrongSetting(Exception):
    """A setting is missing or not what it should be; the message names it and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one service runs."""

    service: str
    kafka: str
    database_url: str
    http_host: str
    http_port: int
    kafka_prefix: str
    instance: str | None
    """This replica's name, if it keeps it when it is started again: its partitions then wait for it."""
    oin: str
    log_level: str
    development_identity: bool
    development_peers: tuple[str, ...]
    """Networks from which the development identity is accepted."""

    @property
    def source(self) -> str:
        """The event source: who announces (NL GOV profile: organisation and system)."""
        return f"urn:nld:oin:{self.oin}:systeem:{self.service}"

    def topic(self, name: str) -> str:
        """The topic's name on this cluster."""
        return self.kafka_prefix + name


def _read(environment: Mapping[str, str], name: str, default: str | None = None) -> str:
    if name in environment:
        return environment[name]
    if file := environment.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    if default is None:
        raise WrongSetting(f"{name} is not set: see the table of settings in the README")
    return default


def read_settings(service: str, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of `service`; raises `WrongSetting` with a sentence."""
    port = _read(environment, "SAMENSPEL_HTTP_PORT", str(PORTS[service]))
    if not port.isdigit():
        raise WrongSetting(f"SAMENSPEL_HTTP_PORT is {port!r}; a port number is expected")
    host = _read(environment, "SAMENSPEL_HTTP_HOST", "127.0.0.1")
    development = _read(environment, "SAMENSPEL_DEVELOPMENT_IDENTITY", "0")
    if development not in {"0", "1"}:
        raise WrongSetting(f"SAMENSPEL_DEVELOPMENT_IDENTITY is {development!r}; allowed: 0, 1")
    return Settings(
        service=service,
        kafka=_read(environment, "SAMENSPEL_KAFKA", "127.0.0.1:9092"),
        database_url=_read(environment, "SAMENSPEL_DATABASE_URL"),
        http_host=host,
        http_port=int(port),
        kafka_prefix=_read(environment, "SAMENSPEL_KAFKA_PREFIX", ""),
        instance=_read(environment, "SAMENSPEL_INSTANCE", "") or None,
        oin=_read(environment, "SAMENSPEL_OIN", TEST_OIN),
        log_level=_read(environment, "SAMENSPEL_LOG_LEVEL", "info"),
        development_identity=development == "1",
        development_peers=tuple(_read(environment, "SAMENSPEL_DEVELOPMENT_PEERS", LOOPBACK).split(",")),
    )
