"""Labels of the variants of a guide, as customers read them."""

from __future__ import annotations

from collections.abc import Mapping

from guiado.domain.guide import Guide
from guiado.errors import Message
from guiado.i18n import translate

_USUAL: Mapping[str, str | Message] = {
    "windows": "Windows",
    "mac": "Mac",
    "linux": "Linux",
    "chromebook": "Chromebook",
    "android": "Android",
    "iphone": "iPhone",
    "ipad": "iPad",
    "wifi": Message("Wi-Fi"),
    "cable": Message("Cable de red"),
    "mobile": Message("Datos móviles"),
}
"""A usual variant -> its name; those of products are the same in every language."""


def labels_of(spoken: Guide, language: str) -> dict[str, str]:
    """The labels of a guide's variants: those of its author, else the usual ones.

    Args:
        spoken: the guide in this language.
        language: es, en or pt.
    """
    return {name: label or _usual(name, language) for name, label in spoken.variants.items()}


def _usual(name: str, language: str) -> str:
    known = _USUAL.get(name, name)
    return translate(known, language) if isinstance(known, Message) else known
