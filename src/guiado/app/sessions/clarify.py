"""Clarify and reject: the customer's answer to a clarification, and their rejection of the recognised problem.

Source: contract.md §6, rule 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from guiado import clock
from guiado.app import commands
from guiado.app.context import AppContext, UnitOfWork
from guiado.app.knowledge.knowledge_base import KnowledgeBase, Snapshot
from guiado.app.sessions.alarms import hear
from guiado.app.sessions.already_tried import already_tried
from guiado.app.sessions.answer import command_wish, load, telling_state
from guiado.app.sessions.clarifying_question import considered_of, inquire, option_of, reweigh
from guiado.app.sessions.correction import Correction, Rankings, rankings_for, read_correction
from guiado.app.sessions.no_problem import MOST_CODES_TOLD, frequent_options, instead_of_problem, named_problems
from guiado.app.sessions.ranking import CONSIDERED, is_quick
from guiado.app.sessions.running import to_close
from guiado.app.sessions.start import Started, solved_before
from guiado.detection import Candidate
from guiado.detection.verdict import Verdict, verdict_of
from guiado.domain.clarification import Clarification, Considered, Declared, Option, Pick, Reply, Turn
from guiado.domain.escalation import STILL_NOTHING
from guiado.domain.guide import Guide
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import NamedProblem, Session
from guiado.domain.session_commands import Alarm, ClarifyProblem, RejectProblem
from guiado.errors import FieldProblem, InvalidInput, Message, StaleSession
from guiado.text.choice_words import chooses_other, chosen_place

_MOST_REJECTED = 3
"""Number of rejected problems from which a session goes to a person."""
_MOST_ASKED = 1
_OF_TWO = 2
_LIKELY_FROM, _AHEAD = 0.2, 1.5
"""Least confidence of a problem that is asked about before a person is called, and how far it must be ahead of the next."""
_DECLARED = {MessageKind.SOLVED, MessageKind.PERSON, MessageKind.OTHER}
_WAYS = ("problem_id", "answer", "text", "none")


async def clarify(
    work: UnitOfWork,
    knowledge: KnowledgeBase,
    session_id: object,
    command: commands.Clarify,
    ranking: Rankings = (),
) -> Started:
    """Take the customer's answer to a clarification.

    A guide, the options alone, or a person follows: a customer is asked one question at most.

    Args:
        ranking: from `ranked_before`, where there are words to rank.

    Raises:
        InvalidInput: not exactly one thing was said, or the problem is no option.
        SessionNotFound: no session has this id.
        SessionEnded, NothingToClarify, StaleSession: see `command_wish`; with the session's present state.
    """
    said = _said(command)
    snapshot = knowledge.snapshot

    async def wish(session: Session) -> ClarifyProblem:
        asked = session.open_clarification
        if asked is None or (command.answer is not None and asked.question is None):
            return ClarifyProblem(said)  # nothing was asked: to be refused, or heard already
        alarm = _alarm(snapshot, session, None, command.text)
        came = await _clarified(work, snapshot, session, asked, command, ranking)
        turn = await _instead_of_asking(work, session, came.turn, alarm)
        late = _alarm(snapshot, session, turn, command.text)
        return ClarifyProblem(
            said, turn, came.considered, command.question_id, late, _kind(came, late), came.named, came.tells, came.unknown_codes
        )

    async with telling_state(work, session_id):
        session, guide = await command_wish(work, session_id, "clarify", wish)
    return await _outcome(work, session, guide, snapshot)


async def reject(
    work: UnitOfWork,
    knowledge: KnowledgeBase,
    session_id: object,
    command: commands.Reject,
    ranking: Rankings = (),
) -> Started:
    """Reject the recognised problem; the next guide, a question or a person follows.

    Args:
        ranking: from `ranked_before`.

    Raises:
        InvalidInput: the problem named instead is unknown, or rejected too.
        SessionNotFound: no session has this id.
        SessionEnded, NothingToReject, StaleSession: see `command_wish`; with the session's present state.
    """
    said = {name: value for name in ("text", "problem_id") if (value := getattr(command, name)) is not None}
    snapshot = knowledge.snapshot
    first: list[str | None] = []

    async def wish(session: Session) -> RejectProblem:
        first.append(session.problem_id)
        if command.rejected is None and session.problem_id != first[0]:
            raise StaleSession  # somebody else rejected it meanwhile: this was not said of the next one
        if session.problem_id is None or session.status.ended or command.rejected not in {None, session.problem_id}:
            return RejectProblem(said, command.rejected)
        alarm = _alarm(snapshot, session, None, command.text)
        came = await _rejected(work, snapshot, session, command, ranking)
        turn = await _instead_of_asking(work, session, came.turn, alarm)
        late = _alarm(snapshot, session, turn, command.text)
        return RejectProblem(
            said, command.rejected, turn, came.considered, late, _kind(came, late), came.named, came.tells, came.unknown_codes
        )

    async with telling_state(work, session_id):
        session, guide = await command_wish(work, session_id, "reject", wish)
    return await _outcome(work, session, guide, snapshot)


def _kind(came: _Heard, alarm: Alarm | None) -> MessageKind | None:
    """The kind of the words; what sets off an alarm reports a problem, whatever else it was taken for."""
    return MessageKind.PROBLEM if alarm is not None else came.kind


def _alarm(snapshot: Snapshot, session: Session, turn: Turn, words: str | None) -> Alarm | None:
    """The alarm that the customer's new words set off; of the guide that follows, all criteria count."""
    own = turn.guide if isinstance(turn, Pick) else None
    return hear((words,), own, snapshot.guides.values(), session.language)


