"""Given answers: what is known of a guide's questions in a session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """The answer to a question of the guide that a session follows.

    Args:
        answer_id: None where the customer passed the question over, or does not know.
        after: number of the attempts at steps of this guide that were made before.
        known: whether it was known without asking.
    """

    question_id: str
    answer_id: str | None = None
    after: int = 0
    known: bool = False
