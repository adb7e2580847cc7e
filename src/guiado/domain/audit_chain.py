"""Chain of the audit log: the digests that seal its rows, and the check of a sealed log.

Each row's digest is an HMAC over the digest before it, the row's number and the row in a canonical form: nobody without the key
can change, remove, insert or reorder rows unnoticed. The head seals the end of the chain; the checkpoint seals its beginning,
where retention deleted what came before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

BEGINNING = "0" * 64
"""Digest before the first row."""
Fault = Literal["changed", "missing", "inserted", "cut", "checkpoint", "head", "unsealed_checkpoint"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A row of the audit log with its place in the chain.

    Args:
        columns: every column but those of the chain, as text; times in UTC with microseconds.
    """

    seq: int
    digest: str | None
    columns: Mapping[str, str | None]

    @property
    def audit_id(self) -> str:
        """The row's id."""
        return self.columns["audit_id"] or ""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a tenant's chain: the last row's number and digest."""

    seq: int
    digest: str
    seal: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The beginning of a tenant's chain after retention: number and digest of the last row deleted.

    Args:
        deleted: rows deleted since the first one.
        at: time of the deletion, as text.
        seal: None where it still has to be sealed.
    """

    seq: int
    digest: str
    deleted: int
    at: str
    seal: str | None


@dataclass(frozen=True, slots=True)
class Broken:
    """The first fault of a chain: the number and id of the row, where there is one."""

    fault: Fault
    seq: int
    audit_id: str | None = None


def digest(key: bytes, before: str, seq: int, columns: Mapping[str, str | None]) -> str:
    """Digest of a row that follows the digest `before`."""
    return _hmac(key, before, seq, json.dumps(dict(columns), sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def head_seal(key: bytes, tenant: str, seq: int, digest: str) -> str:
    """Seal of the end of a tenant's chain."""
    return _hmac(key, "head", tenant, seq, digest)


def checkpoint_seal(key: bytes, tenant: str, checkpoint: Checkpoint) -> str:
    """Seal of the beginning of a tenant's chain."""
    return _hmac(key, "checkpoint", tenant, checkpoint.seq, checkpoint.digest, checkpoint.deleted, checkpoint.at)


def _hmac(key: bytes, *parts: object) -> str:
    # JSON keeps the parts apart: no two lists of parts have the same text. A text of the database may hold no lone surrogates.
    told = json.dumps([str(part) for part in parts], ensure_ascii=False)
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()


def linked(
    key: bytes, seq: int, before: str, rows: Iterable[Mapping[str, str | None]]
) -> Iterator[tuple[int, str, Mapping[str, str | None]]]:
    """Number and digest of rows that are appended to a chain which ends with row `seq` and digest `before`."""
    for columns in rows:
        seq, before = seq + 1, digest(key, before, seq + 1, columns)
        yield seq, before, columns


@dataclass(slots=True)
class Check:
    """Check of a tenant's chain, row by row.

    Args:
        key: of the seals.
        kept: heads that somebody kept, number -> digest.
    """

    key: bytes
    tenant: str
    head: Head | None
    checkpoint: Checkpoint | None
    kept: Mapping[int, str] = field(default_factory=dict[int, str])
    rows: int = 0
    seq: int = field(init=False, default=0)
    digest: str = field(init=False, default=BEGINNING)
    broken: Broken | None = field(init=False, default=None)
    found: set[int] = field(init=False, default_factory=set[int])
    """Numbers of the kept heads that are in the chain."""

    def __post_init__(self) -> None:
        """Check the checkpoint, and begin there."""
        if (start := self.checkpoint) is None:
            return
        self.seq, self.digest = start.seq, start.digest
        if start.seal is None:
            self.broken = Broken("unsealed_checkpoint", start.seq)
        elif not _same(start.seal, checkpoint_seal(self.key, self.tenant, start)) or start.deleted != start.seq:
            self.broken = Broken("checkpoint", start.seq)
        self._note_kept()

    def add(self, row: Sealed) -> None:
        """Check the next row; rows come by their numbers."""
        if self.broken is not None:
            return
        if row.seq != self.seq + 1:
            missing = row.seq > self.seq + 1
            self.broken = Broken("missing", self.seq + 1) if missing else Broken("inserted", row.seq, row.audit_id)
            return
        expected = digest(self.key, self.digest, row.seq, row.columns)
        if not _same(row.digest or "", expected):
            self.broken = Broken("changed", row.seq, row.audit_id)
            return
        self.seq, self.digest, self.rows = row.seq, expected, self.rows + 1
        self._note_kept()

    def end(self) -> Broken | None:
        """Check the end of the chain.

        Returns:
            The first fault; None for a chain that is as it was sealed.
        """
        if self.broken is not None:
            return self.broken
        head = self.head
        if head is None:
            self.broken = Broken("head", self.seq) if self.seq else None
        elif not _same(head.seal, head_seal(self.key, self.tenant, head.seq, head.digest)):
            self.broken = Broken("head", head.seq)
        elif head.seq > self.seq:
            self.broken = Broken("cut", self.seq + 1)
        elif head.seq < self.seq:
            self.broken = Broken("inserted", head.seq + 1)
        elif head.digest != self.digest:
            self.broken = Broken("head", head.seq)
        return self.broken

    def _note_kept(self) -> None:
        if self.kept.get(self.seq) == self.digest:
            self.found.add(self.seq)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
