"""Tells whether the programs of a running server were replaced on the disk, as a minor update of the system does.

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
"""What every connection of guiado loads."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of a server as they were when it was started.

    Args:
        version: for example "18.4".
        files: path -> what identifies its content.
    """

    version: str
    files: dict[str, list[int]]


def identify(binaries: Binaries) -> Programs:
    """The programs of a folder as they are now."""
    found = {str(path): identity for path in _files(binaries.folder) if (identity := _identity(path))}
    return Programs(binaries.version, found)


def record(data: Path, programs: Programs) -> None:
    """Note in a data folder with which programs its server was started."""
    write_private(data / _NAME, json.dumps({"version": programs.version, "files": programs.files}))


def read(data: Path) -> Programs | None:
    """What was recorded at the last start, None when nothing was."""
    try:
        noted = json.loads((data / _NAME).read_text("utf-8"))
        return Programs(str(noted["version"]), dict(noted["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def were_replaced(data: Path) -> bool:
    """Whether the server of this data folder, which runs, was started with other programs than those that lie there now."""
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
    """The same of a server that an earlier guiado started, which recorded nothing: by the times of the files."""
    with suppress(OSError, ValueError, IndexError):
        started_s = int((data / "postmaster.pid").read_text("utf-8").splitlines()[2])
        folder = Path((data / "postmaster.opts").read_text("utf-8").split('"')[0].strip()).parent
        return any(path.stat().st_ctime > started_s + 1 for path in _files(folder))
    return False


def _files(folder: Path) -> Iterator[Path]:
    """The server's program, and the libraries wherever the systems put them; those that exist."""
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
