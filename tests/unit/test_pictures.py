"""Pictures that customers send: what is taken, what is refused and why, and that only the pixels are kept."""

from __future__ import annotations

import io
import os
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from guiado.app.sessions import pictures
from guiado.app.sessions.pictures import LONGEST_SIDE, MAX_STORED_BYTES, Picture, encode_anew
from guiado.errors import FIELD_CODES, InvalidInput

SECRET = b"canario"


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    made = io.BytesIO()
    picture.save(made, kind, **options)  # pyright: ignore[reportArgumentType]
    return made.getvalue()


def half(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    made = Image.new("RGB", (width, height), "blue")
    made.paste("red", (0, 0, width, height // 2))
    return made.convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112], made[0x010F] = orientation, SECRET.decode()
    made.get_ifd(0x8825).update({1: "N", 2: (4.0, 35.0, 53.0)})
    return made


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.content))


def refusal(content: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        encode_anew(content)
    (problem,) = caught.value.problems
    assert problem.field == "file"
    assert problem.code in FIELD_CODES
    return problem.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"])
def test_every_kind_and_mode_is_shown_as_it_was(kind: str, mode: str) -> None:
    picture = half().convert("L").convert(mode) if mode in {"LA", "I;16"} else half(mode=mode)
    try:
        content = encoded(picture, kind)
    except (OSError, ValueError):
        pytest.skip("there is no such file")
    made = encode_anew(content)
    shown = opened(made)
    assert (shown.size, shown.size) == ((60, 40), (made.width, made.height))
    assert made.media_type in {"image/png", "image/jpeg"}
    if mode in {"P", "RGB", "RGBA"}:
        above, below = (shown.convert("RGB").getpixel(place) for place in ((30, 5), (30, 35)))
        assert isinstance(above, tuple)
        assert isinstance(below, tuple)
        assert (above[0] > 200, above[2] < 60, below[2] > 200, below[0] < 60) == (True,) * 4


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (60, 40)), (2, (60, 40)), (3, (60, 40)), (4, (60, 40))] + [(n, (40, 60)) for n in (5, 6, 7, 8)]
)
def test_a_photograph_is_put_upright(orientation: int, size: tuple[int, int]) -> None:
    made = encode_anew(encoded(half(), "JPEG", exif=exif(orientation), quality=95))
    assert (made.width, made.height) == size
    red = {1: (0, 0), 2: (59, 0), 3: (59, 39), 4: (0, 39), 5: (0, 0), 6: (39, 0), 7: (39, 59), 8: (0, 59)}[orientation]
    pixel = opened(made).convert("RGB").getpixel(red)
    assert isinstance(pixel, tuple)
    assert (pixel[0] > 200, pixel[2] < 60) == (True, True)


def noisy() -> Image.Image:
    return Image.effect_noise((300, 200), 90).convert("RGB")


@pytest.mark.parametrize(
    "content",
    [
        encoded(noisy(), "JPEG", exif=exif(6), comment=SECRET, icc_profile=SECRET * 40, xmp=SECRET),
        encoded(half(), "PNG", exif=exif(), icc_profile=SECRET * 40),
        encoded(noisy(), "WEBP", exif=exif(), icc_profile=SECRET * 40, xmp=SECRET),
        encoded(half(), "GIF", comment=SECRET),
        encoded(half(), "PNG") + b"<script>" + SECRET + b"</script>",
        encoded(half(), "GIF") + b"PK\x03\x04" + SECRET,
        encoded(noisy(), "JPEG") + b"%PDF-1.7 " + SECRET,
    ],
)  # fmt: skip
def test_nothing_but_the_pixels_is_kept(content: bytes) -> None:
    """Place, device, comments, profiles, and what somebody hung behind the picture."""
    assert SECRET in content
    made = encode_anew(content)
    shown = opened(made)
    assert SECRET not in made.content
    assert not dict(shown.getexif())
    assert not {"exif", "icc_profile", "comment", "xmp", "parsed_exif"} & shown.info.keys()


