"""Sessions of the chat: use cases and what the screen shows of them; each write happens once."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from guiado.app import commands
from guiado.app.analytics.report import analytics
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.sessions import answer, clarify, customer_messages, escalate, feedback, next_problem, search, start, undo, views
from guiado.app.sessions import guide_question as asking
from guiado.app.sessions import variant as choosing
from guiado.app.sessions.detect import detected_in
from guiado.app.sessions.language import phrases_in
from guiado.app.sessions.llm_choice import second_opinion
from guiado.app.sessions.models import ClarificationOut, GuideQuestionOut, StepOut
from guiado.app.sessions.no_problem import person_alarm
from guiado.app.sessions.ranking import rank
from guiado.app.sessions.running import says_solved
from guiado.app.validation import check
from guiado.detection.verdict import Verdict
from guiado.domain.guide import Guide
from guiado.domain.message_kind import MessageKind
from guiado.domain.session import Outcome, Session, Status
from guiado.sync import Door, engine

_SHOWN = 5
_DAYS = 30
"""Period for counting frequent problems, in days."""


class ChatView(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its customer sees it at a terminal.

    Args:
        said: what the customer is told.
        ended: whether no answer is taken any more.
        passed, total: steps.
        step: the open one.
        asked: where it is to be made clear what the problem is.
        others: titles of the problems that it could be just as well.
        message_kind: of what the customer wrote.
        other_problems: titles of the problems that are left to be seen to.
        closable_id: the running session that is offered to be closed.
        close_question: the offer, where `said` does not make it.
    """

    session_id: str
    reference: str
    status: Status
    language: str
    title: str | None
    said: str
    ended: bool
    needs_person: bool
    passed: int
    total: int
    problem_id: str | None
    step: StepOut | None
    asked: ClarificationOut | None
    prerequisites: tuple[str, ...]
    others: tuple[str, ...] = ()
    message_kind: str = MessageKind.PROBLEM.value
    other_problems: tuple[str, ...] = ()
    closable_id: str | None = None
    close_question: str = ""


class FrequentProblem(msgspec.Struct, frozen=True):
    """A problem that is offered where the description matches none; `example` is known words of it."""

    problem_id: str
    title: str
    example: str | None


