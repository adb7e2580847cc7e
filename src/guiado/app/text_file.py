"""Text files that an operator names: regular, of bounded size, in UTF-8."""

from __future__ import annotations

import stat
from functools import partial
from pathlib import Path

from guiado.errors import Message, os_reason

_MAX_FILE_MB = 64
_PIECE_CHARS = 1 << 20


class UnreadableFile(Exception):
    """A file that cannot be read as text.

    Args:
        why: the reason, for people.
        line: of the first bytes that are no UTF-8, from 1; None where that is not the reason.
    """

    def __init__(self, why: Message | str, line: int | None = None) -> None:
        super().__init__(str(why))
        self.why, self.line = why, line


def read_text_file(path: Path) -> str:
    """The text of a regular file; a pipe is refused, since reading it would wait for a writer.

    Raises:
        UnreadableFile: it is not a regular file, too large, not in UTF-8, or the system refuses.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFile(Message("no es un archivo normal"))
        if status.st_size > _MAX_FILE_MB * 1024 * 1024:
            raise UnreadableFile(Message("pasa de {limit} MB", {"limit": _MAX_FILE_MB}))
        with path.open(encoding="utf-8-sig") as file:
            # In pieces: decoding tens of MB at once would hold up every other thread.
            return "".join(iter(partial(file.read, _PIECE_CHARS), ""))
    except UnicodeDecodeError:
        raise UnreadableFile(Message("no es texto en UTF-8"), _first_bad_line(path)) from None
    except OSError as error:
        raise UnreadableFile(os_reason(error)) from None
    except ValueError:  # a NUL in the path
        raise UnreadableFile(Message("la ruta no es válida")) from None


def _first_bad_line(path: Path) -> int:
    # Anew and as a whole: a piece's error counts its lines from the piece's own beginning.
    try:
        path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.object.count(b"\n", 0, error.start) + 1
    return 1
