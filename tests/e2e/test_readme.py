"""The README does what it says: its marked blocks are executed against running services."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local import FOLDER, Stack

README = Path(__file__).parents[2] / "README.md"
MARKED = re.compile(r"<!-- executed by tests/e2e/test_readme.py -->\n```bash\n(.*?)```", re.DOTALL)
DEADLINE = 60.0


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's integrator has curl")
def test_an_integrator_raises_the_first_request() -> None:
    (block,) = MARKED.findall(README.read_text(encoding="utf-8"))

    with Stack.started(FOLDER / "readme", services=True, fresh=True) as stack:
        done = subprocess.run(
            ("bash", "-euo", "pipefail", "-c", block),
            env=os.environ | {"REQUESTS": stack.service_url("requests")},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"status":"no_broker"' in done.stdout


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))

    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
