"""Session operations of the chat; each write happens once, even if the database restarts meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guiado.app import commands
from guiado.app.context import Scope, UnitOfWork
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.models import plain
from guiado.app.sessions import answer, clarify, customer_messages, escalate, feedback, search, start, views
from guiado.app.sessions.llm_choice import second_opinion
from guiado.app.sessions.ranking import rank
from guiado.app.validation import check
from guiado.domain.guide import Guide
from guiado.domain.session import Outcome, Session
from guiado.sync import engine

View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """The sessions of guiado, for one customer at a terminal.

    Every view of a session has: `session_id reference status language title said` (what the customer is told), `ended` (no
    answer is taken any more), `needs_person`, `passed` and `total` (steps), `step` (the open one or None), `prerequisites`,
    `problem_id`, `asked` (`options` and `question` where it is to be made clear what the problem is, or None), `others` (titles).

    Args:
        language: es, en or pt.
    """

    language: str

    @property
    def _caller(self) -> Scope:
        return Scope(channel="terminal", language=self.language)

    def start(self, description: str, email: str) -> View:
        """Begin a session.

        Returns:
            Its view, with `others`: titles of the problems that it could be just as well.

        Raises:
            InvalidInput: names every bad field with the remedy.
        """
        command = check(commands.Start, {"problem_description": description, "customer_email": email, "clarify": True})
        knowledge, running = _knowledge(), engine()
        parts = running.runtime.parts
        ranking = running.portal.call(rank, knowledge.snapshot, command.problem_description)
        opinion = running.portal.call(second_opinion, parts, parts.model, ranking, command)

        async def run(work: UnitOfWork) -> View:
            started = await start.start(work.called_by(self._caller), knowledge, command, opinion, ranking)
            view = _view(started.session, started.guide, customer_messages.after_start(started.session, 0, started.guide))
            return {**view, "others": _others(started, knowledge, work.app.threshold)}

        return running.do_write(run)

    def clarify(self, session_id: str, **said: object) -> View:
        """Submit the customer's clarification.

        Args:
            said: one of problem_id, answer (yes, no, unknown), text, none.

        Raises:
            Conflict: nothing is asked any more.
            InvalidInput: the words cannot be stored.
        """
        command = check(commands.Clarify, said)
        knowledge = _knowledge(session_id)

        async def run(work: UnitOfWork) -> View:
            told = await clarify.clarify(work.called_by(self._caller), knowledge, session_id, command)
            return _view(told.session, told.guide, customer_messages.after_start(told.session, 0, told.guide))

        return engine().do_write(run)

    def reject(self, session_id: str, rejected: str, words: str | None) -> View:
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

        async def run(work: UnitOfWork) -> View:
            told = await clarify.reject(work.called_by(self._caller), knowledge, session_id, command)
            return _view(told.session, told.guide, customer_messages.after_start(told.session, 0, told.guide))

        return engine().do_write(run)

    def resume(self, session_id: str) -> View:
        """Reopen an abandoned session at its current step.

        Raises:
            Conflict: it ended otherwise.
        """

        async def run(work: UnitOfWork) -> View:
            session, guide = await escalate.resume(work.called_by(self._caller), session_id)
            return _view(session, guide, customer_messages.after_resuming(session, guide))

        return engine().do_write(run)

    def look(self, session_id: str) -> View:
        """Read a session's current state.

        Args:
            session_id: its id, its reference, or the beginning of its id.

        Raises:
            SessionNotFound, InvalidInput: see `finding.id_of`.
        """

        async def run(work: UnitOfWork) -> View:
            loaded, guide = await answer.load(work, await search.id_of(work, session_id))
            return _view(loaded.session, guide, customer_messages.nothing_to_do(loaded.session, guide))

        return engine().do_read(run)

    def answer(
        self,
        session_id: str,
        step: int,
        outcome: Outcome,
        notes: str | None,
        active_s: float,
        step_id: str | None = None,
        reason: str | None = None,
    ) -> View:
        """Submit the outcome of a step.

        Args:
            step: its number, from 1.
            active_s: how long it was on the screen, in seconds.
            step_id: of the step that was shown.
            reason: "already_tried" for a step that the customer did before.

        Raises:
            Conflict: the session went on elsewhere in the meantime.
        """
        said: View = {"success": outcome.success, "outcome": outcome, "notes": notes, "active_seconds": active_s}
        given = {**said, "step_number": step, "step_id": step_id, "reason": reason}
        command = check(commands.Step, {name: value for name, value in given.items() if value is not None})

        async def run(work: UnitOfWork) -> View:
            done = await answer.answer(work.called_by(self._caller), session_id, command)
            said = customer_messages.after_answer(done.session, done.outcome, done.action, done.failures_allowed)
            return _view(done.session, done.guide, said)

        return engine().do_write(run)

    def escalate(self, session_id: str) -> View:
        """Ask for a person.

        Raises:
            Conflict: the session was abandoned.
        """

        async def run(work: UnitOfWork) -> View:
            command = check(commands.Escalate, {})
            given = await escalate.escalate(work.called_by(self._caller), session_id, command)
            return _view(given.session, given.guide, customer_messages.needs_person(given.session))

        return engine().do_write(run)

    def asks_for_rating(self) -> bool:
        """Whether the configuration asks for ratings."""

        async def run(work: UnitOfWork) -> bool:
            return await feedback.is_asked_for(work)

        return engine().do_read(run)

    def rate(self, session_id: str, rating: int, comment: str | None) -> None:
        """Store the customer's rating.

        Raises:
            InvalidInput: the comment is too long or cannot be stored.
        """
        command = check(commands.Rate, {"rating": rating, "feedback_text": comment})

        async def run(work: UnitOfWork) -> None:
            await feedback.rate(work.called_by(self._caller), session_id, command)

        engine().do_write(run)


def _knowledge(session_id: str | None = None) -> KnowledgeBase:
    """The current knowledge base: the shared one, or the one a session started with."""
    running = engine()
    public = running.portal.call(running.runtime.knowledge_of, None)
    return public if session_id is None else running.portal.call(running.runtime.knowledge_for, session_id)


def _others(started: start.Started, knowledge: KnowledgeBase, threshold: float) -> list[str]:
    sure = [candidate.problem_id for candidate in started.alternatives if candidate.confidence >= threshold]
    guides = [guide for guide in map(knowledge.snapshot.guides.get, sure) if guide]
    return [guide.in_language(started.session.language).problem_title for guide in guides]


def _view(session: Session, guide: Guide | None, said: str) -> View:
    step, asked = views.open_step(session, guide), views.clarification_view(session)
    return {
        "session_id": session.session_id,
        "reference": views.reference(session.session_id),
        "status": session.status.value,
        "language": session.language,
        "title": session.problem_title,
        "said": said,
        "ended": session.status.ended,
        "needs_person": views.wants_person(session),
        "passed": session.current_step,
        "total": session.total_steps,
        "problem_id": session.problem_id,
        "step": plain(step) if step else None,
        "asked": plain(asked) if asked else None,
        "others": [],
        "prerequisites": list(guide.in_language(session.language).prerequisites) if guide else [],
    }
