"""The transitions of a session when the customer clarifies or rejects its problem.

Source: contract.md §6, rule 6.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from guiado.domain import escalation, events
from guiado.domain.clarification import Clarification, Considered, Declared, Pick, Turn
from guiado.domain.decision import Decision, RepeatedAnswer, alarm_rule, follow, offer_of
from guiado.domain.escalation import Speak
from guiado.domain.learning_signal import rejected, withdrawn
from guiado.domain.message_kind import MessageKind
from guiado.domain.no_problem import ask_what_is_wrong, take_declared
from guiado.domain.policy import Policy, Rationale
from guiado.domain.session import NextAction, Offer, Session, Status
from guiado.domain.session_commands import Alarm, ClarifyProblem, RejectProblem
from guiado.errors import Message, NothingToClarify, NothingToReject, SessionEnded


def clarify(session: Session, heard: ClarifyProblem, now: datetime, speak: Speak, policy: Policy) -> Decision | RepeatedAnswer:
    """The transition of a session when the customer answers its clarification.

    Raises:
        SessionEnded: the session takes no more answers.
        NothingToClarify: the session asked nothing, or something else.
    """
    if session.status.ended:
        raise SessionEnded(session.status.value)
    asked = session.open_clarification
    if _is_repeated(session, heard):
        return _as_it_stands(session)
    if asked is None or ("answer" in heard.said and not _asks(asked, heard.question_id)):
        raise NothingToClarify
    said = replace(asked, said=heard.said, tells=heard.tells)
    told = replace(session, version=session.version + 1, updated_at=now, clarifications=(*session.clarifications[:-1], said))
    told = _with_words(told, heard)
    reason = escalation.NONE_OF_THEM if "none" in heard.said else None
    return take_turn(told, heard.turn, heard.considered, now, speak, policy, denied=reason, alarm=heard.alarm)


def reject(
    session: Session, refusal: RejectProblem, now: datetime, speak: Speak, policy: Policy, *, was_urgent: bool = False
) -> Decision | RepeatedAnswer:
    """The transition of a session when the customer rejects the problem whose guide it follows.

    The attempts so far stay; the next guide begins at its first step.

    Args:
        was_urgent: whether the guide that is rejected is urgent.

    Raises:
        SessionEnded: it takes no answer any more.
        NothingToReject: it follows no guide, or another one than the customer means.
    """
    if session.status.ended:
        raise SessionEnded(session.status.value)
    wrong = session.problem_id
    if refusal.rejected in session.rejected:
        return _as_it_stands(session)
    if wrong is None or refusal.rejected not in {None, wrong}:
        raise NothingToReject
    heard = Clarification(rejected=wrong, said=refusal.said, tells=refusal.tells)
    # What was urgent about the guide that it is not, is not urgent any more; the customer's own words still count.
    urgent = session.urgent and not was_urgent
    went = replace(
        session, version=session.version + 1, updated_at=now, clarifications=(*session.clarifications, heard), urgent=urgent
    )
    went = _with_words(went, refusal)
    reason = escalation.denied(session.problem_title, refusal.said.get("text"))
    decided = take_turn(went, refusal.turn, refusal.considered, now, speak, policy, denied=reason, alarm=refusal.alarm)
    if refusal.kind is MessageKind.SOLVED:  # it is over, whatever it was
        return decided
    told = heard.words is not None or "problem_id" in refusal.said
    return replace(decided, lessons=(*rejected(session, wrong, told=told), *decided.lessons))


def _with_words(session: Session, heard: ClarifyProblem | RejectProblem) -> Session:
    """The session with what the customer's new words are, and which problems and unknown codes they name."""
    kind = MessageKind.PROBLEM if isinstance(heard.turn, Pick) else heard.kind or session.message_kind
    named, codes = heard.named or session.also_named, heard.unknown_codes or session.unknown_codes
    return replace(session, message_kind=kind, also_named=named, unknown_codes=codes)


