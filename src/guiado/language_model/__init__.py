"""The optional language model: chooses among candidates, rewords a step, and drafts examples; nothing else.

It has no tools. Customers' texts are sent as data, redacted, and every answer is validated here. On any failure the caller
gets no answer and goes on without the model.

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
