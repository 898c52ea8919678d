"""PostgreSQL refuses to run as root, so root runs it as the user nobody.

Its data stay in the stack's folder, also when that lies in one that only root may enter (`/root`): the process then
keeps one capability of root, to pass folder permissions, and no other.
"""

import os
import pwd
import shutil
import stat
from pathlib import Path

from local.failure import StackError

USER = "nobody"
# The bit keeps access(2), by which PostgreSQL looks for its own programs, from dropping the capability again.
PAST_PERMISSIONS = (
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",
)


def command_prefix(*needed: Path) -> list[str]:
    """The words before a command that must not run as root; `needed` are the files that it has to reach."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if not setpriv:
        raise StackError(
            "PostgreSQL does not run as root, and `setpriv` (util-linux), which would start it as another user, "
            "is missing: run this as an ordinary user, or name a server in SAMENSPEL_POSTGRES_URL"
        )
    user = pwd.getpwnam(USER)
    reachable = all(_others_may_enter(folder) for path in needed for folder in path.resolve().parents)
    caps = [] if reachable else PAST_PERMISSIONS
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *caps]


def hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def _others_may_enter(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)
