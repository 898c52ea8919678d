"""A service reads its settings from the environment or from files, and names every setting that is wrong."""

import re
import traceback
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.chassis.running.settings import LOOPBACK, Settings, WrongSetting, read_settings

URL = "postgresql://requests:geheim@127.0.0.1:5432/requests"
VALUES: dict[str, tuple[str, Any]] = {
    "SAMENSPEL_DATABASE_URL": (URL, URL),
    "SAMENSPEL_DATABASE_CONNECTIONS": ("5", 5),
    "SAMENSPEL_KAFKA": ("kafka:9094", "kafka:9094"),
    "SAMENSPEL_KAFKA_PREFIX": ("test-1.", "test-1."),
    "SAMENSPEL_HTTP_HOST": ("0.0.0.0", "0.0.0.0"),
    "SAMENSPEL_HTTP_PORT": ("8080", 8080),
    "SAMENSPEL_INSTANCE": ("requests-1", "requests-1"),
    "SAMENSPEL_OIN": ("00000001003214345000", "00000001003214345000"),
    "SAMENSPEL_LOG_LEVEL": ("WARNING", "warning"),
    "SAMENSPEL_DEVELOPMENT_IDENTITY": ("1", True),
    "SAMENSPEL_DEVELOPMENT_PEERS": (
        "172.30.83.1/32, fd00::/8",
        (ip_network("172.30.83.1/32"), ip_network("fd00::/8")),
    ),
    "SAMENSPEL_CLOCK_NUMBERS": ('{"default": {"answer.escalate": 3}}', {"default": {"answer.escalate": 3}}),
    "SAMENSPEL_PROGRAMMES": ("/programmes", Path("/programmes")),
    "SAMENSPEL_DEVELOPMENT_TIME": ("/stack/time", Path("/stack/time")),
}
NEEDED_BY = {"SAMENSPEL_DEVELOPMENT_TIME": {"SAMENSPEL_DEVELOPMENT_IDENTITY": "1"}}
WRONG = {
    "SAMENSPEL_DATABASE_CONNECTIONS": ["many", "1", "101"],
    "SAMENSPEL_KAFKA_PREFIX": ["a b", "a/"],
    "SAMENSPEL_HTTP_PORT": ["eighty", "0", "65536", "-1"],
    "SAMENSPEL_OIN": ["1234", "0000000900000000100x"],
    "SAMENSPEL_LOG_LEVEL": ["loud"],
    "SAMENSPEL_CLOCK_NUMBERS": [
        "3",
        "{",
        '{"default": {"answer.escalate": 0}}',
        '{"default": {"answer.escalate": 251}}',
    ],
    "SAMENSPEL_DEVELOPMENT_IDENTITY": ["yes", "true", "2"],
    "SAMENSPEL_DEVELOPMENT_PEERS": ["10.0.0.0/33", "everyone", "10.0.0.1/8", "127.0.0.0/8,"],
}
WRONG_URLS = [
    "mysql://requests:geheim@127.0.0.1/requests",
    "requests:geheim@127.0.0.1/requests",
    "postgresql://requests:ge#heim@127.0.0.1/requests",
    "postgresql://requests:ge/heim@127.0.0.1/requests",
    "postgresql://requests:ge?heim@127.0.0.1/requests",
]
UNUSABLE_FILES = [
    (None, "that cannot be read: No such file or directory"),
    (b"\xff\xfe", "that is not text in UTF-8"),
    (b" \n", "that is empty"),
]


def settings_from(environment: Mapping[str, str]) -> Settings:
    return read_settings("requests", 8001, {"SAMENSPEL_DATABASE_URL": URL, **environment})


def refusal(environment: Mapping[str, str]) -> str:
    with pytest.raises(WrongSetting) as refused:
        read_settings("requests", 8001, environment)
    return str(refused.value)


def setting(settings: Settings, variable: str) -> object:
    return getattr(settings, variable.removeprefix("SAMENSPEL_").lower())


def test_only_the_database_has_no_default() -> None:
    settings = read_settings("requests", 8001, {"SAMENSPEL_DATABASE_URL": URL})

    assert settings == Settings(service="requests", database_url=URL, http_port=8001)
    assert (settings.kafka, settings.http_host, settings.development_identity) == ("127.0.0.1:9092", "127.0.0.1", False)
    assert settings.development_peers == LOOPBACK


def test_a_missing_database_is_named_with_what_is_allowed() -> None:
    sentence = refusal({})

    assert sentence.startswith(
        "SAMENSPEL_DATABASE_URL is not set; allowed: postgresql://role:password@host:port/database"
    )


@pytest.mark.parametrize(("variable", "value", "expected"), [(name, *values) for name, values in VALUES.items()])
def test_every_setting_comes_from_its_variable(variable: str, value: str, expected: object) -> None:
    settings = settings_from({variable: value, **NEEDED_BY.get(variable, {})})

    assert setting(settings, variable) == expected


