"""The optional language model: it may choose among candidates, reword a step, and draft examples. Nothing else.

It has no tools. What a customer wrote reaches it as data, without personal data, and what it answers is checked here.
Whatever goes wrong, the caller gets no answer and goes on without it.

Source: ADR 0012.
"""

from guiado.language_model.choose import ChosenProblem, ProblemSummary, choose
from guiado.language_model.draft import draft
from guiado.language_model.http_port import MAX_ANSWER_BYTES, Post, PostResponse
from guiado.language_model.model import DEADLINE_S, LanguageModel
from guiado.language_model.rewrite import StepTexts, rewrite

__all__ = [
    "DEADLINE_S",
    "MAX_ANSWER_BYTES",
    "ChosenProblem",
    "LanguageModel",
    "Post",
    "PostResponse",
    "ProblemSummary",
    "StepTexts",
    "choose",
    "draft",
    "rewrite",
]
