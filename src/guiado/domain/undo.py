"""The transition of a session when its customer takes back the last answer to a step.

Source: contract.md §6, rule 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from guiado.domain.decision import ALARM_RULES, Decision, offer_again
from guiado.domain.guide import Guide
from guiado.domain.guide_questions import before_answer
from guiado.domain.learning_signal import taken_back
from guiado.domain.session import Attempt, Session, Status
from guiado.domain.session_commands import UndoAnswer
from guiado.errors import CannotUndo, Message, NothingToUndo, NotLastAnswer, SessionEnded, StaleSession

UNDO_WINDOW = timedelta(minutes=30)
"""Time within which an answer that ended the session, or called a person, can be taken back."""
TAKEN_OVER = Message("Una persona ya tiene este caso, así que la respuesta no se puede deshacer. Cuéntale lo que cambió.")
TOO_LATE = Message(
    "Pasaron más de 30 minutos desde esa respuesta y ya no se puede deshacer. Si el problema sigue, cuéntanoslo otra vez."
)
ALARMED = Message("Por lo que contaste en esa respuesta ya avisamos a una persona, así que no se puede deshacer.")


@dataclass(frozen=True, slots=True)
class _Consequences:
    """Consequences of an answer beside the steps: whether it ended the session, whether it called the person."""

    ended: bool
    called: bool

    @property
    def are_told(self) -> bool:
        return self.ended or self.called


def undo_answer(session: Session, guide: Guide | None, undo: UndoAnswer, now: datetime) -> Decision:
    """The decision on the customer's wish to take back the last answer to a step: the session as it was before that answer.

    What happened stays a fact: version, offers and the moment of the last activity go on.

    Raises:
        NothingToUndo: no step of the guide that is followed was answered.
        StaleSession: the attempt is not the one that was made last.
        NotLastAnswer: another step was answered last.
        SessionEnded: the session ended, and not by that answer.
        CannotUndo: its words called a person, a person has taken over, or it ended the session too long ago.
    """
    last = undo.attempt
    if not session.answers:
        raise NothingToUndo
    if session.answers[-1].step_id != last.step_id:
        raise StaleSession
    if undo.step_number is not None and undo.step_number != last.step_number:
        raise NotLastAnswer(undo.step_number, last.step_number)
    led_to = _consequences(session, last)
    _refuse(session, undo, last, led_to, now)
    before = _before(session, last, led_to, now)
    before, offers = offer_again(before, guide, now, "undone")
    lessons = (taken_back(session),) if led_to.ended and session.problem_id else ()
    return Decision(before, offers=offers, lessons=lessons, retracted=undo.attempt_id)


def _consequences(session: Session, last: Attempt) -> _Consequences:
    """The consequences of an answer; they carry its very moment."""
    ended = session.status is Status.RESOLVED and session.ended_at == last.attempted_at
    return _Consequences(ended, session.escalated_at == last.attempted_at)


def _refuse(session: Session, undo: UndoAnswer, last: Attempt, led_to: _Consequences, now: datetime) -> None:
    if session.status is Status.ESCALATED:
        raise CannotUndo(TAKEN_OVER)
    if session.status.ended and not led_to.ended:
        raise SessionEnded(session.status.value)
    if undo.led_to in ALARM_RULES:
        raise CannotUndo(ALARMED)
    if led_to.are_told and undo.taken_over:
        raise CannotUndo(TAKEN_OVER)
    if led_to.are_told and now - last.attempted_at > UNDO_WINDOW:
        raise CannotUndo(TOO_LATE)


def _before(session: Session, last: Attempt, led_to: _Consequences, now: datetime) -> Session:
    """The session as it was before its last answer."""
    attempts, reason = session.attempts - 1, None if led_to.called else session.escalation_reason
    begun = Status.IN_PROGRESS if attempts else Status.STARTED
    return replace(
        before_answer(session),
        version=session.version + 1,
        status=begun if reason is None else Status.NEEDS_ESCALATION,
        current_step=session.current_step - last.success,
        offered_step_id=last.step_id,
        offered_why=None,
        answers=session.answers[:-1],
        attempts=attempts,
        failures=session.failures - (not last.success),
        escalation_reason=reason,
        escalated_at=None if led_to.called else session.escalated_at,
        resolved_at=None,
        resolution=None,
        recontact_until=None,
        ended_at=None,
        ended_how=None,
        ended_by=None,
        updated_at=now,
    )
