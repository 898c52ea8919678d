"""PostgreSQL under another user than root, with no more power than its folder needs."""

import os
from pathlib import Path

import pytest

from local import unprivileged


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_enters_its_own_folders_as_nobody_only_where_it_must(tmp_path: Path) -> None:
    closed, file = tmp_path / "closed", tmp_path / "closed/file"
    closed.mkdir(mode=0o700)

    assert "--ambient-caps=+dac_override" in unprivileged.command_prefix(file)
    assert "--ambient-caps=+dac_override" not in unprivileged.command_prefix(Path("/usr/bin/env"))
