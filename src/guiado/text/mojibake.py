"""Repairs mojibake: letters that were decoded with the wrong encoding, or written as codes."""

from __future__ import annotations

import html
import re
from contextlib import suppress

_PLAIN = re.compile(r"[\x00-\x7fáéíóúüñçõàâêôÁÉÍÓÚÜÑ¿¡]*")  # "Ã" and "Â" are what broken encodings begin with
_ORDINARY = re.compile(  # what broken encodings consist of has two such letters side by side, in another order
    r"(?:[\x00-\x7fáéíóúñç¿¡]++"
    r"|(?<![^\x00-\x7f“«¿¡])[ÁÉÍÓÚÜÑ](?![^\x00-\x7f])|(?<![^\x00-\x7fç])[üõàâêô](?![^\x00-\x7f])"
    r"|(?<![^\x00-\x7fáéíóúñçõ“«])ã(?![^\x00-\x7fáéíóúñçõ”»])"
    r"|(?<![^\x00-\x7f])[“«](?![^\x00-\x7fáéíóúñçõãÁÉÍÓÚÑ¿¡])"
    r"|(?<![^\x00-\x7fáéíóúñçõã])[”»](?![^\x00-\x7f])"
    r"|(?<![^\x00-\x7f])[’‘–—…€ºª°•](?![^\x00-\x7f]))*+"
)
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff]+")
_IDEOGRAPHS_IN_WORD = re.compile(r"(?<=[A-Za-z])[\u3400-\u9fff]++|(?<![\u3400-\u9fff])[\u3400-\u9fff]++(?=[A-Za-z])")
_LETTER = r"[^\W\d_]"

_CODES = re.compile(r"&#?\w{2,8};|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|[=%][0-9A-Fa-f]{2}|<[a-zA-Z/!]")
_ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_BYTES = re.compile(r"(?:(?:=[0-9A-F]{2})+|(?:%[0-9A-Fa-f]{2})+|(?:\\x[0-9a-fA-F]{2})+)")
_HEX = re.compile(r"[0-9A-Fa-f]{2}")
_TAG = re.compile(
    r"</?(?:p|br|div|span|b|i|u|em|strong|a|ul|ol|li|h[1-6]|table|t[rdh]|font|html|body|pre)\b[^<>]{0,300}>", re.IGNORECASE
)
_BREAKING_TAG = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^<>]{0,300}>", re.IGNORECASE)
_SOFT_BREAK = re.compile(r"=\r?\n")
_LONG_SOFT_BREAK = re.compile(r"(?<=[^\n]{60})=\n|(?<==[0-9A-F]{2})=\n")
_QUOTED_PRINTABLE = re.compile(r"=3D[\"']|=20\n|=C3=[89AB][0-9A-F]|=E2=80=[0-9A-F]{2}|(?<=[^\n]{60})=\n")
_QUOTED_ASCII = re.compile(r"=(09|[2-7][0-9A-F])")
_HIGH = 0x80
_LATIN_LETTERS = 0xC0

_BOXES = re.compile(r"[├┬][^\x00-\x7f]")  # UTF-8 that was read in a DOS window
_LOST_IN_WORD = re.compile(rf"(?<={_LETTER})[¤±¢¾£¡‚](?={_LETTER})")
_LOST = {"¤": "ñ", "±": "ñ", "¢": "ó", "¾": "ó", "£": "ú", "¡": "í", "‚": "é"}
"""Letters that DOS and Windows encodings confuse -> letter that was meant."""
_CAPITAL_LOST = re.compile(r"Ã[\ufffd\x81\x8d]")


def repair(text: str) -> str:
    """Repair the mojibake of a text.

    Args:
        text: of some thousand characters; the time grows with it.
    """
    if _CODES.search(text):
        text = _decode(text)
    if _PLAIN.fullmatch(text):
        return text
    repaired = text if _ORDINARY.fullmatch(text) else _fix_encoding(text)
    repaired = _BOXES.sub(_read_boxes, repaired)
    repaired = _LOST_IN_WORD.sub(lambda match: _LOST[match.group()], repaired)
    return _IDEOGRAPHS_IN_WORD.sub(_read_as_utf8, repaired) if _IDEOGRAPHS.search(repaired) else repaired


def _fix_encoding(text: str) -> str:
    import ftfy  # most texts need no repair, and its tables take time to load

    # "Á" and "Í" lose their second byte; in lower case one of them is as good as the other for what follows.
    return ftfy.fix_encoding(_CAPITAL_LOST.sub("Á", text))


def _decode(text: str) -> str:
    found = html.unescape(_TAG.sub(" ", _BREAKING_TAG.sub("\n", text)))
    found = _ESCAPED.sub(_read_escapes, found)
    decoded = _BYTES.sub(_read_bytes, found)
    return _SOFT_BREAK.sub("", decoded) if decoded != found else decoded


def _read_escapes(match: re.Match[str]) -> str:
    units = bytes.fromhex(match.group().replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def _read_bytes(match: re.Match[str]) -> str:
    """Decode bytes that are written as codes, where they are letters: "=3D" in the middle of a link stays."""
    raw = bytes(int(code, 16) for code in _HEX.findall(match.group()))
    if all(byte < _HIGH for byte in raw):
        return match.group()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252") if all(byte >= _LATIN_LETTERS for byte in raw) else match.group()


def _read_as_utf8(match: re.Match[str]) -> str:
    """Decode ideographs inside a Latin word, which are UTF-8 that was read as GBK: "contrase帽a"."""
    try:
        return match.group().encode("gbk").decode("utf-8")
    except UnicodeError:
        return match.group()


def _read_boxes(match: re.Match[str]) -> str:
    for code_page in ("cp850", "cp437"):
        with suppress(UnicodeError):
            return match.group().encode(code_page).decode("utf-8")
    return match.group()


def decode_quoted_printable(text: str) -> str:
    """The text of a mail's source: soft line breaks and encoded signs of ASCII; a text that is none stays as it is.

    Letters with accents are left to `repair`.
    """
    if "=" not in text or not _QUOTED_PRINTABLE.search(text):
        return text
    return _QUOTED_ASCII.sub(lambda found: chr(int(found[1], 16)), _LONG_SOFT_BREAK.sub("", text))
