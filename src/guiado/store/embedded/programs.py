"""Detection of programs that were replaced on the disk under a running server, as by a minor update of the system.

A server whose programs were replaced looks well: what it holds in memory goes on. But each new connection loads libraries from
the disk, and those of another minor version do not fit it. Only a restart helps.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guiado.errors import DatabaseUnavailable
from guiado.store.embedded.binaries import Binaries
from guiado.store.embedded.cluster import write_private

_NAME = "guiado.programs"
_LIBRARIES = ("plpgsql.so", "plpgsql.dylib", "dict_snowball.so", "dict_snowball.dylib")
"""Libraries that every connection of guiado loads."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of a server as they were when it was started.

    Args:
        version: for example "18.4".
        files: path -> inode, size and modification time.
    """

    version: str
    files: dict[str, list[int]]


def identify(binaries: Binaries) -> Programs:
    """Identify the programs of a folder as they are now."""
    found = {str(path): identity for path in _files(binaries.folder) if (identity := _identity(path))}
    return Programs(binaries.version, found)


def record(data: Path, programs: Programs) -> None:
    """Record in a data folder the programs with which its server was started."""
    write_private(data / _NAME, json.dumps({"version": programs.version, "files": programs.files}))


def read(data: Path) -> Programs | None:
    """Read the programs recorded at the last start; None when there is no record."""
    try:
        noted = json.loads((data / _NAME).read_text("utf-8"))
        return Programs(str(noted["version"]), dict(noted["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def were_replaced(data: Path) -> bool:
    """Whether the programs of this data folder's running server were replaced since it was started."""
    noted = read(data)
    if noted is None:
        return _are_newer_than_server(data)
    return any(_identity(Path(path)) != identity for path, identity in noted.files.items())


def replaced_error() -> DatabaseUnavailable:
    """The error for a server that cannot load its own libraries any more."""
    return DatabaseUnavailable(
        "PostgreSQL se actualizó mientras guiado trabajaba.\n"
        "Para guiado, ejecuta guiado db stop y vuelve a arrancarlo; con DATABASE_URL, reinicia ese PostgreSQL."
    )


def _are_newer_than_server(data: Path) -> bool:
    """Whether the programs are newer than the running server; for one started by a guiado that recorded nothing."""
    with suppress(OSError, ValueError, IndexError):
        started_s = int((data / "postmaster.pid").read_text("utf-8").splitlines()[2])
        folder = Path((data / "postmaster.opts").read_text("utf-8").split('"')[0].strip()).parent
        return any(path.stat().st_ctime > started_s + 1 for path in _files(folder))
    return False


def _files(folder: Path) -> Iterator[Path]:
    """Yield the server's program, and those of `_LIBRARIES` that exist in the usual folders of the systems."""
    yield folder / "postgres"
    prefix, usual = folder.parent, folder.parent / "lib"
    places = [usual, usual / "postgresql", usual / folder.name, *(prefix / name for name in ("lib64", "lib64/pgsql"))]
    places.append(prefix.parent / "lib" / folder.name)  # Alpine: /usr/libexec/postgresql16 and /usr/lib/postgresql16
    yield from (place / name for place in places for name in _LIBRARIES if (place / name).is_file())


def _identity(path: Path) -> list[int] | None:
    try:
        state = os.stat(path)  # noqa: PTH116  # a third of the time that pathlib takes
    except OSError:
        return None
    return [state.st_ino, state.st_size, state.st_mtime_ns]