async def _instead_of_asking(work: UnitOfWork, session: Session, turn: Turn, alarm: Alarm | None) -> Turn:
    """Replace a clarification by the likeliest guide where the customer's words set off an alarm."""
    if alarm is None or not isinstance(turn, Clarification):
        return turn
    if not turn.options or turn.options[0].confidence <= 0:  # the most frequent ones, which nobody named
        return None
    return await _pick(work, session, turn.options[0])


# ------------------------------------------------------------------------------------------------------------ the answer


def _said(command: commands.Clarify) -> dict[str, object]:
    said: dict[str, object] = {name: value for name in _WAYS if (value := getattr(command, name)) not in {None, False}}
    if len(said) != 1:
        why = Message("Envía exactamente uno de estos campos: problem_id, answer, text, none.")
        raise InvalidInput([FieldProblem("$", why)])
    return said


async def _clarified(
    work: UnitOfWork,
    snapshot: Snapshot,
    session: Session,
    asked: Clarification,
    command: commands.Clarify,
    ranking: Rankings,
) -> _Heard:
    if command.none:
        return _Heard(None, _considered(asked.options))
    if command.problem_id is not None:
        chosen = next((option for option in asked.options if option.problem_id == command.problem_id), None)
        if chosen is None:
            raise InvalidInput(
                [FieldProblem("problem_id", Message("No es una de las opciones. Elige una o envía none con true."))]
            )
        return _Heard(await _pick(work, session, chosen), _considered(asked.options))
    if command.answer is not None:
        return await _answered(work, session, asked, command.answer)
    words = command.text or ""
    if (place := chosen_place(words, len(asked.options))) is not None:
        return _Heard(await _pick(work, session, asked.options[place]), _considered(asked.options), tells=False)
    heard = await read_correction(work.app, snapshot, session, session.rejected, words, ranking)
    if (other := _other_one(asked, heard, words)) is not None:
        return _Heard(await _pick(work, session, other), _considered(asked.options), tells=False)
    # Who had said nothing describes the problem now: as at the start. Once the options alone were shown, nothing is asked any
    # more: the best one it is, or a person.
    is_first = session.message_kind is MessageKind.NOTHING_SAID
    may_choose = is_first or asked.question is not None
    accept_from = work.app.accept_from if may_choose else work.app.threshold
    came = await _turn(work, snapshot, session, heard, accept_from, may_ask=is_first, may_choose=may_choose)
    return replace(came, tells=heard.tells)


