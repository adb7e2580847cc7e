"""Pictures that customers send: recognition by content, limits, and a new encoding that keeps nothing but what is seen.

The new file is made of the pixels alone, so that no place, device, time, comment, or second file behind the first survives.

Source: OWASP File Upload Cheat Sheet; CWE-409 (decompression bombs).
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import anyio

from guiado.errors import FieldProblem, InvalidInput, Message

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_UPLOAD_BYTES = 10 * 1_048_576
"""Size of a picture as it is sent, at most."""
MAX_PIXELS = 40_000_000
"""Width times height, at most; known from the header, before anything is unpacked."""
LONGEST_SIDE = 2_000
"""Longest side of a stored picture, in pixels."""
MAX_STORED_BYTES = 1_572_864
"""Size of a stored picture, at most."""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_STILL = frozenset(("PNG", "WEBP"))
"""Formats whose animations are refused; of a GIF the first picture is taken."""
_FEW_COLOURS = 1_024
_OPAQUE = 255
_ORIENTATION = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""EXIF's orientation -> the name of what undoes it."""
_SAMPLE_SCALE = 1 / 256
_QUALITIES = (85, 75, 60, 40)
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, struct.error, zlib.error)
"""Errors of the decoders over a damaged file, beside warnings."""
_KINDS = Message("No es una imagen que podamos abrir. Envía un archivo PNG, JPEG, WebP o GIF.")
_MOVES = Message("Es una animación. Envía una imagen fija: PNG, JPEG o WebP.")
_DAMAGED = Message("La imagen está dañada o incompleta. Ábrela y guárdala de nuevo, o haz otra captura.")
_EMPTY = Message("El archivo está vacío. Elige una imagen.")
_HUGE = Message("La imagen tiene demasiados píxeles: 40 millones como máximo. Envía una más pequeña o recórtala.")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was checked and encoded anew.

    Args:
        media_type: image/png or image/jpeg.
        width: in pixels.
        height: in pixels.
    """

    content: bytes
    media_type: str
    width: int
    height: int


async def prepare(content: bytes) -> Picture:
    """Check and encode a picture in a thread, one at a time in a process: the largest take some 350 MB meanwhile.

    Raises:
        InvalidInput: see `encode_anew`.
    """
    return await anyio.to_thread.run_sync(encode_anew, content, limiter=_turn())


@cache
def _turn() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(1)


def encode_anew(content: bytes) -> Picture:
    """Check a picture that somebody sent, and make a new file of what it shows. Blocks.

    Raises:
        InvalidInput: it is no picture of a known format, is animated, damaged, or has too many pixels.
    """
    if not content:
        raise _refused(_EMPTY, "empty")
    # The decoders warn where a file contradicts itself.
    warnings.filterwarnings("error", module=r"PIL(\.|$)")
    try:
        return _stored(_upright(_open(content)))
    except InvalidInput:
        raise
    except MemoryError:
        raise _refused(_HUGE, "too_many_pixels") from None
    except (*_BROKEN, Warning):
        raise _refused(_DAMAGED, "broken_picture") from None


def _open(content: bytes) -> Image:
    """Read the header of a picture."""
    from PIL import Image, UnidentifiedImageError  # few processes are sent any

    try:
        opened = Image.open(io.BytesIO(content), formats=_FORMATS)
    except (UnidentifiedImageError, Warning, *_BROKEN):
        raise _refused(_KINDS, "not_a_picture") from None
    except Image.DecompressionBombError:
        raise _refused(_HUGE, "too_many_pixels") from None
    if opened.width * opened.height > MAX_PIXELS:
        raise _refused(_HUGE, "too_many_pixels")
    if opened.format in _STILL and getattr(opened, "is_animated", False):
        raise _refused(_MOVES, "not_a_picture")
    return opened


def _upright(opened: Image) -> Image:
    """The pixels in the right orientation, small enough, without anything that stands beside them."""
    from PIL import Image

    turn = _TURNS.get(opened.getexif().get(_ORIENTATION, 1))
    opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is unpacked at a half, a fourth or an eighth
    plain = _plain(opened)
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    mode = "RGB" if plain.mode == "RGBA" and not _is_seen_through(plain) else plain.mode
    bare = Image.new(mode, plain.size)
    bare.paste(plain)
    return bare if turn is None else bare.transpose(Image.Transpose[turn])


def _plain(opened: Image) -> Image:
    """The pixels as grey, colours, or colours with transparency."""
    if opened.mode == "RGBA" or (opened.mode in {"L", "RGB"} and "transparency" not in opened.info):
        opened.load()
        return opened
    if opened.mode.startswith(("I", "F")):
        return opened.convert("I").point(lambda sample: sample * _SAMPLE_SCALE).convert("L")
    if opened.mode == "1":
        return opened.convert("L")
    return opened.convert("RGBA" if opened.has_transparency_data else "RGB")


def _is_seen_through(picture: Image) -> bool:
    least, _ = picture.getchannel("A").getextrema()
    return isinstance(least, int | float) and least < _OPAQUE


def _stored(picture: Image) -> Picture:
    """Encode a picture: as PNG where it has few colours or transparency and that stays small, else as JPEG."""
    if picture.mode == "RGBA" or picture.getcolors(_FEW_COLOURS) is not None:
        content = _encoded(picture, "PNG")
        if len(content) <= MAX_STORED_BYTES:
            return Picture(content, "image/png", *picture.size)
    return _jpeg(_on_white(picture))


def _jpeg(picture: Image) -> Picture:
    content = b""
    for quality in _QUALITIES:
        content = _encoded(picture, "JPEG", quality=quality)
        if len(content) <= MAX_STORED_BYTES:
            return Picture(content, "image/jpeg", *picture.size)
    picture.thumbnail((LONGEST_SIDE // 2, LONGEST_SIDE // 2))  # noise: a quarter of the pixels at most
    return Picture(_encoded(picture, "JPEG", quality=_QUALITIES[-1]), "image/jpeg", *picture.size)


def _on_white(picture: Image) -> Image:
    from PIL import Image

    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def _encoded(picture: Image, kind: str, **options: int) -> bytes:
    made = io.BytesIO()
    picture.save(made, kind, **options)
    return made.getvalue()


def _refused(why: Message, code: str) -> InvalidInput:
    return InvalidInput([FieldProblem("file", why, code)])
