"""Detection: the problems of the knowledge base that a customer's own words may be about."""

from __future__ import annotations

from guiado.detection.build import build_index
from guiado.detection.index import Index
from guiado.detection.problem import Candidate, Example, Problem
from guiado.detection.standalone import Detector, make
from guiado.detection.verdict import DEFAULT_THRESHOLD
from guiado.text.language import detect_language
from guiado.text.normalise import normalise

__all__ = [
    "DEFAULT_THRESHOLD",
    "Candidate",
    "Detector",
    "Example",
    "Index",
    "Problem",
    "build_index",
    "detect_language",
    "make",
    "normalise",
]