def _other_one(asked: Clarification, heard: Correction, words: str) -> Option | None:
    """The other one of two options, where the words are about the first and choose the other: "X works, the other one"."""
    named = heard.reading.candidates[0].problem_id if heard.reading.candidates else None
    left = [option for option in asked.options if option.problem_id != named]
    is_of_two = len(asked.options) == _OF_TWO and len(left) == 1
    return left[0] if is_of_two and chooses_other(words) else None


async def _answered(work: UnitOfWork, session: Session, asked: Clarification, reply: Reply) -> _Heard:
    options = reweigh(asked, reply)
    considered = _considered(options)
    match verdict_of(_candidates(considered), work.app.threshold, work.app.accept_from):
        case Verdict.ACCEPT:
            return _Heard(await _pick(work, session, options[0]), considered)
        case Verdict.UNCLEAR:
            return _Heard(Clarification(options), considered)
        case Verdict.NONE:
            return _Heard(None, considered)


async def _rejected(
    work: UnitOfWork,
    snapshot: Snapshot,
    session: Session,
    command: commands.Reject,
    ranking: Rankings,
) -> _Heard:
    wrong = {*session.rejected, *([session.problem_id] if session.problem_id else [])}
    heard = await read_correction(work.app, snapshot, session, tuple(wrong), command.text or "", ranking)
    ranked = heard.candidates
    if command.problem_id is not None:
        if command.problem_id in wrong or command.problem_id not in snapshot.version_ids:
            why = Message("No hay ninguna otra guía {id}. Elige una de las alternativas o quita el campo.")
            raise InvalidInput([FieldProblem("problem_id", replace(why, params={"id": command.problem_id}))])
        unlikely = Candidate(command.problem_id, 0.0, ())
        chosen = next((c for c in ranked if c.problem_id == command.problem_id), unlikely)
        option = option_of(snapshot, chosen, session.language)
        return _Heard(await _pick(work, session, option), considered_of(ranked), tells=heard.tells)
    if len(wrong) >= _MOST_REJECTED and heard.kind not in _DECLARED:
        return _Heard(None, considered_of(ranked), MessageKind.PROBLEM, tells=heard.tells)
    was_asked = any(each.question for each in session.clarifications)
    came = await _turn(work, snapshot, session, heard, work.app.accept_from, may_ask=not was_asked)
    return replace(came, tells=heard.tells)


async def ranked_before(parts: AppContext, knowledge: KnowledgeBase, session_id: object, more: str | None) -> Rankings:
    """The rankings that a clarification or rejection will need, made while no connection is held; none where ranking is quick.

    Args:
        more: words that the customer adds.

    Raises:
        SessionNotFound: no session has this id.
    """
    snapshot = knowledge.snapshot
    if is_quick(snapshot.index):
        return ()
    async with parts.connection() as connection:
        loaded, _ = await load(parts.work(connection), session_id)
    session = loaded.session
    wrong = (*session.rejected, *([session.problem_id] if session.problem_id else []))
    return await rankings_for(snapshot, session.problem_description, more or "", CONSIDERED + _MOST_REJECTED + 1, wrong)


@dataclass(frozen=True, slots=True)
class _Heard:
    """The outcome of a correction.

    Args:
        considered: the problems that were weighed.
        kind: of the new words; None where there are none.
        named: the problems that they name side by side.
        tells: whether they say what the problem is.
        unknown_codes: that they name and no guide has.
    """

    turn: Turn
    considered: Considered
    kind: MessageKind | None = None
    named: tuple[NamedProblem, ...] = ()
    tells: bool = True
    unknown_codes: tuple[str, ...] = ()


