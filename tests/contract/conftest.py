"""What the contract tests share."""

import shutil
from pathlib import Path

import pytest

from contracts.documents.__main__ import release, write
from tests.contract.story import CONTRACTS


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fresh documents, all of them released, with two generated messages of each event."""
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copytree(CONTRACTS / "examples", folder / "examples")
    write(folder)
    release(folder, generated=2)
    return folder


@pytest.fixture
def folder(released: Path, tmp_path: Path) -> Path:
    """A copy of the released documents, to spoil."""
    return shutil.copytree(released, tmp_path / "contracts")
