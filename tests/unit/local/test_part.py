"""A part that does not start, or does not end well, shows the end of its log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import StackError
from local.part import Part
from local.state import State

SOON = 10.0  # seconds: far more than a shell needs, even on a busy machine


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Part]:
    part = Part("kafka", tmp_path, State.of(tmp_path))
    yield part
    part.kill()


def test_a_part_that_dies_at_its_start_shows_the_end_of_its_log(kafka: Part) -> None:
    kafka.start(a_shell("echo no space left >&2; exit 1"))

    with pytest.raises(StackError, match=r"(?s)kafka ended while it started.*no space left"):
        kafka.await_ready(lambda: False, within=SOON)


def test_a_part_that_is_not_ready_in_time_shows_the_end_of_its_log(kafka: Part) -> None:
    kafka.start(a_shell("echo still loading; exec sleep 60"))

    with pytest.raises(StackError, match=r"kafka was not ready after 0 seconds. Its log, .*logs/kafka.log, ends with:"):
        kafka.await_ready(lambda: False, within=0.2)


def test_a_command_that_fails_shows_the_end_of_its_log(kafka: Part) -> None:
    with pytest.raises(StackError, match=r"(?s)kafka failed \(status 3\).*no such option"):
        kafka.run_to_end(a_shell("echo no such option; exit 3"), folder=kafka.folder, within=SOON)


def test_a_command_that_does_not_end_in_time_is_ended(kafka: Part) -> None:
    with pytest.raises(StackError, match="kafka took longer than 0 seconds"):
        kafka.run_to_end(a_shell("exec sleep 60"), folder=kafka.folder, within=0.2)

    assert not kafka.process


def test_another_launcher_finds_the_part_that_runs(kafka: Part) -> None:
    kafka.start(a_shell("exec sleep 60"))

    found = Part("kafka", kafka.stack_folder, State.of(kafka.stack_folder))

    assert found.process == kafka.process
    found.kill()
    assert not kafka.process


def a_shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]
