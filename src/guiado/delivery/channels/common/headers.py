"""Encoded header values of mail and push: readers see the same characters, and no program decodes more.

Python's own header classes decode what looks like an encoded word while a value is set, and some versions write the decoded line
breaks out. So values are encoded here and joined as bytes; nothing parses them on the way.

Source: RFC 2047 (encoded words), RFC 5322, section 2.2 (lines of headers); python/cpython#121650.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from email.utils import quote

from guiado.delivery.channels.common.base import one_line

_PLAIN = re.compile(r"[ -~]*")
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_MAX_BYTES = 45  # 60 characters of base64 and 12 of frame: below the 75 that an encoded word may have


def header_value(words: str) -> str:
    """Encode a header value: plain ASCII stays as it is, other text becomes encoded words with a blank between them.

    What looks like an encoded word itself is encoded too, so that it arrives as the characters that were written.
    """
    words = one_line(words)
    return words if _PLAIN.fullmatch(words) and "=?" not in words else " ".join(_encoded_words(words))


def write_mailbox(name: str, address: str) -> str:
    """Write a mailbox: an address with a name, which may be empty."""
    name = one_line(name)
    if not name:
        return address
    shown = header_value(name)
    if shown == name and not _NEEDS_NO_QUOTES.fullmatch(name):
        shown = f'"{quote(name)}"'
    return f"{shown} <{address}>"


def write_headers(headers: Mapping[str, str]) -> bytes:
    """Write header lines; a value of several encoded words takes a line for each.

    Args:
        headers: name -> value, as the functions above write it.
    """
    folded = {name: one_line(value).replace("?= =?", "?=\r\n =?") for name, value in headers.items()}
    return "".join(f"{name}: {value}\r\n" for name, value in folded.items()).encode()


def _encoded_words(words: str) -> Iterator[str]:
    """Yield encoded words in base64, none of which ends within a character."""
    piece = b""
    for character in words:
        encoded = character.encode()
        if len(piece) + len(encoded) > _MAX_BYTES:
            yield _encode(piece)
            piece = b""
        piece += encoded
    yield _encode(piece)


def _encode(piece: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(piece).decode()}?="