def test_texts_of_a_png_are_gone() -> None:
    about = PngImagePlugin.PngInfo()
    about.add_text("Author", SECRET.decode())
    about.add_itxt("XML:com.adobe.xmp", SECRET.decode(), zip=True)
    made = encode_anew(encoded(half(), "PNG", pnginfo=about))
    assert SECRET not in made.content
    assert getattr(opened(made), "text", {}) == {}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, data: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(6_325, 6_325), (50_000, 50_000), (2**31 - 1, 1), (1, 2**31 - 1), (40_000_001, 1), (30_000, 6_000)]
)
def test_a_bomb_is_known_by_its_header(width: int, height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(*_args: object) -> None:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(pictures, "_plain", unpack)
    assert refusal(png_of(width, height, zlib.compress(b"\0" * 1_000_000, 9))) in {"too_many_pixels", "not_a_picture"}
    gif = encoded(half(), "GIF")
    assert refusal(gif[:6] + struct.pack("<HH", 65_535, 65_535) + gif[10:]) == "too_many_pixels"


def test_data_that_unpack_to_more_than_the_header_says_do_not_matter() -> None:
    made = encode_anew(png_of(20, 10, zlib.compress(b"\0" * 50_000_000, 9)))
    assert (made.width, made.height) == (20, 10)


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n%\xe2\xe3",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><svg/>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"PK\x03\x04" + b"\0" * 100,
        b"MZ" + b"\0" * 200,
        b"\0" * 100,
        os.urandom(1_000),
        b"GIF",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        "😀".encode(),
        encoded(half(), "BMP"),
        encoded(half(), "TIFF"),
        encoded(half(), "ICO"),
        encoded(half(), "PPM"),
        encoded(half(), "AVIF"),
    ],
)  # fmt: skip
def test_what_is_no_picture_of_these_kinds_is_refused(content: bytes) -> None:
    assert refusal(content) == "not_a_picture"


def test_an_empty_file_is_told_apart() -> None:
    assert refusal(b"") == "empty"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_file_cut_anywhere_is_refused_or_whole_and_never_an_error(kind: str) -> None:
    content = encoded(noisy() if kind != "GIF" else noisy().quantize(64), kind)
    codes = {refusal(content[:length]) for length in range(1, len(content) - 60, max(1, len(content) // 40))}
    assert codes <= {"not_a_picture", "broken_picture"}
    assert "broken_picture" in codes or kind == "WEBP"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_damaged_file_is_a_picture_or_refused(kind: str) -> None:
    small = noisy().resize((60, 40))
    content = encoded(small.quantize(64) if kind == "GIF" else small, kind)
    for place in range(4, len(content), max(1, len(content) // 80)):
        try:
            made = encode_anew(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        except InvalidInput:
            continue
        assert opened(made).size == (made.width, made.height)


def frames(kind: str) -> bytes:
    others = [Image.new("RGB", (60, 40), colour) for colour in ("green", "white")]
    return encoded(half(), kind, save_all=True, append_images=others, duration=100)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(kind: str) -> None:
    assert refusal(frames(kind)) == "not_a_picture"


def test_of_a_gif_the_first_picture_is_taken() -> None:
    made = encode_anew(frames("GIF"))
    assert made.media_type == "image/png"
    assert opened(made).convert("RGB").getpixel((30, 5)) in {(254, 0, 0), (255, 0, 0)}
    assert getattr(opened(made), "n_frames", 1) == 1


def test_transparency_stays_and_a_screen_with_few_colours_is_exact() -> None:
    see_through = Image.new("RGBA", (50, 50), (10, 20, 30, 99))
    made = encode_anew(encoded(see_through, "PNG"))
    assert (made.media_type, opened(made).getpixel((1, 1))) == ("image/png", (10, 20, 30, 99))
    screen = encode_anew(encoded(half(), "PNG"))
    assert (screen.media_type, opened(screen).convert("RGB").tobytes()) == ("image/png", half().tobytes())


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_is_stored_is_small(kind: str) -> None:
    colours = Image.frombytes("RGB", (2_200, 1_100), os.urandom(2_200 * 1_100 * 3))
    made = encode_anew(encoded(colours, kind))
    assert len(made.content) <= MAX_STORED_BYTES
    assert max(made.width, made.height) <= LONGEST_SIDE
    assert made.width == 2 * made.height
    assert made.media_type == "image/jpeg"


def test_a_thin_picture_keeps_a_line() -> None:
    made = encode_anew(encoded(Image.new("RGB", (30_000, 3), "red"), "PNG"))
    assert (made.width, made.height) == (LONGEST_SIDE, 1)


def test_a_small_picture_is_not_enlarged() -> None:
    made = encode_anew(encoded(Image.new("RGB", (1, 1), "red"), "PNG"))
    assert (made.width, made.height) == (1, 1)
