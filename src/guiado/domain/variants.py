"""Variants of a step: the ways in which it differs by device, network or whatever the author chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from guiado.domain.guide import Guide, Step
from guiado.domain.session import Session
from guiado.text.fold import fold_text
from guiado.text.json_shapes import items_in

_JOINED = ("instructions", "warnings", "resources", "media")
"""Fields of which a variant's follow the common ones; its other texts replace them."""


def step_for(step: Step, variant: str | None, labels: Mapping[str, str]) -> Step:
    """The step as a customer of one variant reads it; for one whose variant nobody knows, with every variant named.

    Args:
        variant: None where it is not known.
        labels: id -> name of each variant, in the language of the step.
    """
    if not step.variants:
        return step
    if variant is not None:
        return _chosen(step, step.variants.get(variant, {}))
    told = {key: (*getattr(step, key), *_named(step, key, labels)) for key in ("instructions", "warnings")}
    shown = {
        key: (*getattr(step, key), *(each for texts in step.variants.values() for each in items_in(texts.get(key))))
        for key in ("resources", "media")
    }
    return replace(step, **cast("dict[str, Any]", told | shown))


def _named(step: Step, key: str, labels: Mapping[str, str]) -> list[str]:
    """The texts of every variant, each with its variant's name in front."""
    return [f"{labels.get(name) or name}: {said}" for name, texts in step.variants.items() for said in items_in(texts.get(key))]


def _chosen(step: Step, texts: Mapping[str, object]) -> Step:
    joined = {key: (*getattr(step, key), *items_in(texts[key])) for key in _JOINED if key in texts}
    own = {key: value for key, value in texts.items() if key not in _JOINED and value}
    return replace(step, **cast("dict[str, Any]", own | joined))


def variant_of(guide: Guide, *said: str | None) -> str | None:
    """The variant of a guide that a customer's device or network names; None where it names none, or several.

    Args:
        said: what is known of it, such as "Windows 11", "iPhone 15" or a browser's `User-Agent`.
    """
    words = fold_text(" ".join(filter(None, said)))
    named = [name for name, label in guide.variants.items() if _is_named(name, label, words)]
    return named[0] if len(named) == 1 else None


def with_known_variant(session: Session, guide: Guide) -> Session:
    """The session at the beginning of a guide: with the variant that the device names, unless one that fits is known."""
    if session.variant in guide.variants:
        return session
    device = session.facts.get("device")
    found = variant_of(guide, device) if isinstance(device, str) else None
    return replace(session, variant=found) if found else session


def chosen_variant(session: Session, guide: Guide) -> str | None:
    """The variant of a guide that a session's customer uses; None where nobody knows it."""
    return session.variant if session.variant in guide.variants else None


def device_named_by(user_agent: str) -> str | None:
    """The device that a browser says it runs on, as one of the usual variants; None where it says none of them."""
    words = fold_text(user_agent)
    return next((name for name in _DEVICES if _is_named(name, "", words)), None)


def _is_named(name: str, label: str, words: str) -> bool:
    if words.strip() == fold_text(name):
        return True
    signs = _SIGNS.get(name, (fold_text(name), fold_text(label) if label else ""))
    return any(sign and sign in words for sign in signs) and not any(sign in words for sign in _NOT.get(name, ()))


_DEVICES = ("windows", "mac", "chromebook", "android", "iphone", "ipad", "linux")
_SIGNS = {
    "windows": ("windows",),
    "mac": ("macintosh", "macos", "mac os", "macbook", "imac"),
    "linux": ("linux", "ubuntu"),
    "chromebook": ("chromebook", "cros "),
    "android": ("android",),
    "iphone": ("iphone", "ios"),
    "ipad": ("ipad",),
    "wifi": ("wifi", "wi-fi"),
    "cable": ("cable", "ethernet"),
    "mobile": ("datos moviles", "mobile data", "dados moveis", "4g", "5g"),
}
"""A usual variant -> words that name it, folded."""
_NOT = {"mac": ("iphone", "ipad", "like mac os"), "linux": ("android",), "windows": ("windows phone",)}
"""A usual variant -> words beside which its own name something else: an iPhone's browser says that it is like Mac OS."""