@dataclass(frozen=True, slots=True)
class ChatSessions:
    """The sessions of one customer at a terminal.

    Args:
        language: es, en or pt.
    """

    language: str

    @property
    def _door(self) -> Door:
        return engine().door("terminal", language=self.language)

    def start(self, description: str, email: str) -> ChatView:
        """Begin a session.

        Returns:
            Its view, with `others`: titles of the other possible problems.

        Raises:
            InvalidInput: names every bad field with the remedy.
        """
        command = check(commands.Start, {"problem_description": description, "customer_email": email, "clarify": True})
        knowledge, running = _knowledge(), engine()
        parts = running.runtime.parts
        ranking = running.portal.call(rank, knowledge.snapshot, command.problem_description)
        opinion = running.portal.call(second_opinion, parts, parts.model, ranking, command)

        started = self._door.write(start.start, knowledge, command, opinion, ranking)
        return msgspec.structs.replace(_started(started), others=_others(started, knowledge, parts.threshold))

    def clarify(self, session_id: str, **said: object) -> ChatView:
        """Submit the customer's clarification.

        Args:
            said: one of problem_id, answer (yes, no, unknown), text, none.

        Raises:
            Conflict: no clarification is open any more.
            InvalidInput: the words cannot be stored.
        """
        command = check(commands.Clarify, said)
        knowledge = _knowledge(session_id)
        return _started(self._door.write(clarify.clarify, knowledge, session_id, command))

    def reject(self, session_id: str, rejected: str | None, words: str | None) -> ChatView:
        """Reject the detected problem.

        Args:
            rejected: id of the problem that it is not.
            words: what it is instead.

        Raises:
            Conflict: the session follows another guide by now, or none.
            InvalidInput: the words cannot be stored.
        """
        command = check(commands.Reject, {"rejected": rejected, **({"text": words} if words else {})})
        knowledge = _knowledge(session_id)
        return _started(self._door.write(clarify.reject, knowledge, session_id, command))

    def resume(self, session_id: str) -> ChatView:
        """Reopen an abandoned session at its current step.

        Raises:
            Conflict: it ended otherwise.
        """
        session, guide = self._door.write(escalate.resume, session_id)
        return _view(session, guide, customer_messages.after_resuming(session, guide))

    def look(self, session_id: str) -> ChatView:
        """Read a session's current state.

        Args:
            session_id: its id, its reference, or the beginning of its id.

        Raises:
            SessionNotFound, InvalidInput: see `finding.id_of`.
        """
        loaded, guide = self._door.read(search.on_session, session_id, answer.load)
        return _view(loaded.session, guide, customer_messages.nothing_to_do(loaded.session, guide))

    def answer(
        self,
        session_id: str,
        step: int,
        outcome: Outcome,
        notes: str | None,
        active_s: float | None,
        step_id: str | None = None,
        reason: str | None = None,
    ) -> ChatView:
        """Submit the outcome of a step.

        Args:
            step: its number, from 1.
            active_s: how long it was on the screen, in seconds; None where it was not.
            step_id: of the step that was shown.
            reason: "already_tried" for a step that the customer did before.

        Raises:
            Conflict: the session went on elsewhere in the meantime.
        """
        said: dict[str, object] = {"success": outcome.success, "outcome": outcome, "notes": notes, "active_seconds": active_s}
        given = {**said, "step_number": step, "step_id": step_id, "reason": reason}
        command = check(commands.AnswerStep, {name: value for name, value in given.items() if value is not None})
        done = self._door.write(answer.answer, session_id, command)
        message = customer_messages.after_answer(done.session, done.outcome, done.action, done.failures_allowed)
        view = _view(done.session, done.guide, message)
        if done.running is None:
            return view
        question = customer_messages.close_question(done.session.language, done.running.title)
        return msgspec.structs.replace(view, closable_id=done.running.session_id, close_question=question)

    def undo(self, session_id: str, number: int) -> ChatView:
        """Take back the last answers of a session until a step is open again.

        Args:
            number: the position of that step in the session, from 1.

        Raises:
            Conflict: an answer cannot be taken back.
        """
        while True:
            undone = self._door.write(undo.undo, session_id, commands.Undo())
            if undone.session.step_number <= number:
                return _view(undone.session, undone.guide, customer_messages.after_undoing(undone.session, undone.guide))

    def close(self, session_id: str) -> ChatView:
        """Close a session on the customer's word that it is solved.

        Raises:
            Conflict: it is closed already.
        """
        session, guide = self._door.write(escalate.resolve, session_id, commands.Resolve(source="customer"))
        return _view(session, guide, customer_messages.after_solution(session))

    def start_next(self, session_id: str) -> ChatView:
        """Begin with the next problem that the customer named in a session.

        Raises:
            Conflict: none is left.
        """
        knowledge = _knowledge(session_id)
        return _started(self._door.write(next_problem.start_next, knowledge, session_id, commands.StartNext()))

    def heard(self, words: str) -> str | None:
        """The meaning of words that are no answer to a question: person, solved, or None for others."""
        if person_alarm(words, self.language):
            return "person"
        return "solved" if says_solved(words) else None

    def set_variant(self, session_id: str, variant: str) -> ChatView:
        """Note the variant of the guide that the customer uses.

        Raises:
            Conflict: the session ended in the meantime.
        """
        command = check(commands.SetVariant, {"variant": variant})
        session, guide = self._door.write(choosing.set_variant, session_id, command)
        return _view(session, guide, "")

    def answer_question(self, session_id: str, question_id: str, answer_id: str | None) -> ChatView:
        """Submit the answer to a question of the guide.

        Args:
            answer_id: None where the customer does not know.

        Raises:
            Conflict: the session went on elsewhere in the meantime.
        """
        given: dict[str, object] = {"question_id": question_id, "answer_id": answer_id, "skip": answer_id is None}
        session, guide = self._door.write(asking.answer_question, session_id, check(commands.AnswerGuideQuestion, given))
        return _view(session, guide, customer_messages.after_question(session))

    def escalate(self, session_id: str) -> ChatView:
        """Ask for a person.

        Raises:
            Conflict: the session was abandoned.
        """
        given = self._door.write(escalate.escalate, session_id, commands.Escalate())
        return _view(given.session, given.guide, customer_messages.needs_person(given.session))

    def asks_for_rating(self) -> bool:
        """Whether the configuration asks for ratings."""
        return self._door.read(feedback.is_asked_for)

    def rate(self, session_id: str, rating: int, comment: str | None) -> None:
        """Store the customer's rating.

        Raises:
            InvalidInput: the comment is too long or cannot be stored.
        """
        command = check(commands.Rate, {"rating": rating, "feedback_text": comment})
        self._door.write(feedback.rate, session_id, command)

    def passed_step(self, session_id: str, number: int) -> StepOut | None:
        """A step that the session passed, to read again.

        Args:
            number: its position in the session, from 1.
        """
        loaded, guide = self._door.read(answer.load, session_id)
        return views.passed_step(loaded.session, guide, number)

    def question_before(self, session_id: str) -> GuideQuestionOut | None:
        """The question that the customer answered last, where no step was answered since; or None."""
        loaded, guide = self._door.read(answer.load, session_id)
        steps = len(loaded.session.answers)
        said = [each for each in loaded.session.guide_answers if not each.known and each.after == steps]
        return views.guide_question_of(guide, said[-1].question_id, self.language) if guide and said else None

    def is_known(self, description: str) -> bool:
        """Whether a session can begin with this description: it may be a known problem, or it reports none at all."""
        running, snapshot = engine(), _knowledge().snapshot
        parts = running.runtime.parts
        found = running.portal.call(detected_in, snapshot, description, parts.threshold, parts.accept_from)
        return found.verdict is not Verdict.NONE or found.kind is not MessageKind.PROBLEM

    def frequent_problems(self) -> list[FrequentProblem]:
        """The problems that most sessions of the last days were about, then the others in the order of the knowledge base.

        Returns:
            At most five.
        """
        rows = self._door.read(analytics, _DAYS).problem_distribution
        guides = _knowledge().snapshot.guides
        known = (problem_id for row in rows if (problem_id := row.detected_problem_id) in guides)
        ordered = dict.fromkeys((*known, *guides))
        return [_frequent(guides[problem_id], self.language) for problem_id in [*ordered][:_SHOWN]]


