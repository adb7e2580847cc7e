"""The file of cached vectors of this user: append-only, with checksums, shared by any number of processes.

It only saves work and can be deleted at any time. Where it is damaged it is begun anew, or nothing is stored.

Layout: a header (what made the vectors, and their length), then segments. A segment has keys, scales and codes of some
vectors under two checksums: one for what is read when the file is opened, one for the codes, which are mapped into
memory and checked when they are first needed.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import stat
import struct
import time
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guiado.detection.semantic.embedding_segments import Segment, SegmentIndex, join, pack, unpack

_MAGIC = b"guiado vectors 1"
_HEADER = struct.Struct(f"<{len(_MAGIC)}s16sII")  # magic, digest of the encoder's name, dimensions, checksum
_MOST_DIMENSIONS = 8_192
_MOST_BYTES = 1_000_000_000
_LOCK_TRIES, _LOCK_PAUSE_S = 100, 0.01


class VectorFile:
    """An open file of vectors, for one thread at a time.

    Args:
        path: where it is, or shall be.
        name: of the encoder; a file of another one is replaced.
        dimensions: length of a vector; None takes what the file says.

    Raises:
        OSError: there can be no such file here, or there is none and `dimensions` is None.
    """

    def __init__(self, path: Path, name: str, dimensions: int | None = None) -> None:
        self._path, self._digest = path, hashlib.blake2b(name.encode(), digest_size=16).digest()
        self._fd = _open_own(path)
        try:
            self.dimensions = self._adopt(dimensions) or self._begin(dimensions)
        except BaseException:
            self.close()
            raise
        self._forget()
        self._refresh()

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def __len__(self) -> int:
        return sum(len(segment.scales) for segment in self._segments)

    def load(self, keys: Sequence[bytes]) -> tuple[NDArray[np.bool_], NDArray[np.int8], NDArray[np.float32]]:
        """Load the vectors of these keys.

        Returns:
            Which are known (n), their codes (n x dimensions) and their scales (n); zeros where nothing is known.
        """
        self._refresh()
        wanted = np.frombuffer(b"".join(keys), ">u8").reshape(-1, 2)
        index = self._joined()
        rows = index.find(wanted)
        while (bad := self._damaged(index, rows[rows >= 0])) is not None:
            self._segments = [segment for segment in self._segments if segment is not bad]
            self._index = None
            index = self._joined()
            rows = index.find(wanted)
        known = rows >= 0
        codes, scales = np.zeros((len(keys), self.dimensions), np.int8), np.zeros(len(keys), np.float32)
        if known.any():
            codes[known], scales[known] = self._gather(index.offsets[rows[known]]), index.scales[rows[known]]
        return known, codes, scales

    def _joined(self) -> SegmentIndex:
        if self._index is None:
            self._index = join(self._segments)
        return self._index

    def append(self, keys: Sequence[bytes], codes: NDArray[np.int8], scales: NDArray[np.float32]) -> bool:
        """Append some vectors; all of them, or none.

        Returns:
            False where the file cannot grow: disk full, cap reached, replaced by something else.
        """
        packed = pack(keys, codes, scales)
        with _exclusive(self._fd) as is_mine:
            if not is_mine or self._adopt(self.dimensions) is None:
                return False
            self._refresh()
            return self._write(packed)

    def _write(self, packed: bytes) -> bool:
        try:
            # Bytes after the last complete segment are the rest of an interrupted write; no process maps them.
            os.ftruncate(self._fd, self._end)
            if os.pwrite(self._fd, packed, self._end) == len(packed):
                return True
            os.ftruncate(self._fd, self._end)
        except OSError:
            return False
        return False

    def _adopt(self, dimensions: int | None) -> int | None:
        """The length of the vectors in the existing file; None where it is damaged, full or of another encoder."""
        head = os.pread(self._fd, _HEADER.size, 0)
        if len(head) < _HEADER.size:
            return None
        magic, digest, found, checksum = _HEADER.unpack(head)
        known = magic == _MAGIC and digest == self._digest and checksum == zlib.crc32(head[:-4])
        fits = 0 < found <= _MOST_DIMENSIONS and dimensions in (None, found)
        return found if known and fits and os.fstat(self._fd).st_size <= _MOST_BYTES else None

    def _begin(self, dimensions: int | None) -> int:
        if dimensions is None:
            raise FileNotFoundError(self._path)
        before = self._fd
        with _exclusive(before) as is_mine:
            if not is_mine:
                raise BlockingIOError(self._path)
            if os.fstat(self._fd).st_size == 0:
                os.pwrite(self._fd, self._header(dimensions), 0)
            elif self._adopt(dimensions) is None:  # of another process in between it would be right
                self._fd = self._replace(dimensions)
        if self._fd != before:
            os.close(before)
        return dimensions

    def _replace(self, dimensions: int) -> int:
        """Replace the file by a new one: another process may map the old one, and a truncation would kill it."""
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fd = _open_own(fresh)
        try:
            os.pwrite(fd, self._header(dimensions), 0)
            fresh.replace(self._path)
        except OSError:
            os.close(fd)
            raise
        return fd

    def _header(self, dimensions: int) -> bytes:
        head = _HEADER.pack(_MAGIC, self._digest, dimensions, 0)[:-4]
        return head + struct.pack("<I", zlib.crc32(head))

    def _forget(self) -> None:
        self._end = _HEADER.size
        self._segments: list[Segment] = []
        self._checked: set[int] = set()
        self._mapped = np.empty(0, np.int8)
        self._index: SegmentIndex | None = None

    def _refresh(self) -> None:
        """Read the segments that this and other processes appended."""
        size = os.fstat(self._fd).st_size
        if size < self._end:  # truncated by another process
            self._forget()
        while (segment := unpack(self._fd, self._end, size, self.dimensions)) is not None:
            self._segments.append(segment)
            self._end = segment.end
            self._index = None  # joined at the next look-up, so that to append a batch costs the same however large the file is

    def _damaged(self, index: SegmentIndex, rows: NDArray[np.int64]) -> Segment | None:
        """A segment of these rows whose codes do not match their checksum; None where all do."""
        numbers: list[int] = np.unique(index.segments[rows]).tolist()
        for number in numbers:
            segment = self._segments[number]
            if segment.codes_at not in self._checked:
                if zlib.crc32(self._map()[segment.codes_at : segment.end].tobytes()) != segment.checksum:
                    return segment
                self._checked.add(segment.codes_at)
        return None

    def _gather(self, offsets: NDArray[np.int64]) -> NDArray[np.int8]:
        return np.lib.stride_tricks.sliding_window_view(self._map(), self.dimensions)[offsets]

    def _map(self) -> NDArray[np.int8]:
        if len(self._mapped) < self._end:
            self._mapped = np.frombuffer(mmap.mmap(self._fd, self._end, access=mmap.ACCESS_READ), np.int8)
        return self._mapped


def _open_own(path: Path) -> int:
    """Open a regular file that only this user can write; what others could write is not trusted."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        os.close(fd)
        raise PermissionError(path)
    return fd


@contextmanager
def _exclusive(fd: int) -> Generator[bool]:
    """Hold the file's lock; False where another process holds it for longer than any write takes."""
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_LOCK_PAUSE_S)
            continue
        try:
            yield True
        finally:
            fcntl.flock(fd, fcntl.LOCK_UN)
        return
    yield False
