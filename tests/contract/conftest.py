"""What the contract tests share."""

from pathlib import Path

import pytest

from contracts.documents.__main__ import main


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Fresh documents, all of them released, to spoil."""
    main(["write"], tmp_path)
    main(["release"], tmp_path)
    capsys.readouterr()
    return tmp_path
