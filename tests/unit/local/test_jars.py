"""Kafka's jars: named exactly, fetched again when cut off, refused when they are others."""

import hashlib
import re
from pathlib import Path

import pytest

from local import StackError, jars


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "PAUSE", 0)


def test_the_list_names_every_jar_exactly() -> None:
    listed = jars.parse(jars.LIST.read_text())

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


def test_a_repository_that_refuses_once_is_asked_again(tmp_path: Path) -> None:
    refusals = iter([RuntimeError("too many requests"), None])

    def resolve(_coordinate: str) -> Path:
        if refusal := next(refusals):
            raise refusal
        return written(tmp_path / "a.jar", b"ours")

    assert jars.fetch([a_jar(b"ours")], resolve) == [tmp_path / "a.jar"]


def test_a_jar_that_cannot_be_downloaded_says_why() -> None:
    def offline(_coordinate: str) -> Path:
        raise ConnectionError("no network")

    with pytest.raises(StackError, match="a:a:1 could not be downloaded: no network"):
        jars.fetch([a_jar(b"ours")], offline)


def a_jar(content: bytes) -> jars.Jar:
    return jars.Jar("a:a:1", hashlib.sha256(content).hexdigest())


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
