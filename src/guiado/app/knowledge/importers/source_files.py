"""Files of a source: bounded, inside the folder that was named, and decoded whatever their encoding is."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guiado.app.knowledge.importers.imported import SourceUnreadable
from guiado.errors import FieldProblem, Message, os_reason, printable

MAX_FILE_MB = 100
MAX_FILE_BYTES = MAX_FILE_MB * 1024 * 1024
"""Largest file that is read: it is decoded as a whole."""
_PIECE = 1 << 20
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class SourceText:
    """Text of a file.

    Args:
        text: its lines end with a line feed alone.
        place: name of the file, as places name it.
        doubts: that its encoding was guessed.
    """

    text: str
    place: str
    doubts: tuple[FieldProblem, ...] = ()

    def at(self, line: int) -> str:
        """The place of a line, from 1."""
        return f"{self.place}:{line}"


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file of a folder that is not read: it is a link, leads outside, or cannot be reached."""

    problem: FieldProblem


def place_of(path: Path, base: Path | None = None) -> str:
    """The name of a file as places show it: within its folder, else alone."""
    return printable(path.relative_to(base).as_posix() if base is not None else path.name)


def check_file(path: Path, place: str) -> int:
    """Size in bytes of a regular file that may be read.

    Raises:
        SourceUnreadable: it is something else, too large, or cannot be reached.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        why = os_reason(error) if isinstance(error, OSError) else Message("la ruta no es válida")
        raise SourceUnreadable(place, Message("No se puede leer ({why}). Revisa la ruta y los permisos.", {"why": why})) from None
    if not stat.S_ISREG(status.st_mode):
        raise SourceUnreadable(place, Message("No es un archivo normal. Indica un archivo o una carpeta de archivos."))
    if status.st_size > MAX_FILE_BYTES:
        why = Message("Pasa de {limit} MB. Pártelo en varios archivos e impórtalos uno a uno.", {"limit": MAX_FILE_MB})
        raise SourceUnreadable(place, why)
    return status.st_size


def read_bytes(path: Path, place: str) -> bytes:
    """The content of a file that may be read.

    Raises:
        SourceUnreadable: as `check_file`.
    """
    check_file(path, place)
    try:
        with path.open("rb") as file:
            found = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        why = Message("No se puede leer ({why}). Revisa la ruta y los permisos.", {"why": os_reason(error)})
        raise SourceUnreadable(place, why) from None
    if len(found) > MAX_FILE_BYTES:  # it grew meanwhile
        raise SourceUnreadable(
            place, Message("Pasa de {limit} MB. Pártelo en varios archivos e impórtalos uno a uno.", {"limit": MAX_FILE_MB})
        )
    return found


def read_text(path: Path, base: Path | None = None) -> SourceText:
    """The text of a file: UTF-8, UTF-16 with its mark, else Windows-1252 with a doubt that says so.

    Args:
        base: folder that was named, if one was; places name the file within it.

    Raises:
        SourceUnreadable: it cannot be read, is too large, or is no text.
    """
    place = place_of(path, base)
    return decode(read_bytes(path, place), place)


def decode(content: bytes, place: str) -> SourceText:
    """The text of a file's bytes; see `read_text`."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return SourceText(_lines(_with(content, encoding, place)), place)
    if b"\0" in content:
        raise SourceUnreadable(place, Message("No es texto. Guárdalo como texto en UTF-8."))
    try:
        return SourceText(_lines(content.decode("utf-8")), place)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    why = Message("No es UTF-8. Se leyó como Windows-1252: revisa los acentos, o guárdalo en UTF-8.")
    return SourceText(_lines(content.decode("cp1252", "replace")), place, (FieldProblem(f"{place}:{line}", why),))


def _with(content: bytes, encoding: str, place: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        why = Message("Su codificación se rompe en esta línea. Guárdalo de nuevo como texto en UTF-8.")
        raise SourceUnreadable(f"{place}:{line}", why) from None


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def files_in(folder: Path, endings: tuple[str, ...]) -> Iterator[Path | RefusedFile]:
    """The files of a folder and of those in it, in the order of their names; links are refused, hidden names passed over.

    Args:
        endings: in lower case, with their dot.
    """
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError as error:
            why = Message("No se puede leer ({why}). Revisa la ruta y los permisos.", {"why": os_reason(error)})
            yield RefusedFile(FieldProblem(place_of(current, folder), why))
            continue
        inner: list[Path] = []
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                why = Message("Es un enlace, y no se sigue. Copia el archivo a la carpeta si hace falta.")
                yield RefusedFile(FieldProblem(place_of(path, folder), why))
            elif entry.is_dir(follow_symlinks=False):
                inner.append(path)
            elif path.suffix.lower() in endings:
                yield path
        waiting += reversed(inner)