def take_turn(
    session: Session,
    turn: Turn,
    considered: Considered,
    now: datetime,
    speak: Speak,
    policy: Policy,
    *,
    denied: Message | None = None,
    alarm: Alarm | None = None,
) -> Decision:
    """Offer the next turn of a session: the first step of a guide, a question, or a person.

    Args:
        session: with the customer's answer recorded in it.
        considered: the candidate problems.
        denied: why a person is called if the customer said that it is none of what was recognised.
        alarm: what the customer's words set off, if anything.
    """
    match turn:
        case Pick(guide=guide) if guide.steps:
            followed = follow(_understood(session, turn, considered), turn.guide, now, policy, considered, speak, alarm)
            lessons = (withdrawn("recontact", turn.recontact_of),) if turn.recontact_of else ()
            found = events.problem_detected(followed.session)
            return replace(followed, events=(found, *followed.events), lessons=lessons)
        case Clarification() if alarm is None:
            begin = ask_what_is_wrong if session.message_kind is MessageKind.NOTHING_SAID else ask
            return begin(_understood(session, None, considered), turn, now, considered)
        case Declared() if alarm is None:
            return take_declared(_understood(session, None, considered), turn, now, considered, speak)
        case _:
            return _give_up(_understood(session, None, considered), considered, now, speak, denied, alarm)


def _give_up(
    session: Session, considered: Considered, now: datetime, speak: Speak, denied: Message | None, alarm: Alarm | None
) -> Decision:
    why = Rationale("none-of-them" if denied else "nothing-detected")
    asked, called = escalation.call_person(session, denied or escalation.nothing_detected(session), now, speak)
    if alarm is not None:
        why = alarm_rule(urgent=alarm.urgent)
        asked, called = escalation.sound(session, alarm, now)
    offered = offer_of(asked, None, now, why, considered)
    return Decision(replace(asked, decisions=offered.number), called, None, (offered,), NextAction.ESCALATE)


def ask(session: Session, asked: Clarification, now: datetime, considered: Considered) -> Decision:
    """Offer the candidate problems to the customer, with a question if there is one."""
    kind = "question" if asked.question else "options"
    offered = Offer(session.decisions + 1, kind, now, "unclear", candidates=considered)
    waiting = replace(session, decisions=offered.number, clarifications=(*session.clarifications, asked))
    return Decision(waiting, offers=(offered,))


def _understood(session: Session, pick: Pick | None, considered: Considered) -> Session:
    """The session at the beginning of the picked problem's guide, or without a problem when none was picked."""
    others = [each for each in considered if pick is None or each["problem_id"] != pick.guide.problem_id]
    best = considered[0]["confidence"] if considered else 0.0
    found: dict[str, object] = {"alternatives": others, "detection_confidence": pick.confidence if pick else best}
    found["already_tried"] = pick.already_tried if pick else ()
    return replace(
        session,
        problem_id=pick.guide.problem_id if pick else None,
        problem_title=pick.title if pick else None,
        guide_version_id=pick.guide_version_id if pick else None,
        total_steps=len(pick.guide.steps) if pick else 0,
        current_step=0,
        offered_step_id=None,
        offered_why=None,
        answers=(),
        asked_question_id=None,
        guide_answers=(),
        facts={**session.facts, **found, "recontact_of": pick.recontact_of if pick else None},
    )


def _asks(asked: Clarification, question_id: str | None) -> bool:
    return asked.question is not None and question_id in {None, asked.question.question_id}


def _is_repeated(session: Session, heard: ClarifyProblem) -> bool:
    """Whether the same answer was recorded already; the same text may answer the next question too, a yes or no may not."""
    known = any(each.said == heard.said for each in session.clarifications)
    return known and (session.open_clarification is None or "answer" in heard.said)


def _as_it_stands(session: Session) -> RepeatedAnswer:
    waits = session.status is Status.NEEDS_ESCALATION and session.problem_id is None and session.open_clarification is None
    return RepeatedAnswer(0, NextAction.ESCALATE if waits else NextAction.CONTINUE)
