"""Read models of sessions, steps and attempts, made from objects of the domain.

Source: contract.md §1 and §3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from guiado.app.guidance.explanations import reason_in
from guiado.app.sessions.labels import labels_of
from guiado.app.sessions.models import (
    AnsweredQuestionRow,
    AttemptOut,
    ChoiceRow,
    ClarificationOut,
    ClosableSessionOut,
    CloseActionOut,
    ConsideredRow,
    GuideAnswerRow,
    GuideQuestionOut,
    HeardRow,
    MediaRow,
    OptionOut,
    OtherProblemOut,
    QuestionOut,
    ResourceRow,
    SaidRow,
    SessionOut,
    StepOut,
    SummaryOut,
    UnderstoodOut,
    VariantRow,
)
from guiado.domain.clarification import Clarification, Reply
from guiado.domain.decision import is_shown
from guiado.domain.guide import Guide
from guiado.domain.media import path_of
from guiado.domain.session import Session, Status
from guiado.domain.variants import chosen_variant, step_for
from guiado.store.sessions import RunningSession, StoredAttempt
from guiado.text.foreign_language import foreign_language
from guiado.text.tokenize import meaningful_part

View = dict[str, Any]
"""A read model as a dictionary, for the terminal."""
Shown = TypeVar("Shown", bound=OptionOut)
_REFERENCE_CHARS = 8
_CLOSE = "/api/support/troubleshooting/{id}/resolve"


def reference(session_id: str) -> str:
    """The short name of a session, for people: the end of its id, which is random; the beginning is the time."""
    return session_id[-_REFERENCE_CHARS:]


def step_view(session: Session, guide: Guide, step_id: str | None, number: int) -> StepOut | None:
    """One step for the customer, in the session's language; None where the guide has no such step.

    Args:
        number: its position in this session, from 1.
    """
    spoken = guide.in_language(session.language)
    written = spoken.step(step_id)
    if written is None:
        return None
    labels, variant = labels_of(spoken, session.language), chosen_variant(session, guide)
    step = step_for(written, variant, labels)
    said = session.said_tried.get(step.step_id)
    return StepOut(
        session_id=session.session_id,
        step_number=number,
        step_id=step.step_id,
        type=step.type,
        title=step.title,
        description=step.description,
        instructions=list(step.instructions),
        expected_result=step.expected_result,
        warnings=list(step.warnings),
        resources=[ResourceRow(**resource) for resource in step.resources],
        irreversible=step.irreversible,
        already_tried=SaidRow(words=said) if said else None,
        total_steps=session.total_steps,
        current_step=session.current_step,
        estimated_time=spoken.estimated_time,
        difficulty=spoken.difficulty,
        preparation=step.preparation,
        variant=variant,
        variants=[VariantRow(id=name, title=title) for name, title in labels.items()] if written.variants else [],
        media=[MediaRow(**{**medium, "url": path_of(medium["url"])}) for medium in step.media],
        why=reason_in(session) if step_id == session.offered_step_id else None,
    )


def open_step(session: Session, guide: Guide | None) -> StepOut | None:
    """The step that waits for an answer, or None."""
    if guide is None or session.status.ended or not is_shown(session, guide):
        return None
    step = step_view(session, guide, session.offered_step_id, session.step_number)
    question = guide_question_view(session, guide)
    return step if step is None or question is None else msgspec.structs.replace(step, question=question)


def guide_question_view(session: Session, guide: Guide | None) -> GuideQuestionOut | None:
    """The question of the guide that is asked before the open step, in the session's language, or None."""
    if session.asked_question_id is None or guide is None or session.status.ended or not is_shown(session, guide):
        return None
    return guide_question_of(guide, session.asked_question_id, session.language)


def guide_question_of(guide: Guide, question_id: str, language: str) -> GuideQuestionOut | None:
    """One question of a guide in a language, or None."""
    asked = guide.in_language(language).question(question_id)
    if asked is None:
        return None
    answers = [GuideAnswerRow(id=each.answer_id, text=each.text) for each in asked.answers]
    return GuideQuestionOut(id=asked.question_id, text=asked.text, answers=answers)


def guide_answers_view(session: Session, guide: Guide | None, language: str) -> list[AnsweredQuestionRow]:
    """Answers to the questions of a session's guide, those that were known without asking among them.

    Args:
        language: of whoever reads it.
    """
    spoken, found = guide.in_language(language) if guide else None, list[AnsweredQuestionRow]()
    for given in session.guide_answers:
        asked = spoken.question(given.question_id) if spoken else None
        if asked is not None:
            answer = next((each.text for each in asked.answers if each.answer_id == given.answer_id), None)
            found.append(AnsweredQuestionRow(
                question_id=given.question_id, question=asked.text, answer_id=given.answer_id, answer=answer, known=given.known,
            ))  # fmt: skip
    return found


def passed_step(session: Session, guide: Guide | None, number: int) -> StepOut | None:
    """A step that was passed, to read again, or None.

    Args:
        number: its position in this session, from 1.
    """
    passed = list(session.passed)
    return step_view(session, guide, passed[number - 1], number) if guide and 1 <= number <= len(passed) else None


