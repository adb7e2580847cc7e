"""A detector from plain values, for programs that measure it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guiado.detection.build import build_index
from guiado.detection.index import Index
from guiado.detection.message_reader import read_message
from guiado.detection.problem import Problem
from guiado.detection.semantic.encoders import make_encoder

_RANKED = 5


class Detector:
    """Ranks the problems that it was made of.

    Args:
        index: fitted.
    """

    def __init__(self, index: Index) -> None:
        self.index = index

    def rank(self, text: str) -> list[tuple[str, float]]:
        """Identifier and confidence (0..1) of the problems that a text may be about, best first, five at most."""
        return [(candidate.problem_id, candidate.confidence) for candidate in read_message(self.index, text, _RANKED).candidates]


def make(problems: Iterable[Mapping[str, str]], examples: Iterable[tuple[str, str]], lang: str) -> Detector:
    """Build and fit a detector, just as the service does.

    Args:
        problems: each with `id`, `title` and, if there is one, `description`.
        examples: (text, id of its problem) pairs.
        lang: of the texts; guiado finds that out by itself.
    """
    del lang
    phrases: dict[str, list[str]] = {}
    for text, problem_id in examples:
        phrases.setdefault(problem_id, []).append(text)
    known = [
        Problem(each["id"], each["title"], each.get("description") or "", tuple(phrases.get(each["id"], ()))) for each in problems
    ]
    index = build_index(known, encoder=make_encoder())
    return Detector(index.with_model(index.fit()))
