"""Pictures of the guides: stored by the hash of their content, named by it in a guide, and served under it.

Source: ADR 0042.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from guiado import clock
from guiado.app.access.audit import note
from guiado.app.context import UnitOfWork
from guiado.app.sessions.pictures import MAX_UPLOAD_BYTES, Picture, encode_anew
from guiado.domain.guide import Guide
from guiado.domain.media import SCHEME, sha256_in, stored_addresses
from guiado.errors import FieldProblem, GuiadoError, InvalidInput, Message, NotFound, printable
from guiado.store import media
from guiado.store.media import NewMedium, StoredMedium

_MOST_NAME = 200
_SHORTEST = 8


class MediumOut(msgspec.Struct, frozen=True):
    """A picture of the guides; `address` is what a guide says to show it."""

    address: str
    name: str
    media_type: str
    width: int
    height: int
    size_bytes: int
    created_at: datetime


def prepared(content: bytes) -> Picture:
    """Check a picture that the team chose, and encode it anew. Blocks.

    Raises:
        InvalidInput: it is too large, or see `encode_anew`.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise InvalidInput([FieldProblem("file", Message("Pesa más de 10 MB. Guárdala más pequeña."), "too_large")])
    return encode_anew(content)


async def add(work: UnitOfWork, name: str, picture: Picture) -> MediumOut:
    """Store a picture of the guides; the same one again is the one that is there.

    Args:
        name: of its file.
    """
    sha256 = hashlib.sha256(picture.content).hexdigest()
    new = NewMedium(sha256, printable(name)[:_MOST_NAME], picture.media_type, picture.width, picture.height, picture.content)
    async with work.connection.transaction():
        await media.add(work.connection, work.tenant, new, clock.now())
        await note(work, "add", "media", sha256)
    return _view((await media.some(work.connection, work.tenant, [sha256]))[0])


async def list_all(work: UnitOfWork) -> list[MediumOut]:
    """All pictures of the guides, oldest first."""
    return [_view(each) for each in await media.listed(work.connection, work.tenant)]


async def remove(work: UnitOfWork, named: str, *, is_forced: bool = False) -> MediumOut:
    """Delete a picture of the guides.

    Args:
        named: its address, or the beginning of its hash.
        is_forced: also where guides in use show it.

    Raises:
        NotFound: there is no such picture, or there are several.
        GuiadoError: guides in use show it.
    """
    async with work.connection.transaction():
        found = await _named(work, named)
        used = [] if is_forced else await media.used_by(work.connection, work.tenant, found.sha256)
        if used:
            raise GuiadoError(
                "La usan estas guías: {guides}. Quítala de ellas, o bórrala igual con --force.", guides=", ".join(used)
            )
        await media.remove(work.connection, work.tenant, found.sha256)
        await note(work, "remove", "media", found.sha256)
    return _view(found)


async def _named(work: UnitOfWork, named: str) -> StoredMedium:
    start = named.removeprefix(SCHEME).partition(".")[0].lower()
    stored = await media.listed(work.connection, work.tenant) if len(start) >= _SHORTEST else []
    found = [each for each in stored if each.sha256.startswith(start)]
    if len(found) != 1:
        raise NotFound("No hay ninguna imagen {address}. Mira las que hay con: guiado kb media list", address=printable(named))
    return found[0]


async def read_one(work: UnitOfWork, sha256: str) -> tuple[StoredMedium, bytes] | None:
    """A picture of the guides with its content; None where there is no such one."""
    return await media.one(work.connection, work.tenant, sha256)


async def sizes(work: UnitOfWork, addresses: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Width and height, in pixels, of those of some addresses that are stored."""
    hashes = {found for each in addresses if (found := sha256_in(each.removeprefix(SCHEME)))}
    stored = await media.some(work.connection, work.tenant, hashes) if hashes else []
    return {each.address: (each.width, each.height) for each in stored}


def addresses_of(guide: Guide | None) -> set[str]:
    """The addresses of stored pictures that a guide names."""
    return set(stored_addresses(guide)) if guide else set()


def _view(stored: StoredMedium) -> MediumOut:
    return MediumOut(
        address=stored.address,
        name=stored.name,
        media_type=stored.media_type,
        width=stored.width,
        height=stored.height,
        size_bytes=stored.size_bytes,
        created_at=stored.created_at,
    )
