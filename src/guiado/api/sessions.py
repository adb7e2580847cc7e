"""Sessions: start, state, answers, hand-over, closing.

Source: contract.md §3.
"""

from __future__ import annotations

from dataclasses import replace

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.schemas import (
    AlternativeOut,
    AttemptOut,
    ClarificationOut,
    CorrectOut,
    EscalationInfo,
    EscalationOut,
    FeedbackBody,
    FeedbackOut,
    OptionOut,
    QuestionOut,
    ResolveOut,
    ResumeOut,
    SessionOut,
    StartOut,
    StateOut,
    StepAnswerOut,
    StepOut,
    SummaryOut,
    UnderstoodOut,
)
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.context import UnitOfWork
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.learning import examples
from guiado.app.sessions import answer as answering
from guiado.app.sessions import clarify as clarifying
from guiado.app.sessions import customer_messages, escalate, feedback, views
from guiado.app.sessions import start as starting
from guiado.app.sessions.llm_choice import second_opinion
from guiado.app.sessions.ranking import rank
from guiado.domain.guide import Guide
from guiado.domain.session import Session
from guiado.errors import Conflict, FieldProblem, InvalidInput, Message
from guiado.http.request import Checked, Http, answer, caller_of, read, runtime_of
from guiado.store import sessions


def _session(session: Session, guide: Guide | None) -> SessionOut:
    view = views.session_view(session, guide)
    following, asked = view.pop("next_step"), view.pop("clarification")
    step = StepOut(**following) if following else None
    return SessionOut(**view, next_step=step, clarification=_clarification(session) if asked else None)


def _clarification(session: Session) -> ClarificationOut:
    options, question = _asked(session)
    return ClarificationOut(options=options, question=question)


def _asked(session: Session) -> tuple[list[OptionOut], QuestionOut | None]:
    asked = session.open_clarification
    question = views.question_view(asked)
    return [OptionOut(**option) for option in views.options_view(asked)], QuestionOut(**question) if question else None


def _attempt(stored: sessions.StoredAttempt) -> AttemptOut:
    return AttemptOut(**views.attempt_view(stored))


async def begin(request: Http, command: commands.Start, channel: str = "api") -> StartOut:
    """Start a session for this command; shared with the compatible entry for workflows."""
    knowledge = runtime_of(request).knowledge
    caller = caller_of(request, channel)

    parts = runtime_of(request).parts
    ranking = await rank(knowledge.snapshot, command.problem_description)
    opinion = await second_opinion(parts, parts.model, ranking, command)

    async def run(work: UnitOfWork) -> StartOut:
        started = await starting.start(work.called_by(caller), knowledge, command, opinion, ranking)
        return _started(started, ranking.snapshot)

    return await answer(request, run)


def _started(started: starting.Started, snapshot: Snapshot) -> StartOut:
    session = started.session
    first = views.open_step(session, started.guide)
    options, question = _asked(session)
    others = [
        AlternativeOut(
            problem_id=candidate.problem_id,
            problem_title=snapshot.guides[candidate.problem_id].in_language(session.language).problem_title,
            confidence=round(candidate.confidence, 4),
        )
        for candidate in started.alternatives
    ]
    return StartOut(
        success=True,
        session_id=session.session_id,
        ticket_id=session.ticket_id,
        status=session.status.value,
        problem_detected=session.problem_id,
        problem_title=session.problem_title,
        message=customer_messages.after_start(session, len(others), started.guide),
        first_step=StepOut(**first) if first else None,
        confidence=round(float(str(session.facts.get("detection_confidence") or 0)), 4),
        alternatives=others,
        language=session.language,
        verdict=started.verdict.value,
        options=options,
        question=question,
        urgent=session.urgent,
    )


@post("/start", dto=Checked[commands.Start], return_dto=None, status_code=200, operation_id="start", responses=TROUBLES)
async def start(request: Http, data: JSONBody[commands.Start]) -> StartOut:
    """Empieza una sesión: reconoce el problema y ofrece el primer paso."""
    return await begin(request, data)


@post("/", dto=Checked[commands.Start], return_dto=None, status_code=200, operation_id="start_at_root", responses=TROUBLES)
async def start_at_root(request: Http, data: JSONBody[commands.Start]) -> StartOut:
    """Lo mismo que `/start`."""
    return await begin(request, data)


