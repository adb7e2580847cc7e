"""Questions of the guide that a customer answered: what they said, and the page on which they say otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from guiado.app.sessions import views
from guiado.app.sessions.models import GuideQuestionOut
from guiado.app.sessions.record import SessionRecord
from guiado.web.wizard.door import CaseDoor
from guiado.web.wizard.gate import kept_at

QUESTION_FIELD = "pregunta"
"""Parameter with the question that the customer answers anew."""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """An answer that is known, in the language of the page; it is empty where the customer does not know it.

    Args:
        path: address of the page on which another answer is given.
    """

    question: str
    answer: str
    path: str


def answers_known(door: CaseDoor, record: SessionRecord) -> list[KnownAnswer]:
    """The answers that are known to the questions of a session's guide."""
    session = record.session
    kept = kept_at(session, {}, door.wished)
    return [
        KnownAnswer(each.question, each.answer or "", door.case_with({**kept, QUESTION_FIELD: each.question_id}))
        for each in views.guide_answers_view(session, record.guide, session.language)
    ]


def asked_again(record: SessionRecord, question_id: str) -> GuideQuestionOut | None:
    """The question that the customer wants to answer otherwise, where something is known of it."""
    if record.guide is None or record.session.given_answer(question_id) is None:
        return None
    return views.guide_question_of(record.guide, question_id, record.session.language)
