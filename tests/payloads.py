"""The corpora of injections in tests/data/injection, and how they are packed into fields that hold so many characters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "data/injection"
KINDS = ("sql", "template", "script")
BETWEEN = " "
PRODUCT = "982007569"
"""What the templates' 31337*31337 is, where somebody evaluates it."""


@cache
def payloads(*kinds: str) -> tuple[str, ...]:
    """The payloads of these corpora, or of all."""
    return tuple(json.loads(line.split("\t", 1)[1]) for kind in kinds or KINDS for line in _lines(kind))


def tags(kind: str) -> set[str]:
    """What sorts of payloads a corpus has."""
    return {line.split("\t", 1)[0] for line in _lines(kind)}


def _lines(kind: str) -> list[str]:
    text = (FOLDER / f"{kind}.txt").read_text("utf-8")
    return [line for line in text.split("\n") if line and not line.startswith("# ")]


def packed(texts: Iterable[str], limit: int) -> Iterator[str]:
    """Every text, as many in one as fit, each of them whole."""
    held = ""
    for text in texts:
        if held and len(held) + len(BETWEEN) + len(text) > limit:
            yield held
            held = ""
        held = f"{held}{BETWEEN}{text}" if held else text
    if held:
        yield held
