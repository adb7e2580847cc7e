"""Version number of the schema in `data/db/`, raised with every change, so that an older program knows a newer database.

Checksums tell that two schemas differ, never which one is newer. The number stands in `data/db/schema.version` beside the
checksum of all files that it is for; `scripts/schema_version.py` raises it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from guiado.resources import data_path

ROW = "schema_version"
"""Name of the schema version in `support_schema_migrations`; programs without such numbers refuse it as unknown."""
FILE = "schema.version"


def checksum_of(folder: Path) -> str:
    """SHA-256 of all SQL files of the schema, by name and content, whatever their line ends.

    Args:
        folder: `data/db`.
    """
    digest = hashlib.sha256()
    files = [*folder.glob("*_schema.sql"), *folder.glob("migrations/[0-9]*.sql")]
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def read_version(folder: Path) -> tuple[int, str]:
    """Read the schema version, and the checksum of the files that it is for."""
    number, checksum = (folder / FILE).read_text("utf-8").split()
    return int(number), checksum


SCHEMA_VERSION = read_version(data_path("db"))[0]