async def _turn(
    work: UnitOfWork,
    snapshot: Snapshot,
    session: Session,
    heard: Correction,
    accept_from: float,
    *,
    may_ask: bool,
    may_choose: bool = True,
) -> _Heard:
    considered = considered_of(heard.candidates)
    if heard.says_nothing and session.message_kind is MessageKind.NOTHING_SAID:
        return _Heard(await _ask_once_more(work, snapshot, session), considered, MessageKind.NOTHING_SAID)
    kind = MessageKind.PROBLEM if heard.says_nothing else heard.kind
    if kind is not MessageKind.PROBLEM:
        declared = await instead_of_problem(work, snapshot, kind, heard.reading, session.language)
        return _Heard(declared, considered, kind)
    named = named_problems(heard.reading, snapshot.guides, session.language)
    codes = heard.reading.unknown_codes[:MOST_CODES_TOLD]
    several = [each.problem_id for each in named] if may_choose else ()
    verdict = verdict_of(heard.candidates, work.app.threshold, accept_from, kind, several)
    if verdict is Verdict.NONE and may_choose and _is_likely(heard.candidates):
        verdict = Verdict.UNCLEAR
    match verdict:
        case Verdict.ACCEPT:
            option = option_of(snapshot, heard.candidates[0], session.language)
            return _Heard(await _pick(work, session, option), considered, kind, named, unknown_codes=codes)
        case Verdict.UNCLEAR:
            return _Heard(
                inquire(snapshot, heard.candidates, session.language, may_ask=may_ask),
                considered,
                kind,
                named,
                unknown_codes=codes,
            )
        case Verdict.NONE:
            return _Heard(None, considered, kind, named, unknown_codes=codes)


def _is_likely(candidates: Sequence[Candidate]) -> bool:
    """Whether one problem stands out, though not enough to be taken: it is asked about before a person is called."""
    first, second, *_ = (*(each.confidence for each in candidates), 0.0, 0.0)
    return first >= _LIKELY_FROM and first >= _AHEAD * second


async def _ask_once_more(work: UnitOfWork, snapshot: Snapshot, session: Session) -> Turn:
    """Ask a customer who says nothing what is wrong, once; after that a person asks."""
    if len(session.clarifications) < _MOST_ASKED:
        return await frequent_options(work, snapshot, session.language)
    return Declared(MessageKind.NOTHING_SAID, STILL_NOTHING)


async def _pick(work: UnitOfWork, session: Session, option: Option) -> Pick | None:
    guide = await work.guide_version(option.guide_version_id)
    if guide is None or option.guide_version_id is None:
        return None
    recontact_of = await solved_before(work, session.customer_email, option.problem_id, clock.now())
    already = already_tried(guide, session.problem_description, session.language)
    return Pick(guide, option.guide_version_id, option.title, option.confidence, recontact_of, already)


def _candidates(considered: object) -> tuple[Candidate, ...]:
    stored = cast("Sequence[dict[str, Any]]", considered)
    return tuple(Candidate(each["problem_id"], each["confidence"], ()) for each in stored)


def _considered(options: Sequence[Option]) -> Considered:
    return tuple({"problem_id": option.problem_id, "confidence": option.confidence} for option in options)


# ------------------------------------------------------------------------------------------------------------- the result


async def _outcome(work: UnitOfWork, session: Session, guide: Guide | None, snapshot: Snapshot) -> Started:
    others = tuple(c for c in _candidates(session.facts["alternatives"]) if c.problem_id in snapshot.guides)
    verdict = Verdict.UNCLEAR if session.open_clarification else Verdict.ACCEPT if guide else Verdict.NONE
    is_over = session.message_kind is MessageKind.SOLVED and not session.rejected
    running = await to_close(work, session.customer_email, others, session.session_id) if is_over else None
    return Started(session, guide, others, verdict, running)