@pytest.mark.parametrize(("variable", "value", "expected"), [(name, *values) for name, values in VALUES.items()])
def test_every_setting_comes_from_a_file_if_its_variable_names_one(
    variable: str, value: str, expected: object, tmp_path: Path
) -> None:
    others = {"SAMENSPEL_DATABASE_URL": URL, **NEEDED_BY.get(variable, {})}
    file = a_file(tmp_path, f"{value}\n")

    settings = read_settings("requests", 8001, others | {variable: "", f"{variable}_FILE": file})

    assert setting(settings, variable) == expected


def test_every_setting_is_in_the_table_of_the_readme() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Settings")[2].partition("\n\nOf the command")[0]

    documented = set(re.findall(r"`(SAMENSPEL_[A-Z_]+)`", table))

    assert documented == {f"SAMENSPEL_{name.upper()}" for name in Settings.model_fields if name != "service"}
    assert documented == set(VALUES)


def test_an_empty_variable_counts_as_not_set() -> None:
    settings = settings_from({name: "" for name in VALUES if name != "SAMENSPEL_DATABASE_URL"})

    assert settings == settings_from({})


def test_the_name_of_a_service_is_not_a_setting() -> None:
    assert settings_from({"SAMENSPEL_SERVICE": "reporting"}).service == "requests"


def test_settings_do_not_change() -> None:
    settings = settings_from({})

    with pytest.raises(ValidationError, match="frozen"):
        settings.http_port = 1  # type: ignore[misc]


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_named_with_what_is_allowed(variable: str, value: str) -> None:
    sentence = refusal({"SAMENSPEL_DATABASE_URL": URL, variable: value})

    assert re.fullmatch(rf"{variable} is '.*'; allowed: .+", sentence)
    assert sentence.split("'")[1] in value.split(",")  # of a list of networks only the wrong one


def test_everything_that_is_wrong_is_named_at_once() -> None:
    sentences = refusal({"SAMENSPEL_HTTP_PORT": "eighty", "SAMENSPEL_LOG_LEVEL": "loud"}).splitlines()

    assert [sentence.split()[0] for sentence in sentences] == [
        "SAMENSPEL_DATABASE_URL",
        "SAMENSPEL_HTTP_PORT",
        "SAMENSPEL_LOG_LEVEL",
    ]


@pytest.mark.parametrize("identity", ["", "0"])
def test_time_is_simulated_together_with_the_development_identity_only(identity: str) -> None:
    environment = {"SAMENSPEL_DATABASE_URL": URL, "SAMENSPEL_DEVELOPMENT_TIME": "/stack/time"}

    sentence = refusal(environment | {"SAMENSPEL_DEVELOPMENT_IDENTITY": identity})

    assert sentence.startswith("SAMENSPEL_DEVELOPMENT_TIME is '/stack/time'; allowed: ")
    assert sentence.endswith("only together with SAMENSPEL_DEVELOPMENT_IDENTITY=1")


def test_a_variable_and_its_file_are_not_both_accepted(tmp_path: Path) -> None:
    file = a_file(tmp_path, URL)

    sentence = refusal({"SAMENSPEL_DATABASE_URL": URL, "SAMENSPEL_DATABASE_URL_FILE": file})

    assert sentence == "SAMENSPEL_DATABASE_URL and SAMENSPEL_DATABASE_URL_FILE are both set; allowed: one of them"


@pytest.mark.parametrize(("content", "why"), UNUSABLE_FILES)
def test_a_file_that_cannot_be_used_is_named(content: bytes | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "oin"
    if content is not None:
        file.write_bytes(content)

    sentence = refusal({"SAMENSPEL_DATABASE_URL": URL, "SAMENSPEL_OIN_FILE": str(file)})

    assert sentence == f"SAMENSPEL_OIN_FILE is '{file}', a file {why}"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    sentence = refusal({"SAMENSPEL_DATABASE_URL_FILE": str(tmp_path)})

    assert sentence == "SAMENSPEL_DATABASE_URL_FILE names a file that cannot be read: Is a directory"


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_password_is_in_no_error(url: str, tmp_path: Path) -> None:
    file = a_file(tmp_path, url)
    mistakes = [
        {"SAMENSPEL_DATABASE_URL": url},
        {"SAMENSPEL_DATABASE_URL_FILE": file},
        {"SAMENSPEL_DATABASE_URL_FILE": url},  # the secret itself instead of the name of its file
        {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_DATABASE_URL_FILE": file},
    ]

    for environment in mistakes:
        with pytest.raises(WrongSetting, match="SAMENSPEL_DATABASE_URL") as refused:
            read_settings("requests", 8001, environment)
        assert "heim" not in "".join(traceback.format_exception(refused.value))


def test_a_password_is_in_no_representation_of_the_settings() -> None:
    assert "geheim" not in f"{settings_from({})!r} {settings_from({})}"


def a_file(folder: Path, content: str) -> str:
    file = folder / "setting"
    file.write_text(content, encoding="utf-8")
    return str(file)
