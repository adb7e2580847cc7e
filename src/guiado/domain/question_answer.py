"""The transition of a session when its customer answers a question of its guide, passes it over, or corrects an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from guiado.domain import escalation
from guiado.domain.decision import Decision, RepeatedAnswer, is_shown, offer_next, offer_person
from guiado.domain.escalation import Speak
from guiado.domain.guide import Guide, GuideKind
from guiado.domain.guide_questions import with_given
from guiado.domain.policy import Person, Policy, choose
from guiado.domain.session import NextAction, Session, Status
from guiado.domain.session_commands import AnswerQuestion
from guiado.errors import FieldProblem, InvalidInput, Message, QuestionNotOpen, SessionEnded


def answer_question(
    session: Session, guide: Guide | None, said: AnswerQuestion, now: datetime, policy: Policy, speak: Speak
) -> Decision | RepeatedAnswer:
    """The decision on the customer's answer to the question that is open, or on another answer to one before it.

    What comes next is chosen anew by what is known now: the open step may become another one. Where no steps are shown, since
    it is urgent or a matter for a person, the answer is noted for that person, and nothing else changes.

    Raises:
        SessionEnded: the session takes no more answers.
        QuestionNotOpen: the question is neither open nor answered.
        InvalidInput: the question has no such answer.
    """
    given = session.given_answer(said.question_id)
    if given is not None and given.answer_id == said.answer_id:
        waits = session.status is Status.NEEDS_ESCALATION
        return RepeatedAnswer(0, NextAction.ESCALATE if waits else NextAction.CONTINUE)
    if session.status.ended:
        raise SessionEnded(session.status.value)
    asked = guide.question(said.question_id) if guide else None
    if guide is None or asked is None or (given is None and session.asked_question_id != asked.question_id):
        raise QuestionNotOpen(said.question_id)
    known = [each.answer_id for each in asked.answers]
    if said.answer_id not in {None, *known}:
        why = Message("Debe ser uno de estos: {allowed}.", {"allowed": ", ".join(known)})
        raise InvalidInput([FieldProblem("answer_id", why, "not_an_option")])
    told = with_given(replace(session, asked_question_id=None), asked.question_id, said.answer_id)
    told = replace(told, version=session.version + 1, updated_at=now)
    has_steps = is_shown(told, guide) and guide.kind != GuideKind.PERSON
    return _go_on(told, guide, now, policy, speak) if has_steps else Decision(told, next_action=NextAction.ESCALATE)


def _go_on(session: Session, guide: Guide, now: datetime, policy: Policy, speak: Speak) -> Decision:
    chosen = choose(policy, session, guide, session.answers[-1].outcome if session.answers else None)
    if not isinstance(chosen, Person):
        session, offers = offer_next(session, guide, now, chosen)
        return Decision(session, offers=offers)
    session, called = escalation.call_person(session, chosen.reason, now, speak)
    session, offers = offer_person(session, guide, now, chosen.why, chosen)
    return Decision(session, called, offers=offers, next_action=NextAction.ESCALATE)
