"""Addresses of stored pictures: `media:<sha256>.<ext>` in a guide, `/media/<sha256>.<ext>` on the service."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guiado.domain.guide import Guide
from guiado.text.json_shapes import items_in, object_in

SCHEME, PATH = "media:", "/media"
ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
"""Type of a stored picture -> the ending of its address."""
_NAME = re.compile("([0-9a-f]{64})[.](?:png|jpg)")


def path_of(url: str) -> str:
    """The path of a stored picture on the service; any other address as it is."""
    return f"{PATH}/{url.removeprefix(SCHEME)}" if url.startswith(SCHEME) else url


def address_at(path: str) -> str:
    """The address of the stored picture at a path of the service; any other address as it is."""
    return f"{SCHEME}{path.removeprefix(f'{PATH}/')}" if path.startswith(f"{PATH}/") else path


def sha256_in(name: str) -> str | None:
    """The content hash that a stored picture's name, `<sha256>.<ext>`, holds; None where it is no such name."""
    found = _NAME.fullmatch(name)
    return found[1] if found else None


def address_of(sha256: str, media_type: str) -> str:
    """The address of a stored picture as a guide names it."""
    return f"{SCHEME}{sha256}.{ENDINGS[media_type]}"


def stored_addresses(guide: Guide) -> Iterator[str]:
    """The addresses of stored pictures that a guide names, in its steps and in their variants."""
    for step in guide.steps:
        varied = (object_in(each) for texts in step.variants.values() for each in items_in(texts.get("media")))
        for medium in (*step.media, *varied):
            url = str(medium.get("url", ""))
            if url.startswith(SCHEME):
                yield url
