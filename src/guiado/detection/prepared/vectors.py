"""Vectors of the guides that ship, with which a cache of vectors begins."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

PREPARED = Path(__file__).parent
"""Folder of the files that ship."""


def begin_with_vectors(path: Path) -> None:
    """Begin a file of vectors with those that ship, where it does not exist and there are some of its encoder.

    Args:
        path: of the file; its name says which encoder made it.
    """
    shipped = PREPARED / path.name
    if path.exists() or not shipped.is_file():
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        shutil.copyfile(shipped, beside)
        beside.chmod(0o600)
        with suppress(FileExistsError):
            os.link(beside, path)  # not `replace`: another process may have begun it, and written to it, meanwhile
    with suppress(OSError):
        beside.unlink()