def _knowledge(session_id: str | None = None) -> KnowledgeBase:
    """The current knowledge base: the shared one, or the one a session started with."""
    running = engine()
    public = running.portal.call(running.runtime.knowledge_of, None)
    return public if session_id is None else running.portal.call(running.runtime.knowledge_for, session_id)


def _others(started: start.Started, knowledge: KnowledgeBase, threshold: float) -> tuple[str, ...]:
    sure = [candidate.problem_id for candidate in started.alternatives if candidate.confidence >= threshold]
    guides = [guide for guide in map(knowledge.snapshot.guides.get, sure) if guide]
    return tuple(guide.in_language(started.session.language).problem_title for guide in guides)


def _frequent(guide: Guide, language: str) -> FrequentProblem:
    example = next(iter(phrases_in(guide, language)), None)
    return FrequentProblem(guide.problem_id, guide.in_language(language).problem_title, example)


def _started(started: start.Started) -> ChatView:
    said = customer_messages.after_start(started.session, 0, started.guide, started.running)
    view = _view(started.session, started.guide, said)
    return msgspec.structs.replace(view, closable_id=started.running.session_id) if started.running else view


def _view(session: Session, guide: Guide | None, said: str) -> ChatView:
    return ChatView(
        session_id=session.session_id,
        reference=views.reference(session.session_id),
        status=session.status,
        language=session.language,
        title=session.problem_title,
        said=said,
        ended=session.status.ended,
        needs_person=views.wants_person(session),
        passed=session.current_step,
        total=session.total_steps,
        problem_id=session.problem_id,
        step=views.open_step(session, guide),
        asked=views.clarification_view(session),
        message_kind=session.message_kind.value,
        other_problems=tuple(each.title for each in session.other_problems),
        prerequisites=tuple(guide.in_language(session.language).prerequisites) if guide else (),
    )
