"""Encryption of the credentials that stand in the database, each value for itself, with a key that is never in the database.

AES-256-SIV (RFC 5297): authenticated, and deterministic, so that equal values of one place are equal as stored and a statement
can compare them: registering an endpoint again with the same secret changes nothing, though the statement never sees it. The
associated data are the place where a value stands: kind, tenant and ids. A value that is moved elsewhere cannot be opened.

Source: ADR 0031; RFC 5297 (AES-SIV), RFC 5869 (HKDF).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from guiado.errors import SecretUnreadable, SettingsInvalid
from guiado.logs import get_logger

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_BYTES = 32
MARK = "guiado:v1:"
"""Beginning of a value that is encrypted; the id of its key follows, and then the rest in base64."""
_SALT = b"guiado"
_ID_CHARACTERS = 8
log = get_logger()


class SecretKey:
    """A secret key of this installation.

    Args:
        master: 32 random bytes; everything that is encrypted or signed has a key of its own, derived from them.
    """

    def __init__(self, master: bytes) -> None:
        self._pseudorandom = hmac.digest(_SALT, master, "sha256")

    def derive(self, purpose: bytes, length: int = KEY_BYTES) -> bytes:
        """Derive the key of one purpose, with HKDF-SHA256.

        Args:
            purpose: names it; different purposes give independent keys.
            length: in bytes.
        """
        made, block, number = b"", b"", 1
        while len(made) < length:
            block = hmac.digest(self._pseudorandom, block + purpose + bytes([number]), "sha256")
            made, number = made + block, number + 1
        return made[:length]

    @cached_property
    def id(self) -> str:
        """Name of the key, which says nothing about it."""
        return self.derive(b"id").hex()[:_ID_CHARACTERS]

    @cached_property
    def check(self) -> str:
        """Check value that the database holds, to recognise the key."""
        return self.derive(b"check").hex()

    @cached_property
    def cipher(self) -> AESSIV:
        """Cipher of the credentials."""
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # most processes store and send no secret

        return AESSIV(self.derive(b"credentials", 2 * KEY_BYTES))

    def __repr__(self) -> str:
        return f"SecretKey({self.id})"


class SecretBox:
    """Encrypts with the first of its keys, and decrypts with any.

    Args:
        keys: of this installation; none where nothing may be stored or read.
    """

    def __init__(self, keys: Sequence[SecretKey] = ()) -> None:
        self.keys = tuple(keys)
        self._by_id = {key.id: key for key in self.keys}

    @property
    def key(self) -> SecretKey:
        """The key that encrypts.

        Raises:
            SettingsInvalid: there is none.
        """
        if not self.keys:
            raise SettingsInvalid(
                "Falta la clave de cifrado.\nDefine GUIADO_SECRET_KEY, o GUIADO_HOME con una carpeta donde guardarla."
            )
        return self.keys[0]

    def seal(self, value: str, *place: str) -> str:
        """Encrypt a value for its place.

        Args:
            place: kind of value, tenant and ids of its row.
        """
        return _seal(self.key, value, place)

    def seal_or_keep(self, value: str, *place: str) -> str:
        """Encrypt a value, unless it is encrypted still because it could not be decrypted."""
        return value if is_sealed(value) else self.seal(value, *place)

    def forms(self, value: str, *place: str) -> list[str]:
        """All forms in which a value of a place may be stored: encrypted with each key, the first one first, and in clear."""
        return [*(_seal(key, value, place) for key in self.keys), value]

    def open(self, value: str, *place: str) -> str:
        """Decrypt a value of a place; one in clear, as an older version or a person stored it, stays as it is.

        Raises:
            SecretUnreadable: it was written with another key, moved from another place, or damaged.
        """
        if not is_sealed(value):
            return value
        key_id, _, body = value.removeprefix(MARK).partition(":")
        key = self._by_id.get(key_id)
        if key is None:
            raise SecretUnreadable
        from cryptography.exceptions import InvalidTag

        try:
            opened = key.cipher.decrypt(urlsafe_b64decode(body), _associated(place))
        except (InvalidTag, NotBase64, ValueError):
            raise SecretUnreadable from None
        return opened[1:].decode()

    def open_or_keep(self, value: str, *place: str) -> str:
        """Decrypt a value; one that cannot be opened stays encrypted, for `is_sealed` to tell where it is used."""
        try:
            return self.open(value, *place)
        except SecretUnreadable:
            log.warning("secret_unreadable", kind=place[0], place="/".join(place[2:3]))
            return value

    def __repr__(self) -> str:
        return f"SecretBox({', '.join(key.id for key in self.keys)})"


def is_sealed(value: str | None) -> bool:
    """Whether a value is encrypted."""
    return value is not None and value.startswith(MARK)


def require_open(values: Iterable[str | None]) -> None:
    """Check values that are about to be used.

    Raises:
        SecretUnreadable: one of them could not be decrypted.
    """
    if any(map(is_sealed, values)):
        raise SecretUnreadable


def _seal(key: SecretKey, value: str, place: Sequence[str]) -> str:
    # A first byte: an empty value has something to encrypt too.
    body = key.cipher.encrypt(b"\x01" + value.encode("utf-8", "surrogatepass"), _associated(place))
    return f"{MARK}{key.id}:{urlsafe_b64encode(body).decode()}"


def _associated(place: Sequence[str]) -> list[bytes]:
    return [part.encode("utf-8", "surrogatepass") for part in place]
