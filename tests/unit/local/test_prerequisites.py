"""What the machine lacks is said in one sentence, before anything is started."""

from pathlib import Path

import pytest

from local import StackError, prerequisites


def test_too_little_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "DISK_AT_FIRST", 2.0**60)

    with pytest.raises(StackError, match=r"GiB free on the disk of .*; the stack needs 1073741824.0 GiB"):
        prerequisites.check(tmp_path)


def test_too_little_memory_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "MEMORY", 2.0**60)

    with pytest.raises(StackError, match=r"GiB of memory is free; the stack needs"):
        prerequisites.check(tmp_path)


def test_a_container_with_less_memory_than_its_machine_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    monkeypatch.setattr(prerequisites, "CGROUP", tmp_path)

    assert prerequisites.available_memory() == 600


def test_a_container_without_a_limit_has_the_memory_of_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("400\n")
    monkeypatch.setattr(prerequisites, "CGROUP", tmp_path)

    assert 2**20 < prerequisites.available_memory() < float("inf")


def test_a_package_that_is_not_installed_is_one_sentence() -> None:
    with pytest.raises(StackError, match="the package no_such_wheel is not installed"):
        prerequisites.wheel("no_such_wheel")
