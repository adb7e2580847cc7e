"""The backup file: an archive of `pg_dump -Fc`, followed by a manifest that seals it.

`pg_restore` reads such a file as it is: it finds its parts by their offsets and never looks behind the last one. The seal is
the SHA-256 of all that stands before it, so a backup that was cut short or damaged is found before anything is done with it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from guiado import clock
from guiado.errors import DatabaseUnavailable, GuiadoError, Message, os_reason
from guiado.store.embedded.cluster import sync_path
from guiado.store.embedded.locks import exclusive

FORMAT = 1
_HEAD = b"PGDMP"
_SEAL = re.compile(rb"GUIADO-SEAL (\d{10}) ([0-9a-f]{64})\n")
_SEAL_BYTES = len("GUIADO-SEAL ") + 10 + 1 + 64 + 1
_LONGEST_MANIFEST_BYTES = 4_000_000
_SESSIONS = ".support_troubleshooting_sessions"


class Manifest(msgspec.Struct, frozen=True):
    """Manifest of a backup: its origin and time, the schema, and rows and bytes per table.

    Args:
        guiado: version that made the backup.
        created_at: the moment of its snapshot.
        postgres: major version of the server that it was taken from.
        size_bytes: of the database, on the server.
        schema: schema file -> its checksum.
        tables: qualified table -> rows.
        weights: qualified table or index -> bytes on the server.
        format: of this file; a higher number is unknown to this version.
    """

    guiado: str
    created_at: datetime
    postgres: int
    size_bytes: int
    schema: dict[str, str]
    tables: dict[str, int]
    weights: dict[str, int]
    format: int = FORMAT

    @property
    def sessions(self) -> int:
        """Number of sessions in the backup."""
        return sum(rows for name, rows in self.tables.items() if name.endswith(_SESSIONS))


@dataclass(frozen=True, slots=True)
class Draft:
    """A backup file that is being written.

    Args:
        path: temporary name, in the folder of the final one.
        lock: descriptor of the file's lock, held while the file is being written.
    """

    path: Path
    lock: int


def default_name() -> str:
    """File name of a backup made now, with the time in UTC."""
    return f"guiado-{clock.now():%Y%m%dT%H%M%SZ}.dump"


def choose_target(wanted: Path | None, *, force: bool) -> Path:
    """Return the path of the file to write a backup to.

    Args:
        wanted: a file, or a folder for a file of the default name; None means the working folder.
        force: whether an existing file may be replaced.

    Raises:
        GuiadoError: the file exists, or its folder does not.
    """
    target = (wanted or Path()).expanduser().resolve()
    target = target / default_name() if target.is_dir() else target
    if not target.parent.is_dir():
        raise GuiadoError("La carpeta {folder} no existe.\nCréala o elige otra.", folder=target.parent)
    if not force:
        _refuse_existing(target)
    if target.exists() and not target.is_file():  # the file that takes its place would end a device or a pipe
        raise _cannot_write(target, Message("no es un archivo normal"))
    return target


@contextmanager
def draft(target: Path, *, force: bool) -> Generator[Draft]:
    """Yield a temporary backup file; rename it to `target` at the end of the `with`, or delete it on failure.

    Raises:
        GuiadoError: the folder is not writable, or the file was created meanwhile.
    """
    for left in target.parent.glob(".guiado-*.part"):  # of a killed process; a living one holds its file's lock
        with suppress(DatabaseUnavailable, OSError), exclusive(left, 0):
            left.unlink()
    path = target.with_name(f".guiado-{clock.new_id().hex[-12:]}.part")
    try:
        with exclusive(path, 1) as lock:
            yield Draft(path, lock)
            if not force:
                _refuse_existing(target)
            sync_path(path)
            path.replace(target)
            sync_path(target.parent)
    except OSError as error:
        raise _cannot_write(target, os_reason(error)) from error
    finally:
        path.unlink(missing_ok=True)


def seal(path: Path, manifest: Manifest) -> None:
    """Append the manifest and its seal to the archive."""
    text = msgspec.json.encode(manifest)
    with path.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256")
        digest.update(text)
        file.seek(0, os.SEEK_END)
        file.write(text + f"GUIADO-SEAL {len(text):010d} {digest.hexdigest()}\n".encode())


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a backup after checking the seal over the whole file.

    Raises:
        GuiadoError: the file is missing, damaged, no backup, or one of a newer guiado.
    """
    try:
        manifest = _read(path)
    except OSError as error:
        raise GuiadoError(
            "No se puede leer {file} ({reason}).\nRevisa la ruta y los permisos.", file=path, reason=os_reason(error)
        ) from error
    if manifest is None:
        raise GuiadoError(
            "{file} no es una copia completa de guiado: está cortada, dañada o es otra cosa. No se cambió nada.\n"
            "Usa otra copia hecha con guiado db backup; una de pg_dump se restaura con pg_restore.",
            file=path,
        )
    return manifest


def _read(path: Path) -> Manifest | None:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _SEAL_BYTES))
        found = _SEAL.fullmatch(file.read())
        file.seek(0)
        if not found or file.read(len(_HEAD)) != _HEAD or int(found[1]) > min(size, _LONGEST_MANIFEST_BYTES):
            return None
        if _digest(path, size - _SEAL_BYTES) != found[2].decode():
            return None
        file.seek(size - _SEAL_BYTES - int(found[1]))
        return _decode(file.read(int(found[1])))


def _decode(text: bytes) -> Manifest | None:
    with suppress(msgspec.MsgspecError):
        if msgspec.json.decode(text, type=_Version).format > FORMAT:
            raise GuiadoError(
                "La copia es de una versión más nueva de guiado. No se cambió nada.\nInstala esa versión y vuelve a intentarlo."
            )
        return msgspec.json.decode(text, type=Manifest)
    return None


class _Version(msgspec.Struct):
    format: int


def _digest(path: Path, length: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while length > 0 and (chunk := file.read(min(length, 1 << 20))):
            digest.update(chunk)
            length -= len(chunk)
    return digest.hexdigest()


def _cannot_write(target: Path, reason: Message) -> GuiadoError:
    why = "No se puede escribir {file} ({reason}).\nElige otra carpeta, o corrígelo y vuelve a intentarlo."
    return GuiadoError(why, file=target, reason=reason)


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise GuiadoError("{file} ya existe. Usa --force para sustituirlo o elige otro nombre.", file=target)
