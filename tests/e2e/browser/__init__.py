"""A Chromium from the npm registry that looks at pages: axe, the width of the screen, and pictures (`look.mjs`)."""

import json
import os
import subprocess
from pathlib import Path

from tests.node import node_with_packages_of

HERE = Path(__file__).parent
LOOK_SECONDS = 180


def installed() -> Path:
    """Node, with what is needed to open pages in a Chromium of its own, as the lock says."""
    return node_with_packages_of(HERE)


def looked_at(node: Path, pictures: Path, *addresses: str, **headers: str) -> list[str]:
    """What is wrong with these pages, light and dark, on a phone and at a desk; what was seen is kept as pictures."""
    words = [str(node), "look.mjs", str(pictures.absolute()), *addresses]
    sent = {"LOOK_HEADERS": json.dumps({name.replace("_", "-"): value for name, value in headers.items()})}
    done = subprocess.run(
        words, cwd=HERE, env=os.environ | sent, capture_output=True, text=True, timeout=LOOK_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[str] = json.loads(done.stdout)
    return found