def session_view(session: Session, guide: Guide | None = None) -> SessionOut:
    """The read model of a session as it stands."""
    return SessionOut(
        session_id=session.session_id,
        reference=reference(session.session_id),
        ticket_id=session.ticket_id,
        customer_email=session.customer_email,
        customer_name=session.customer_name,
        problem_description=session.problem_description,
        detected_problem_id=session.problem_id,
        detected_problem_title=session.problem_title,
        status=session.status.value,
        current_step=session.current_step,
        total_steps=session.total_steps,
        language=session.language,
        started_at=session.started_at,
        updated_at=session.updated_at,
        resolved_at=session.resolved_at,
        escalated_at=session.escalated_at,
        ended_at=session.ended_at,
        resolution=session.resolution,
        escalation_reason=session.escalation_reason,
        urgent=session.urgent,
        notes=session.notes,
        version=session.version,
        next_step=open_step(session, guide),
        clarification=clarification_view(session),
        message_kind=session.message_kind.value,
        other_problems=other_problems_view(session),
        question=guide_question_view(session, guide),
    )


def other_problems_view(session: Session) -> list[OtherProblemOut]:
    """The problems that the customer named beside the one that is followed; all of them while none is."""
    left = session.other_problems or (session.also_named if session.problem_id is None else ())
    return [OtherProblemOut(problem_id=each.problem_id, title=each.title) for each in left]


def closable_view(running: RunningSession | None) -> ClosableSessionOut | None:
    """The session that is offered to be closed, with the request that closes it; None where there is none."""
    if running is None:
        return None
    return ClosableSessionOut(
        session_id=running.session_id,
        reference=reference(running.session_id),
        problem_id=running.problem_id,
        problem_title=running.title,
        status=running.status,
        action=CloseActionOut(method="POST", path=_CLOSE.format(id=running.session_id), body={"source": "customer"}),
    )


def clarification_view(session: Session) -> ClarificationOut | None:
    """The open clarification of a session, or None."""
    asked = session.open_clarification
    return ClarificationOut(options=options_view(asked), question=question_view(asked)) if asked else None


def options_view(asked: Clarification | None) -> list[OptionOut]:
    """The options of a clarification, best first."""
    return _options(OptionOut, asked)


def _options(kind: type[Shown], asked: Clarification | None) -> list[Shown]:
    return [
        kind(problem_id=each.problem_id, title=each.title, example=each.example, confidence=each.confidence)
        for each in (asked.options if asked else ())
    ]


def question_view(asked: Clarification | None) -> QuestionOut | None:
    """The question of a clarification, or None."""
    question = asked.question if asked else None
    return QuestionOut(id=question.question_id, text=question.text, answers=[*Reply]) if question else None


def understood_view(session: Session) -> UnderstoodOut:
    """Detection and clarifications of a session's problem, for the person who takes over."""
    return UnderstoodOut(
        language=session.language,
        written_in=foreign_language(meaningful_part(session.problem_description)),
        problem_detected=session.problem_id,
        confidence=msgspec.convert(session.facts.get("detection_confidence"), float | None),
        candidates=msgspec.convert(session.facts.get("alternatives") or [], list[ConsideredRow]),
        clarifications=[_heard_view(each) for each in session.clarifications],
        original_sender=msgspec.convert(session.facts.get("original_sender"), str | None),
        message_kind=session.message_kind.value,
        other_problems=other_problems_view(session),
        unknown_codes=list(session.unknown_codes),
    )


def _heard_view(heard: Clarification) -> HeardRow:
    question = heard.question.text if heard.question else None
    said = dict(heard.said) if heard.said is not None else None
    return HeardRow(options=_options(ChoiceRow, heard), question=question, rejected=heard.rejected, said=said)


def attempt_view(stored: StoredAttempt) -> AttemptOut:
    """The read model of an attempt."""
    attempt = stored.attempt
    return AttemptOut(
        id=stored.attempt_id,
        step_number=attempt.step_number,
        step_id=attempt.step_id,
        step_title=attempt.step_title,
        success=attempt.success,
        outcome=attempt.outcome.value,
        notes=attempt.notes,
        attempted_at=attempt.attempted_at,
        duration_seconds=attempt.duration_seconds,
        active_seconds=attempt.active_seconds,
        step_type=attempt.step_type,
        source=attempt.source.value,
        reason=attempt.reason,
    )


def summary_view(attempts: Sequence[StoredAttempt]) -> SummaryOut:
    """Counts of attempts: all, successful and failed."""
    successful = sum(stored.attempt.success for stored in attempts)
    return SummaryOut(total_attempts=len(attempts), successful_attempts=successful, failed_attempts=len(attempts) - successful)


def wants_person(session: Session) -> bool:
    """Whether a person should take over."""
    return session.status in {Status.NEEDS_ESCALATION, Status.ESCALATED}
