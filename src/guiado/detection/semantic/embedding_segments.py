"""Segments of the file of cached vectors, as bytes and as arrays."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 16
_HEAD = struct.Struct("<4sIII")  # magic, count, checksum of the codes, checksum of all else
_MAGIC = b"segm"
_SCALE_BYTES = 4
_MOST_VECTORS = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A segment of a file: some vectors, without their codes.

    Args:
        keys: n x 2 halves of the texts' hashes.
        scales: what each vector's codes are multiplied with (n).
        codes_at: where its codes begin in the file, in bytes.
        end: where the next segment begins.
        checksum: of the codes.
    """

    keys: NDArray[np.uint64]
    scales: NDArray[np.float32]
    codes_at: int
    end: int
    checksum: int


@dataclass(frozen=True, slots=True, eq=False)
class SegmentIndex:
    """An index of all vectors of some segments, ordered by key.

    Args:
        keys: n x 2, ascending.
        scales: n.
        offsets: where each one's codes are in the file, in bytes (n).
        segments: which segment each is in (n).
    """

    keys: NDArray[np.uint64]
    scales: NDArray[np.float32]
    offsets: NDArray[np.int64]
    segments: NDArray[np.int64]

    def find(self, wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each key; -1 where there is none. Half of the hash is searched for, the other half is compared."""
        if not len(self.keys):
            return np.full(len(wanted), -1, np.int64)
        rows = np.minimum(np.searchsorted(self.keys[:, 0], wanted[:, 0]), len(self.keys) - 1)
        return np.where((self.keys[rows] == wanted).all(axis=1), rows, -1)


def join(segments: Sequence[Segment]) -> SegmentIndex:
    """Join segments into one index."""
    if not segments:
        nothing = np.empty(0, np.int64)
        return SegmentIndex(np.empty((0, 2), np.uint64), np.empty(0, np.float32), nothing, nothing)
    keys = np.concatenate([segment.keys for segment in segments])
    order = np.argsort(keys[:, 0], kind="stable")
    sizes = [len(segment.scales) for segment in segments]
    return SegmentIndex(
        keys[order],
        np.concatenate([segment.scales for segment in segments])[order],
        np.concatenate([_offsets(segment) for segment in segments])[order],
        np.repeat(np.arange(len(segments)), sizes)[order],
    )


def _offsets(segment: Segment) -> NDArray[np.int64]:
    count = len(segment.scales)
    return segment.codes_at + np.arange(count) * ((segment.end - segment.codes_at) // count)


def pack(keys: Sequence[bytes], codes: NDArray[np.int8], scales: NDArray[np.float32]) -> bytes:
    """Write a segment as bytes.

    Args:
        keys: n hashes of `KEY_BYTES`.
        codes: n x dimensions.
        scales: n.
    """
    listed, numbers = b"".join(keys) + scales.astype("<f4").tobytes(), codes.tobytes()
    head = _HEAD.pack(_MAGIC, len(keys), zlib.crc32(numbers), 0)[:-4]
    return head + struct.pack("<I", zlib.crc32(listed, zlib.crc32(head))) + listed + numbers


def unpack(fd: int, position: int, size: int, dimensions: int) -> Segment | None:
    """Read the segment at a position of a file, without its codes; None where no complete one begins.

    Args:
        fd: descriptor of the file.
        position: in bytes.
        size: of the file, in bytes.
        dimensions: length of a vector.
    """
    head = os.pread(fd, _HEAD.size, position)
    if len(head) < _HEAD.size:
        return None
    magic, count, checksum, listed_checksum = _HEAD.unpack(head)
    if magic != _MAGIC or not 0 < count <= _MOST_VECTORS:
        return None
    codes_at = position + _HEAD.size + count * (KEY_BYTES + _SCALE_BYTES)
    end = codes_at + count * dimensions
    listed = os.pread(fd, codes_at - position - _HEAD.size, position + _HEAD.size)
    if end > size or zlib.crc32(listed, zlib.crc32(head[:-4])) != listed_checksum:
        return None
    keys = np.frombuffer(listed[: count * KEY_BYTES], ">u8").astype(np.uint64).reshape(-1, 2)
    return Segment(keys, np.frombuffer(listed[count * KEY_BYTES :], "<f4"), codes_at, end, checksum)