async def _state(request: Http, session_id: str) -> StateOut:
    async def run(work: UnitOfWork) -> StateOut:
        loaded, guide = await answering.load(work, session_id)
        tried = await sessions.attempts(work.connection, work.tenant, loaded.session.session_id)
        return StateOut(
            session=_session(loaded.session, guide),
            attempts=[_attempt(stored) for stored in tried],
            summary=SummaryOut(**views.summary_view(tried)),
            understood=UnderstoodOut(**views.understood_view(loaded.session)),
        )

    return await read(request, run)


@get("/", operation_id="state_by_query", responses=TROUBLES)
async def state_by_query(request: Http, session_id: FromQuery[str | None] = None) -> StateOut:
    """Estado de una sesión, con todos sus intentos."""
    if not session_id:
        raise InvalidInput([FieldProblem("session_id", Message("Falta este campo. Agrégalo."))])
    return await _state(request, session_id)


@get("/{session_id:str}", operation_id="state", responses=TROUBLES)
async def state(request: Http, session_id: FromPath[str]) -> StateOut:
    """Estado de una sesión, con todos sus intentos."""
    return await _state(request, session_id)


@post(
    "/{session_id:str}/step",
    dto=Checked[commands.Step],
    return_dto=None,
    status_code=200,
    operation_id="answer_step",
    responses=TROUBLES,
)
async def step(request: Http, session_id: FromPath[str], data: JSONBody[commands.Step]) -> StepAnswerOut:
    """Registra qué pasó con el paso actual y dice qué sigue."""
    caller = caller_of(request)

    async def run(work: UnitOfWork) -> StepAnswerOut:
        try:
            return _answered(await answering.answer(work.called_by(caller), session_id, data))
        except Conflict as error:
            loaded, guide = await answering.load(work, session_id)
            error.state = views.session_view(loaded.session, guide)
            raise

    return await answer(request, run)


def _answered(result: answering.Answered) -> StepAnswerOut:
    return StepAnswerOut(
        success=True,
        attempt=_attempt(result.attempt) if result.attempt else None,
        session=_session(result.session, result.guide),
        next_action=result.action.value,
        message=customer_messages.after_answer(result.session, result.outcome, result.action, result.failures_allowed),
        suggest_escalation=views.wants_person(result.session),
    )


@post(
    "/{session_id:str}/clarify",
    dto=Checked[commands.Clarify],
    return_dto=None,
    status_code=200,
    operation_id="clarify",
    responses=TROUBLES,
)
async def clarify(request: Http, session_id: FromPath[str], data: JSONBody[commands.Clarify]) -> StartOut:
    """Dice cuál es el problema cuando la sesión lo preguntó: uno de los ofrecidos, la respuesta, otras palabras o ninguno."""
    caller, knowledge = caller_of(request), await runtime_of(request).knowledge_for(session_id)
    ranking = await clarifying.ranked_before(runtime_of(request).parts, knowledge, session_id, data.text) if data.text else None

    async def run(work: UnitOfWork) -> StartOut:
        told = await clarifying.clarify(work.called_by(caller), knowledge, session_id, data, ranking)
        return _started(told, knowledge.snapshot)

    return await answer(request, run)


@post(
    "/{session_id:str}/reject",
    dto=Checked[commands.Reject],
    return_dto=None,
    status_code=200,
    operation_id="reject",
    responses=TROUBLES,
)
async def reject(request: Http, session_id: FromPath[str], data: JSONBody[commands.Reject | None] = None) -> StartOut:
    """No es ese problema: sigue con otro, pregunta, o pasa la sesión a una persona. Lo ya intentado se conserva."""
    caller, command = caller_of(request), data or commands.Reject()
    knowledge = await runtime_of(request).knowledge_for(session_id)
    ranking = await clarifying.ranked_before(runtime_of(request).parts, knowledge, session_id, command.text)

    async def run(work: UnitOfWork) -> StartOut:
        told = await clarifying.reject(work.called_by(caller), knowledge, session_id, command, ranking)
        return _started(told, knowledge.snapshot)

    return await answer(request, run)


@post(
    "/{session_id:str}/feedback",
    dto=Checked[commands.Rate],
    return_dto=None,
    status_code=200,
    operation_id="rate",
    responses=TROUBLES,
)
async def rate(request: Http, session_id: FromPath[str], data: JSONBody[commands.Rate]) -> FeedbackOut:
    """Guarda la valoración del cliente."""
    caller = caller_of(request)

    async def run(work: UnitOfWork) -> FeedbackOut:
        session, stored = await feedback.rate(work.called_by(caller), session_id, data)
        return FeedbackOut(success=True, feedback=FeedbackBody(**stored), message=customer_messages.thanks(session.language))

    return await answer(request, run)


