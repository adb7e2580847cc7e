"""Which problem of the knowledge base a customer's own words are about."""

from __future__ import annotations

from guiado.detection.language import detect_language
from guiado.detection.lexical import DEFAULT_THRESHOLD, Index, build_index
from guiado.detection.normalise import normalise
from guiado.detection.problem import Candidate, Problem

__all__ = [
    "DEFAULT_THRESHOLD",
    "Candidate",
    "Index",
    "Problem",
    "build_index",
    "detect_language",
    "normalise",
]
