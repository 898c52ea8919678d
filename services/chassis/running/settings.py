"""The settings of a service, from environment variables; the README documents every one of them.

Each variable `NAME` can also be given as `NAME_FILE`: the value is then read from that file, so that secrets need not
stand in the environment. An empty variable counts as not set. Settings are checked once, at start-up, and never change.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    TypeAdapter,
    UrlConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, MultiHostUrl, PydanticCustomError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from services.chassis.clocks import Numbers, read_numbers

PREFIX = "SAMENSPEL_"
TEST_OIN = "00000099000000001000"  # prefix 00000099: anyone may use it for tests
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class WrongSetting(Exception):
    """A setting is missing or wrong; the message names the variable, its value and what is allowed."""


_postgres_url = TypeAdapter[MultiHostUrl](
    Annotated[MultiHostUrl, UrlConstraints(allowed_schemes=["postgresql", "postgres"])]
)


def _check_postgres_url(url: str) -> str:
    """Refuse it here: the PostgreSQL client would quote a part of the password in its own error."""
    _postgres_url.validate_python(url)
    return url


def _check_development(file: Path | None, others: ValidationInfo) -> Path | None:
    if file is not None and not others.data.get("development_identity"):
        raise ValueError("the time can be simulated in development only")
    return file


def _read_switch(value: object) -> object:
    return {"0": False, "1": True}.get(value, value) if isinstance(value, str) else value


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _read_clock_numbers(value: object) -> object:
    try:
        return read_numbers(value) if isinstance(value, str) else value
    except ValueError as error:
        raise PydanticCustomError("clock_numbers", "is not as described", {}) from error


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


# The description of a type says what is allowed; errors quote it. A field that `repr` leaves out is a secret: errors
# do not show its value either.
PostgresUrl = Annotated[
    str,
    AfterValidator(_check_postgres_url),
    Field(
        repr=False,
        description="postgresql://role:password@host:port/database, with / ? # in a password as %2F %3F %23",
    ),
]
KafkaPrefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", description="letters, digits, dots, _ and -")]
Connections = Annotated[int, Field(ge=2, le=100, description="a number from 2 to 100")]
Port = Annotated[int, Field(ge=1, le=65_535, description="a port number from 1 to 65535")]
Oin = Annotated[
    str, Field(pattern=r"^[0-9]{8}[0-9A-Z]{12}$", description="8 digits, then 12 digits or capital letters")
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error", "critical"],
    BeforeValidator(_lower),
    Field(description="debug, info, warning, error or critical"),
]
Switch = Annotated[bool, BeforeValidator(_read_switch), Field(strict=True, description="0 or 1")]
Networks = Annotated[
    tuple[IPvAnyNetwork, ...],
    BeforeValidator(_split),
    Field(description="networks separated by commas, such as 127.0.0.0/8,::1/128"),
]
DevelopmentTime = Annotated[
    Path | None,
    AfterValidator(_check_development),
    Field(description="the name of a file, and only together with SAMENSPEL_DEVELOPMENT_IDENTITY=1"),
]


Folder = Annotated[Path | None, Field(description="the name of a folder")]
ClockNumbers = Annotated[
    Numbers,
    BeforeValidator(_read_clock_numbers),
    Field(description='JSON: by programme, or for "default", how many working days (1 to 250) before what follows'),
]


class Settings(BaseSettings):
    """How one service runs."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    service: str
    database_url: PostgresUrl
    database_connections: Connections = 10
    """At most. More than two cores can keep busy; three services stay far below PostgreSQL's usual 100."""
    kafka: str = "127.0.0.1:9092"
    kafka_prefix: KafkaPrefix = ""
    http_host: str = "127.0.0.1"
    http_port: Port
    instance: str | None = None
    """The name of this instance, if it keeps its name when it restarts: Kafka then keeps its partitions for it."""
    oin: Oin = TEST_OIN
    log_level: LogLevel = "info"
    development_identity: Switch = False
    development_peers: Networks = LOOPBACK
    """Networks from which the development identity is accepted."""
    development_time: DevelopmentTime = None
    """The file that holds the simulated time of the stack, if there is one."""

    clock_numbers: ClockNumbers = {}
    """How long things may wait, where that differs from what is shipped."""

    programmes: Folder = None
    """Where the files of programmes are: what the page calls them, and what was agreed."""

    @property
    def source(self) -> str:
        """The `source` of this service's events, in the form of the NL GOV profile: organisation and system."""
        return f"urn:nld:oin:{self.oin}:systeem:{self.service}"

    def topic(self, name: str) -> str:
        return self.kafka_prefix + name


class EnvironmentOrFiles(PydanticBaseSettingsSource):
    """Takes each setting from its variable, or from the file that the variable with `_FILE` names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self.environment = environment

    def __call__(self) -> dict[str, Any]:
        given = {name: self.get_field_value(field, name)[0] for name, field in Settings.model_fields.items()}
        return {name: value for name, value in given.items() if value is not None}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        name = _variable(field_name)
        value, file = self.environment.get(name), self.environment.get(f"{name}_FILE")
        if value and file:
            raise WrongSetting(f"{name} and {name}_FILE are both set; allowed: one of them")
        if file:
            # The path of a secret is not shown: it may be the secret itself, set by mistake.
            value = _read(Path(file), f"{name}_FILE is {file!r}, a file" if field.repr else f"{name}_FILE names a file")
        return value or None, field_name, False


def _variable(field: str) -> str:
    return f"{PREFIX}{field.upper()}"


def _read(file: Path, what: str) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise WrongSetting(f"{what} that cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongSetting(f"{what} that is not text in UTF-8") from None
    if not text:
        raise WrongSetting(f"{what} that is empty")
    return text


def _sentence(error: ErrorDetails) -> str:
    name = str(error["loc"][0])
    field = Settings.model_fields[name]
    if error["type"] == "missing":
        what = "is not set"
    elif field.repr:
        what = f"is {error['input']!r}"
    else:
        what = "is not what is allowed (its value may hold a password, so it is not shown)"
    return f"{_variable(name)} {what}; allowed: {field.description}"


def read_settings(service: str, default_port: int, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of `service`; raises `WrongSetting`, which names everything that is wrong."""
    name = InitSettingsSource(Settings, {"service": service})
    default = InitSettingsSource(Settings, {"http_port": default_port})
    try:
        return Settings(_build_sources=((name, EnvironmentOrFiles(environment), default), {}))
    except ValidationError as error:
        # Without the cause: a traceback would show the values of secrets.
        raise WrongSetting("\n".join(_sentence(each) for each in error.errors())) from None
