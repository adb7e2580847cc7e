"""Storage of the pictures of guides, by the hash of their content."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from guiado.domain.media import address_of
from guiado.store.connection import Connection, Row, Statements
from guiado.store.queries import sql


@dataclass(frozen=True, slots=True)
class StoredMedium:
    """A picture of the guides, without its content.

    Args:
        sha256: of its content, in hexadecimal.
        name: of the file that it came from.
        width: in pixels.
        height: in pixels.
    """

    sha256: str
    name: str
    media_type: str
    width: int
    height: int
    size_bytes: int
    created_at: datetime

    @property
    def address(self) -> str:
        """The address with which a guide names it."""
        return address_of(self.sha256, self.media_type)


@dataclass(frozen=True, slots=True)
class NewMedium:
    """A picture to store; see `StoredMedium`."""

    sha256: str
    name: str
    media_type: str
    width: int
    height: int
    content: bytes


async def add(connection: Connection, tenant: str, new: NewMedium, now: datetime) -> None:
    """Store a picture; one that is there already stays as it is."""
    await connection.execute(
        sql("media", "add"), tenant, new.sha256, new.name, new.media_type, new.width, new.height, new.content, now
    )


async def listed(connection: Connection, tenant: str) -> list[StoredMedium]:
    """All pictures, oldest first."""
    return [_medium(row) for row in await connection.fetch(sql("media", "listed"), tenant)]


async def some(connection: Connection, tenant: str, hashes: Collection[str]) -> list[StoredMedium]:
    """Those of some pictures that are stored."""
    return [_medium(row) for row in await connection.fetch(sql("media", "some"), tenant, list(hashes))]


async def one(connection: Connection, tenant: str, sha256: str) -> tuple[StoredMedium, bytes] | None:
    """A picture and its content, or None."""
    row = await connection.fetchrow(sql("media", "one"), tenant, sha256)
    return (_medium(row), bytes(row["content"])) if row else None


async def remove(connection: Connection, tenant: str, sha256: str) -> None:
    """Delete a picture."""
    await connection.execute(sql("media", "remove"), tenant, sha256)


async def used_by(connection: Connection, tenant: str, sha256: str) -> list[str]:
    """Ids of the guides in use that name a picture."""
    return [row["guide_id"] for row in await connection.fetch(sql("media", "used_by"), tenant, sha256)]


async def missing(connection: Statements, tenant: str) -> list[tuple[str, str]]:
    """Guide and address of each picture that guides in use name and that is not stored."""
    return [(row["guide_id"], row["address"]) for row in await connection.fetch(sql("media", "missing"), tenant)]


def _medium(row: Row) -> StoredMedium:
    return StoredMedium(
        row["sha256"], row["name"], row["media_type"], row["width"], row["height"], row["size_bytes"], row["created_at"]
    )
