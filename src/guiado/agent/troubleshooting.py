"""TroubleshootingAgent: leads customers through known problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from guiado.agent.arguments import kind_problem, order_problem, path_problem, refuse, step_to_show, ticket_id_to_check
from guiado.agent.forms import answered, attempt_form, closable_form, flat, handed_over, resolved, without_step
from guiado.app import commands
from guiado.app.analytics import report
from guiado.app.knowledge.knowledge_base import KnowledgeBase
from guiado.app.models import plain
from guiado.app.sessions import answer, customer_messages, escalate, feedback, next_problem, start, undo, views
from guiado.app.sessions import clarify as clarifying
from guiado.app.sessions import guide_question as asking
from guiado.app.sessions import variant as choosing
from guiado.app.sessions.llm_choice import opinion_on, second_opinion
from guiado.app.sessions.llm_rewording import reword_step
from guiado.app.sessions.ranking import log_ranking, rank, verdict_on
from guiado.app.sessions.record import SessionRecord, read_record
from guiado.app.validation import check
from guiado.detection.verdict import Verdict
from guiado.domain.guide import Guide
from guiado.domain.session import Status
from guiado.errors import Conflict, InvalidInput, SessionNotFound
from guiado.sync import Facade

if TYPE_CHECKING:
    from guiado.language_model import LanguageModel


@dataclass(frozen=True, slots=True)
class TroubleshootingSession:
    """Snapshot of a session at the moment of the call.

    Args:
        current_step: steps passed, from 0.
        notes: the customer's words so far.
        alternatives: other problems that it could be: problem_id and confidence, best first.
        attempted_steps: every attempt: step_number, step_id, step_title, success, outcome, notes, timestamp.
        message_kind: problem, solved, person, nothing_said or other.
        other_problems: what else the customer named: problem_id and title.
        closable_session: a running session of the customer that is offered to be closed, since they write that all is well.
    """

    session_id: str
    ticket_id: str | None
    customer_email: str | None
    customer_name: str | None
    problem_description: str
    detected_problem: Guide | None
    current_step: int = 0
    status: Status = Status.STARTED
    started_at: datetime | None = None
    resolved_at: datetime | None = None
    notes: list[str] = field(default_factory=list[str])
    attempted_steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    alternatives: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    message_kind: str = "problem"
    other_problems: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    closable_session: dict[str, Any] | None = None


class TroubleshootingAgent(Facade):
    """Leads customers through known problems.

    Args:
        knowledge_base_path: JSON file that this agent alone uses; by default the one that is published for everybody.
        use_llm: let a language model help; without a key (or `OPENAI_BASE_URL`) a warning is logged and all works without.
        openai_api_key: key for it, instead of `OPENAI_API_KEY`.
        order: "author" for the author's order of the steps, whatever was learned; by default the order that is in use.

    Raises:
        ValueError: names every bad argument with the remedy.
        SettingsInvalid, DatabaseUnavailable: there is nothing to work with; the message says what to do.
        KnowledgeBaseInvalid: the file given here cannot be used, and never could.
    """

    def __init__(
        self,
        knowledge_base_path: str | Path | None = None,
        use_llm: bool = False,
        openai_api_key: str | None = None,
        *,
        order: str | None = None,
    ) -> None:
        refuse(
            path_problem("knowledge_base_path", knowledge_base_path),
            kind_problem("use_llm", use_llm, bool),
            kind_problem("openai_api_key", openai_api_key, str, optional=True),
            order_problem("order", order),
        )
        super().__init__()
        self._path = Path(knowledge_base_path) if knowledge_base_path is not None else None
        self._key, self._order = openai_api_key, order or ""
        self.use_llm = use_llm
        self.use_llm = self._model is not None
        found = self._knowledge
        if self._path is not None and found.problem is not None and not found.snapshot.guides:
            raise found.problem

    @property
    def _knowledge(self) -> KnowledgeBase:
        return self._engine.portal.call(self._engine.runtime.knowledge_of, self._path)

    @property
    def _model(self) -> LanguageModel | None:
        return self._engine.runtime.model(self._key) if self.use_llm else None

    @property
    def knowledge_base(self) -> Mapping[str, Guide]:
        """The known problems: id -> guide."""
        return self._knowledge.snapshot.guides

    def detect_problem(self, description: str) -> Guide | None:
        """The known problem that a text is about, or None.

        Args:
            description: the customer's words.
        """
        if not isinstance(description, str) or not description.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
            return None
        snapshot, parts, model = self._knowledge.snapshot, self._engine.runtime.parts, self._model
        ranking = self._engine.portal.call(rank, snapshot, description)
        opinion = self._engine.portal.call(opinion_on, parts, model, ranking) if model else None
        log_ranking(ranking, parts.threshold)
        verdict, _ = verdict_on(ranking.reading, snapshot.guides, parts.threshold, parts.accept_from)
        found = None if verdict is Verdict.NONE else ranking.candidates[0].problem_id
        chosen = opinion.chosen if opinion else found
        return snapshot.guides.get(chosen) if chosen else None

    def start_troubleshooting(
        self,
        problem_description: str,
        customer_email: str,
        customer_name: str | None = None,
        ticket_id: str | None = None,
        validate: bool = True,  # noqa: ARG002 the contract's signature
    ) -> TroubleshootingSession:
        """Begin a session.

        Args:
            problem_description: the customer's words.
            customer_email: where to reach the customer.
            ticket_id: of whatever ticket system; one that is not a text is made one.
            validate: kept for the contract. What cannot be stored is refused either way.

        Raises:
            ValueError: names every bad field with the remedy.
        """
        given = {
            "problem_description": problem_description,
            "customer_email": customer_email,
            "customer_name": customer_name,
            "ticket_id": ticket_id_to_check(ticket_id),
        }
        command = check(commands.Start, given)
        knowledge, running = self._knowledge, self._engine
        ranking = running.portal.call(rank, knowledge.snapshot, command.problem_description)
        opinion = running.portal.call(second_opinion, running.runtime.parts, self._model, ranking, command)
        started = self._door.write(start.start, knowledge, command, opinion, ranking)
        return replace(self.get_session(started.session.session_id), closable_session=closable_form(started.running))

    def start_next_problem(self, session_id: str, problem_id: str | None = None) -> TroubleshootingSession:
        """Begin with another problem that the customer named in a session, see `other_problems`.

        Args:
            problem_id: by default the first that is left.

        Raises:
            ValueError: it is none of those that are left.
            SessionNotFound, Conflict: there is no such session; no other problem is left.
        """
        command = check(commands.StartNext, {"problem_id": problem_id} if problem_id is not None else {})
        started = self._door.write(next_problem.start_next, self._knowledge_of(session_id), session_id, command)
        return self.get_session(started.session.session_id)

    def clarify(
        self,
        session_id: str,
        text: str | None = None,
        problem_id: str | None = None,
        answer: str | None = None,
        none: bool = False,
    ) -> dict[str, Any] | None:
        """Say what the problem is where the session asks: other words, an option, a reply to the question, or none of them.

        Returns:
            As `get_current_step`; `{"error": …}` for an unknown session, one that asks nothing, or bad input.
        """
        given = {"text": text, "problem_id": problem_id, "answer": answer, "none": none}
        try:
            command = check(commands.Clarify, {name: value for name, value in given.items() if value is not None})
            self._door.write(clarifying.clarify, self._knowledge_of(session_id), session_id, command)
            return self.get_current_step(session_id)
        except (InvalidInput, SessionNotFound, Conflict) as error:
            return {"error": str(error)}

    def close_session(self, session_id: str) -> dict[str, Any]:
        """Close a session on the customer's word that it is solved.

        Returns:
            The `resolved` form of `complete_step`; `{"error": …}` for an unknown session, or one that is closed already.
        """
        try:
            session, _ = self._door.write(escalate.resolve, session_id, commands.Resolve(source="customer"))
            return resolved(session, customer_messages.after_solution(session))
        except (SessionNotFound, Conflict) as error:
            return {"error": str(error)}

    def _knowledge_of(self, session_id: str) -> KnowledgeBase:
        return self._engine.portal.call(self._engine.runtime.knowledge_for, session_id)

    def get_session(self, session_id: str) -> TroubleshootingSession:
        """A session by its id.

        Raises:
            SessionNotFound: there is none.
        """
        return _shown(self._door.read(read_record, session_id))

    def get_current_step(self, session_id: str) -> dict[str, Any] | None:
        """The step that waits for an answer; a `status` form when there is none; None for an unknown session."""
        try:
            loaded, guide = self._door.read(answer.load, session_id)
        except SessionNotFound:
            return None
        following = views.open_step(loaded.session, guide)
        return plain(following) if following else without_step(loaded.session, guide)

    def complete_step(
        self,
        session_id: str,
        success: bool,
        notes: str | None = None,
        validate: bool = True,  # noqa: ARG002 the contract's signature
        *,
        outcome: str | None = None,
    ) -> dict[str, Any]:
        """Record the outcome of the current step, and return what comes next.

        Args:
            success: whether it could be carried out.
            notes: the customer's words.
            validate: kept for the contract.
            outcome: solved, done, not_helped or could_not; by default done or could_not, as `success` says.

        Returns:
            What comes next, by `status`; `{"error": …}` for an unknown or ended session or bad input.

        Source: contract.md §1 and §6, rule 1.
        """
        more = {key: value for key, value in (("notes", notes), ("outcome", outcome)) if value is not None}
        try:
            command = check(commands.AnswerStep, {"success": success, **more})
            return answered(self._door.write(answer.answer, session_id, command))
        except (InvalidInput, SessionNotFound, Conflict) as error:
            return {"error": str(error)}

    def escalate_ticket(self, session_id: str, reason: str | None = None) -> dict[str, Any]:
        """Hand a session over to a person, with everything that was tried.

        Returns:
            The hand-over; `{"error": …}` for an unknown session.
        """
        try:
            command = check(commands.Escalate, {"reason": reason})
            return handed_over(self._door.write(escalate.escalate, session_id, command))
        except (InvalidInput, SessionNotFound, Conflict) as error:
            return {"error": str(error)}

    def resume(self, session_id: str) -> dict[str, Any] | None:
        """Open an abandoned session where it stood; one that is open already stays as it is.

        Returns:
            As `get_current_step`; `{"error": …}` for an unknown session, or one that ended otherwise.
        """
        try:
            session, _ = self._door.write(escalate.resume, session_id)
            return self.get_current_step(session.session_id)
        except (SessionNotFound, Conflict) as error:
            return {"error": str(error)}

    def undo_last_answer(self, session_id: str, step_number: int | None = None) -> dict[str, Any] | None:
        """Take back the last answer to a step, so that it can be answered again.

        Args:
            step_number: the step that is meant; None means the one that was answered last.

        Returns:
            As `get_current_step`; `{"error": …}` for an unknown session, or where the answer cannot be taken back.
        """
        try:
            undone = self._door.write(undo.undo, session_id, check(commands.Undo, {"step_number": step_number}))
            return self.get_current_step(undone.session.session_id)
        except (InvalidInput, SessionNotFound, Conflict) as error:
            return {"error": str(error)}

    def set_variant(self, session_id: str, variant: str) -> dict[str, Any] | None:
        """Say which variant of the guide the customer uses, one of a step's `variants`: from then on steps are theirs alone.

        Returns:
            As `get_current_step`; `{"error": …}` for an unknown or ended session, or a variant that the guide does not have.
        """
        try:
            session, _ = self._door.write(choosing.set_variant, session_id, check(commands.SetVariant, {"variant": variant}))
            return self.get_current_step(session.session_id)
        except (InvalidInput, SessionNotFound, Conflict) as error:
            return {"error": str(error)}

    def answer_question(self, session_id: str, question_id: str, answer_id: str | None = None) -> dict[str, Any] | None:
        """Answer the `question` of a step by the id of one of its answers, or an earlier one anew; None passes it over.

        Returns:
            As `get_current_step`; `{"error": …}` for an unknown or ended session, a question never asked, or an unknown answer.
        """
        given: dict[str, object] = {"question_id": question_id, "answer_id": answer_id, "skip": answer_id is None}
        try:
            self._door.write(asking.answer_question, session_id, check(commands.AnswerGuideQuestion, given))
            return self.get_current_step(session_id)
        except (InvalidInput, SessionNotFound, Conflict) as error:
            return {"error": str(error)}

    def collect_feedback(
        self, session_id: str, rating: int, feedback_text: str | None = None, was_helpful: bool | None = None
    ) -> dict[str, Any]:
        """Store the customer's rating of a session in any state.

        Args:
            rating: 1..5.

        Returns:
            The rating as stored; `{"error": …}` for a bad rating or unknown session.
        """
        given = {"rating": rating, "feedback_text": feedback_text, "was_helpful": was_helpful}
        try:
            _, stored = self._door.write(feedback.rate, session_id, check(commands.Rate, given))
        except (InvalidInput, SessionNotFound) as error:
            return {"error": str(error)}
        return {**plain(stored), "collected_at": stored.collected_at.isoformat()}

    def get_session_summary(self, session_id: str) -> dict[str, Any] | None:
        """A session in a few figures; None for an unknown one."""
        try:
            session = self.get_session(session_id)
        except SessionNotFound:
            return None
        guide = session.detected_problem
        return {
            "session_id": session.session_id,
            "ticket_id": session.ticket_id,
            "status": session.status.value,
            "problem_detected": guide.problem_title if guide else None,
            "current_step": session.current_step,
            "total_steps": len(guide.steps) if guide else 0,
            "started_at": session.started_at.isoformat() if session.started_at else None,
            "resolved_at": session.resolved_at.isoformat() if session.resolved_at else None,
            "attempted_steps": len(session.attempted_steps),
            "successful_steps": sum(bool(attempt["success"]) for attempt in session.attempted_steps),
        }

    def format_step_response(self, step: Mapping[str, object] | None, use_llm_enhancement: bool = False) -> str:
        """The customer's message for a step, or for one of the `status` forms, in Spanish.

        Args:
            step: from `get_current_step` or `complete_step`; None (unknown session) gives an empty text.
            use_llm_enhancement: let a language model reword it, where one is in use; title, warnings and resources stay.

        Raises:
            ValueError: it is no such step; names every bad part with the remedy.
        """
        if step is None:
            return ""
        shown, model = step_to_show(step), self._model if use_llm_enhancement else None
        if model is not None:
            shown = self._engine.portal.call(reword_step, self._engine.runtime.parts, model, shown)
        return customer_messages.render_step(shown)

    def get_analytics(self, days: int = 30) -> dict[str, Any]:
        """Figures of the sessions that began in the last `days` days, flat; rates are percentages, 0..100.

        Raises:
            ValueError: `days` is no whole number from 1 to 3650.
        """
        period = check(commands.Period, {"days": days})
        return flat(self._door.read(report.analytics, period.days))


def _shown(record: SessionRecord) -> TroubleshootingSession:
    session, guide, tried = record.session, record.guide, record.attempts
    notes = [stored.attempt.notes for stored in tried if stored.attempt.notes]
    return TroubleshootingSession(
        session_id=session.session_id,
        ticket_id=session.ticket_id,
        customer_email=session.customer_email,
        customer_name=session.customer_name,
        problem_description=session.problem_description,
        detected_problem=guide,
        current_step=session.current_step,
        status=session.status,
        started_at=session.started_at,
        resolved_at=session.resolved_at,
        notes=notes,
        message_kind=session.message_kind.value,
        other_problems=[plain(each) for each in views.other_problems_view(session)],
        alternatives=msgspec.convert(session.facts.get("alternatives") or [], list[dict[str, Any]]),
        attempted_steps=[attempt_form(stored) for stored in tried],
    )
