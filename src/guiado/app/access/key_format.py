"""Formats of API keys and of customer links' tokens: a prefix that scanners for leaked secrets find, and 256 random bits.

A key has a checksum too, which tells a mistyped one from a real one without asking the database.
"""

from __future__ import annotations

import hashlib
import re
import zlib

from guiado import clock

PREFIX = "guiado_"
LINK_PREFIX = "gl_"
"""Prefix of a customer link's token."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARACTERS = 43
_CHECK_CHARACTERS = 6
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_CHARACTERS + _CHECK_CHARACTERS}}}", re.ASCII)
_LINK_FORM = re.compile(rf"{LINK_PREFIX}[0-9A-Za-z]{{{_RANDOM_CHARACTERS}}}", re.ASCII)
_SHOWN_CHARACTERS = len(PREFIX) + 8


def new_key() -> str:
    """Make a new key."""
    return with_checksum(PREFIX + _base62(clock.random_bits(256), _RANDOM_CHARACTERS))


def with_checksum(body: str) -> str:
    """Append the checksum of a key's prefix and random characters to them: CRC-32 in base 62."""
    return body + _base62(zlib.crc32(body.encode()), _CHECK_CHARACTERS)


def is_well_formed(key: str) -> bool:
    """Whether a text has the form of a key and its checksum is right."""
    return _FORM.fullmatch(key) is not None and with_checksum(key[:-_CHECK_CHARACTERS]) == key


def new_link_token() -> str:
    """Make the token of a new customer link."""
    return LINK_PREFIX + _base62(clock.random_bits(256), _RANDOM_CHARACTERS)


def is_link_token(text: str) -> bool:
    """Whether a text has the form of a customer link's token."""
    return _LINK_FORM.fullmatch(text) is not None


def digest(secret: str) -> str:
    """SHA-256 of a key, in hexadecimal, as the database holds it: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def shown(key: str) -> str:
    """Return the beginning of a key, by which lists name it."""
    return key[:_SHOWN_CHARACTERS]


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, rest = divmod(number, len(_DIGITS))
        digits = _DIGITS[rest] + digits
    return digits
