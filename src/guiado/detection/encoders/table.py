"""Large arrays of a model in one file that all processes of this user map, instead of a copy in each of them.

It only saves work and can be deleted at any time: whatever is wrong with it, it counts as not there.

Layout: a prefix (mark, length of the description, checksum of all that follows), the description in JSON, the arrays.
Nothing in it is ever executed.
"""

from __future__ import annotations

import json
import mmap
import os
import stat
import struct
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from guiado.clock import now

_MAGIC = b"guiado model 1\n\0"
_PREFIX = struct.Struct(f"={len(_MAGIC)}sII")
_ALIGNMENT = 64  # of a line of cache, as numpy's own arrays
_READ_BYTES = 1 << 20
_LEFTOVER_S = 600.0


@dataclass(frozen=True, slots=True)
class Arrays:
    """What such a file holds.

    Args:
        facts: anything that JSON can say.
        arrays: by name; read-only where they are mapped.
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


def map_arrays(path: Path) -> Arrays | None:
    """The arrays of a file, mapped. All of it is read once, so that a damaged one is never used.

    Args:
        path: of the file.

    Returns:
        None where there is no such file, or it is damaged, or somebody else could have written it.
    """
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return _mapped(fd)
        finally:
            os.close(fd)
    return None


def write_arrays(path: Path, content: Arrays) -> None:
    """Put arrays into a file, or into the place of the one that is there; whole, or not at all.

    Args:
        path: of the file; its folder is made for this user alone.
        content: what to keep.

    Raises:
        OSError: there can be no such file.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_leftovers(path)
    fd, name = tempfile.mkstemp(prefix=_temporary(path), dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(fd, "wb", buffering=_READ_BYTES) as file:
            _write(file, content)
            os.fsync(fd)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def view(array: NDArray[Any]) -> memoryview:
    """An array as Python's own numbers, which are quicker one by one.

    Args:
        array: of any kind.
    """
    return memoryview(cast("Any", array))


def _mapped(fd: int) -> Arrays | None:
    facts = os.fstat(fd)
    # Whoever can write it could do so later, too.
    if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        return None
    magic, described, checksum = _PREFIX.unpack(os.pread(fd, _PREFIX.size, 0))
    if magic != _MAGIC or _checksum(fd, facts.st_size) != checksum:
        return None
    description = json.loads(os.pread(fd, described, _PREFIX.size))
    mapping = mmap.mmap(fd, facts.st_size, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED)
    mapping.madvise(mmap.MADV_RANDOM)
    start = _aligned(_PREFIX.size + described)
    arrays = {name: _array(mapping, start + offset, kind, shape) for name, kind, shape, offset in description["arrays"]}
    return Arrays(description["facts"], arrays)


def _array(mapping: mmap.mmap, offset: int, kind: str, shape: list[int]) -> NDArray[Any]:
    return np.frombuffer(mapping, np.dtype(kind), int(np.prod(shape)), offset).reshape(shape)


def _checksum(fd: int, size: int) -> int:
    """Read through one small buffer: what is only checked need not stay in memory."""
    buffer, checksum = bytearray(_READ_BYTES), 0
    view = memoryview(buffer)
    for offset in range(_PREFIX.size, size, _READ_BYTES):
        checksum = zlib.crc32(view[: os.preadv(fd, [buffer], offset)], checksum)
    return checksum


def _write(file: IO[bytes], content: Arrays) -> None:
    whole = {name: np.ascontiguousarray(array) for name, array in content.arrays.items()}
    rows, offset = list[tuple[str, str, tuple[int, ...], int]](), 0
    for name, array in whole.items():
        rows.append((name, array.dtype.str, array.shape, offset))
        offset = _aligned(offset + array.nbytes)
    described = json.dumps({"facts": content.facts, "arrays": rows}).encode()
    head = described.ljust(_aligned(_PREFIX.size + len(described)) - _PREFIX.size)
    parts = [head, *(part for array in whole.values() for part in (view(_bytes(array)), bytes(-array.nbytes % _ALIGNMENT)))]
    file.seek(_PREFIX.size)
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
        file.write(part)
    file.seek(0)
    file.write(_PREFIX.pack(_MAGIC, len(described), checksum))
    file.flush()


def _bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    return array.reshape(-1).view(np.uint8)


def _aligned(offset: int) -> int:
    return offset + -offset % _ALIGNMENT


def _temporary(path: Path) -> str:
    return f".{path.name}."


def _remove_leftovers(path: Path) -> None:
    """Of a process that was killed while it wrote."""
    for other in path.parent.glob(f"{_temporary(path)}*"):
        with suppress(OSError):
            if now().timestamp() - other.stat().st_mtime > _LEFTOVER_S:
                other.unlink()
