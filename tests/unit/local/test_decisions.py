"""What the local stack decides before anything runs: ports, state, jars, prerequisites, sentences."""

import hashlib
import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import StackError, jars, ports, prerequisites, unprivileged
from local.interruption import like_ctrl_c, undisturbed
from local.parts import Parts
from local.processes import Process
from local.state import State, locked

WANTED = {"kafka": "KAFKA_PORT", "requests": "REQUESTS_PORT"}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def free() -> int:
    return next(port for port in ports.RANGE if ports.is_free(port))


def test_every_part_has_its_own_port() -> None:
    chosen = ports.choose(WANTED, asked={}, last={}, liked={"kafka": 28001, "requests": 28001})

    assert chosen.keys() == WANTED.keys()
    assert len(set(chosen.values())) == len(WANTED)


def test_a_part_keeps_the_port_it_had(free: int) -> None:
    assert ports.choose(WANTED, asked={}, last={"kafka": free}, liked={})["kafka"] == free


def test_a_port_that_is_taken_meanwhile_is_replaced(taken: int) -> None:
    assert ports.choose(WANTED, asked={}, last={"kafka": taken}, liked={})["kafka"] != taken


def test_a_port_that_is_asked_for_is_taken(free: int) -> None:
    assert (
        ports.choose(WANTED, asked={"REQUESTS_PORT": str(free)}, last={"requests": 28001}, liked={})["requests"] == free
    )


def test_a_port_that_is_asked_for_but_taken_is_refused(taken: int) -> None:
    with pytest.raises(StackError, match=f"port {taken}, which REQUESTS_PORT asks for, is taken"):
        ports.choose(WANTED, asked={"REQUESTS_PORT": str(taken)}, last={}, liked={})


@pytest.mark.parametrize("wish", ["http", "0", "65536", "-1"])
def test_what_is_no_port_is_refused(wish: str) -> None:
    with pytest.raises(StackError, match=f"REQUESTS_PORT is '{wish}'; a port number is expected"):
        ports.choose(WANTED, asked={"REQUESTS_PORT": wish}, last={}, liked={})


def test_state_outlives_its_launcher(tmp_path: Path) -> None:
    state = State.of(tmp_path)
    state.note_process("kafka", Process(7, "a boot/1"))
    password = state.password("requests")

    again = State.of(tmp_path)

    assert again.processes == {"kafka": Process(7, "a boot/1")}
    assert again.password("requests") == password


def test_only_its_owner_can_read_the_passwords(tmp_path: Path) -> None:
    State.of(tmp_path).password("requests")

    assert (tmp_path / "stack.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", json.dumps({"processes": {}, "unknown": 1})])
def test_a_damaged_state_says_what_to_do(tmp_path: Path, damage: str) -> None:
    (tmp_path / "stack.json").write_text(damage)

    with pytest.raises(StackError, match=r"cannot be read .* remove the folder"):
        State.of(tmp_path)


def test_two_starts_in_one_folder_exclude_each_other(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StackError, match=f"another samenspel .process {os.getpid()}. is at work"):
        locked(tmp_path).__enter__()

    with locked(tmp_path):
        pass  # the first one has let go


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_cleans_up_like_ctrl_c(ending: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), like_ctrl_c():
        signal.raise_signal(ending)


def test_cleaning_up_is_not_interrupted() -> None:
    with like_ctrl_c(), undisturbed():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)


def test_kafkas_jars_are_named_exactly() -> None:
    listed = jars.listed(jars.LIST.read_text())

    assert all(re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.-]+", jar.coordinate) for jar in listed)
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in listed)
    assert "org.apache.kafka:kafka_2.13:4.3.1" in {jar.coordinate for jar in listed}


def test_a_jar_that_was_cut_off_is_fetched_again(tmp_path: Path) -> None:
    copies = iter([b"hal", b"half"])

    [path] = jars.fetch([a_jar(b"half")], lambda _: written(tmp_path / "a.jar", next(copies)))

    assert path.read_bytes() == b"half"


def test_a_jar_with_another_digest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"a:a:1 is not the jar that kafka.jars names"):
        jars.fetch([a_jar(b"ours")], lambda _: written(tmp_path / "a.jar", b"theirs"))

    assert not (tmp_path / "a.jar").exists()


def test_a_jar_that_cannot_be_had_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(_coordinate: str) -> Path:
        raise ConnectionError("no network")

    monkeypatch.setattr(jars, "PAUSE", 0)
    with pytest.raises(StackError, match="a:a:1 could not be downloaded: no network"):
        jars.fetch([a_jar(b"ours")], offline)


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


def test_a_package_that_is_not_installed_is_one_sentence() -> None:
    with pytest.raises(StackError, match="the package no_such_wheel is not installed"):
        prerequisites.wheel("no_such_wheel")


def test_a_part_that_dies_at_its_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    parts = Parts(tmp_path, State.of(tmp_path))
    parts.start("kafka", ["/bin/sh", "-c", "echo no space left >&2; exit 1"])

    with pytest.raises(StackError, match=r"(?s)kafka ended while it started.*no space left"):
        parts.await_ready("kafka", lambda: False, within=10)


def test_a_part_that_is_not_ready_in_time_shows_the_end_of_its_log(tmp_path: Path) -> None:
    parts = Parts(tmp_path, State.of(tmp_path))
    parts.start("kafka", ["/bin/sh", "-c", "echo still loading; exec sleep 60"])

    try:
        with pytest.raises(StackError, match="kafka was not ready after 0 seconds"):
            parts.await_ready("kafka", lambda: False, within=0.2)
    finally:
        parts.kill("kafka")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_enters_its_own_folders_as_nobody_only_where_it_must(tmp_path: Path) -> None:
    closed, file = tmp_path / "closed", tmp_path / "closed/file"
    closed.mkdir(mode=0o700)

    assert "--ambient-caps=+dac_override" in unprivileged.prefix(file)
    assert "--ambient-caps=+dac_override" not in unprivileged.prefix(Path("/usr/bin/env"))


def a_jar(content: bytes) -> jars.Jar:
    return jars.Jar("a:a:1", hashlib.sha256(content).hexdigest())


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
