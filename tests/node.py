"""Node with the packages of a folder's lock: the wheel has Node, the npm registry the packages."""

import hashlib
import subprocess
from pathlib import Path

from filelock import FileLock

from demo.external_check import node_home
from local import FOLDER

INSTALL_SECONDS = 300
_QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def node_with_packages_of(folder: Path) -> Path:
    """The executable, when what the folder's `package-lock.json` names is installed beside it."""
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp, home = folder / "node_modules" / ".from-lock", node_home()
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    with FileLock(FOLDER / f"{folder.name}.lock"):
        if not stamp.exists() or stamp.read_text() != wanted:
            words = (home / "bin" / "node", npm, "ci", *_QUIET)
            subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
            stamp.write_text(wanted)
    return home / "bin" / "node"
