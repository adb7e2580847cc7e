"""Watchdog process of the embedded server: stops a server whose users were all killed, and rotates its log.

The process that starts the server starts it too (`begin`). Users that leave in order stop the server themselves; the watchdog
is for killed ones. It ends when the server has ended. A user that comes back within `_GRACE_S` finds the server running.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from guiado.errors import DatabaseUnavailable
from guiado.store.embedded import postmaster
from guiado.store.embedded.cluster_paths import find_folder
from guiado.store.embedded.locks import exclusive, open_private, try_alone

_POLL_S = 1.0
_GRACE_S = 8.0
_LONGEST_LOG_BYTES = 10_000_000


def begin(home: Path) -> None:
    """Start the watchdog of this home's server; where one runs already, the new one ends at once.

    Args:
        home: absolute path of guiado's folder.
    """
    if not sys.executable or getattr(sys, "frozen", False):  # this program is no Python: it would start itself
        return
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"}
    with suppress(OSError):  # without it, the next user cleans up
        subprocess.run(  # noqa: S603  # ourselves, no shell
            [sys.executable, "-S", "-c", _SCRIPT, home],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment,
            start_new_session=True,
            check=False,
        )


# The first process ends at once, so that nobody has to wait for its child; only then everything else is loaded.
_SCRIPT = """\
import os, sys
if os.fork():
    os._exit(0)
from pathlib import Path
from guiado.store.embedded.watchdog import watch
watch(Path(sys.argv[1]))
"""


def watch(home: Path) -> None:
    """Watch the server until it has ended."""
    with suppress(OSError, DatabaseUnavailable), exclusive(home / "watch.lock", 0):
        deserted_s = 0.0
        while _is_needed(home, deserted_s):
            _shorten(find_folder(home) / "postgres.log")
            time.sleep(_POLL_S)
            deserted_s = 0.0 if _is_used(home) else deserted_s + _POLL_S


def _is_needed(home: Path, deserted_s: float) -> bool:
    """Whether a server is left to watch; stops one that has been unused for `_GRACE_S`.

    Runs under the start lock, so that the watchdog either sees a server that is being started or has ended before.
    """
    with suppress(DatabaseUnavailable), exclusive(home / "start.lock", 0):
        data = find_folder(home) / "data"
        if deserted_s >= _GRACE_S and not _is_used_now(home):
            postmaster.stop(data)
        return postmaster.is_alive(data)
    return True  # somebody is coming or going, or restores for hours


def _is_used(home: Path) -> bool:
    with suppress(DatabaseUnavailable), exclusive(home / "start.lock", 0):
        return _is_used_now(home)
    return True  # somebody is coming or going


def _is_used_now(home: Path) -> bool:
    return (home / "keep-running").exists() or not try_alone(home / "users.lock")


def _shorten(log: Path) -> None:
    """Rotate a long log by copying and truncating it: the server goes on writing to the same file."""
    with suppress(OSError):
        if log.stat().st_size > _LONGEST_LOG_BYTES:
            aside = open_private(log.with_suffix(".log.1"), os.O_WRONLY | os.O_TRUNC)
            with log.open("rb") as long, os.fdopen(aside, "wb") as old:
                shutil.copyfileobj(long, old)
            os.truncate(log, 0)
