"""A service that cannot start says why."""

from pathlib import Path

import pytest

from services.chassis.running.service import Service, Wiring, run


def never_wired(_: Service) -> Wiring:
    raise AssertionError("a service without settings is not wired")


def test_a_service_without_its_settings_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SAMENSPEL_DATABASE_URL", raising=False)

    with pytest.raises(SystemExit) as ended:
        run("requests", default_port=8001, package="services.requests", wire=never_wired)

    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("samenspel requests: SAMENSPEL_DATABASE_URL is not set; allowed: ")


def test_a_service_that_cannot_read_the_simulated_time_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], time_file: Path
) -> None:
    time_file.write_text("tomorrow")
    monkeypatch.setenv("SAMENSPEL_DATABASE_URL", "postgresql://127.0.0.1/requests")
    monkeypatch.setenv("SAMENSPEL_DEVELOPMENT_IDENTITY", "1")
    monkeypatch.setenv("SAMENSPEL_DEVELOPMENT_TIME", str(time_file))

    with pytest.raises(SystemExit) as ended:
        run("requests", default_port=8001, package="services.requests", wire=never_wired)

    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("samenspel requests: SAMENSPEL_DEVELOPMENT_TIME names ")