@get("/{session_id:str}/feedback", operation_id="ratings", responses=TROUBLES)
async def ratings(request: Http, session_id: FromPath[str]) -> FeedbackOut:
    """Valoraciones de una sesión: la vigente y las anteriores."""

    async def run(work: UnitOfWork) -> FeedbackOut:
        found = [FeedbackBody(**stored) for stored in await feedback.ratings(work, session_id)]
        return FeedbackOut(success=True, feedback=found[0] if found else None, message="", history=found)

    return await read(request, run)


@post(
    "/{session_id:str}/escalate",
    dto=Checked[commands.Escalate],
    return_dto=None,
    status_code=200,
    operation_id="escalate",
    responses=TROUBLES,
)
async def hand_over(request: Http, session_id: FromPath[str], data: JSONBody[commands.Escalate | None] = None) -> EscalationOut:
    """Pasa la sesión a una persona, con todo lo que ya se intentó."""
    caller, command = caller_of(request), data or commands.Escalate()

    async def run(work: UnitOfWork) -> EscalationOut:
        return _handed_over(await escalate.escalate(work.called_by(caller), session_id, command))

    return await answer(request, run)


def _handed_over(handover: escalate.Handover) -> EscalationOut:
    session = handover.session
    info = EscalationInfo(
        reason=session.escalation_reason,
        attempted_steps=len(handover.attempts),
        failed_steps=len(handover.failed),
        escalated_at=handover.escalated_at,
        already_tried=session.said_tried,
        attempts=[_attempt(stored) for stored in handover.attempts],
        understood=UnderstoodOut(**views.understood_view(session)),
    )
    return EscalationOut(
        success=True,
        session_id=session.session_id,
        ticket_id=session.ticket_id,
        status=session.status.value,
        escalation_info=info,
        message=customer_messages.needs_person(session),
    )


@post(
    "/{session_id:str}/resolve",
    dto=Checked[commands.Resolve],
    return_dto=None,
    status_code=200,
    operation_id="resolve",
    responses=TROUBLES,
)
async def resolve(request: Http, session_id: FromPath[str], data: JSONBody[commands.Resolve | None] = None) -> ResolveOut:
    """Un agente cierra la sesión como resuelta y dice cuál era el problema."""
    caller, command = replace(caller_of(request), actor="agent"), data or commands.Resolve()

    async def run(work: UnitOfWork) -> ResolveOut:
        session, guide = await escalate.resolve(work.called_by(caller), session_id, command)
        said = customer_messages.after_closing(caller.language or session.language)
        return ResolveOut(success=True, session=_session(session, guide), message=said)

    return await answer(request, run)


@post("/{session_id:str}/resume", status_code=200, operation_id="resume", responses=TROUBLES)
async def resume(request: Http, session_id: FromPath[str]) -> ResumeOut:
    """Abre de nuevo una sesión abandonada, donde se quedó. Una que sigue abierta no cambia."""
    caller = caller_of(request)

    async def run(work: UnitOfWork) -> ResumeOut:
        session, guide = await escalate.resume(work.called_by(caller), session_id)
        return ResumeOut(success=True, session=_session(session, guide), message=customer_messages.after_resuming(session, guide))

    return await answer(request, run)


@post(
    "/{session_id:str}/correct",
    dto=Checked[commands.Correct],
    return_dto=None,
    status_code=200,
    operation_id="correct",
    responses=TROUBLES,
)
async def correct(request: Http, session_id: FromPath[str], data: JSONBody[commands.Correct]) -> CorrectOut:
    """Un agente dice cuál era el problema real, en cualquier estado de la sesión. La detección aprende de ello al momento."""
    caller = replace(caller_of(request), actor="agent")

    async def run(work: UnitOfWork) -> CorrectOut:
        session, guide = await examples.correct(work.called_by(caller), session_id, data)
        said = customer_messages.after_correction(session)
        return CorrectOut(success=True, session=_session(session, guide), problem_id=data.problem_id, message=said)

    return await answer(request, run)


HANDLERS = [
    start,
    start_at_root,
    state_by_query,
    state,
    step,
    clarify,
    reject,
    rate,
    ratings,
    hand_over,
    resolve,
    resume,
    correct,
]
