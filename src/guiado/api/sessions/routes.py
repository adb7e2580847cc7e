"""Sessions: start, state, answers, clarification.

Source: contract.md §3.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from litestar import get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from guiado.api.sessions.callers import admitted, is_public, link_to, said_by
from guiado.api.sessions.models import AlternativeOut, QuestionAnsweredOut, StartOut, StepAnswerOut, UndoOut, VariantOut
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.context import Scope
from guiado.app.knowledge.knowledge_base import Snapshot
from guiado.app.sessions import answer as answering
from guiado.app.sessions import clarify as clarifying
from guiado.app.sessions import customer_messages, views
from guiado.app.sessions import guide_question as asking
from guiado.app.sessions import next_problem as following
from guiado.app.sessions import start as starting
from guiado.app.sessions import undo as undoing
from guiado.app.sessions import variant as choosing
from guiado.app.sessions.llm_choice import second_opinion
from guiado.app.sessions.models import StateOut
from guiado.app.sessions.ranking import rank
from guiado.app.sessions.record import state as read_state
from guiado.domain.guide import Guide
from guiado.domain.session import Session
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.http.request import Checked, Http, Write, knowledge_of, knowledge_of_session, parts_of, run_read


async def begin(request: Http, command: commands.Start, channel: str = "api") -> StartOut:
    """Start a session for this command; shared with the compatible entry for workflows."""
    command, scope = admitted(request, command, channel)
    knowledge, parts = await knowledge_of(request), parts_of(request)
    ranking = await rank(knowledge.snapshot, command.problem_description)
    opinion = await second_opinion(parts, parts.model, ranking, command)
    shape = _shape(ranking.snapshot)
    started = await Write(request, shape, scope=scope).run(starting.start, knowledge, command, opinion, ranking)
    return await _with_link(request, scope, started) if is_public(scope) else started


async def _with_link(request: Http, scope: Scope, started: StartOut) -> StartOut:
    """The answer with a customer link, made anew each time: what is stored for repeated requests holds no token."""
    told = msgspec.convert(started, StartOut, from_attributes=True)  # a repeated request gets plain JSON values
    return msgspec.structs.replace(told, customer_link=await link_to(request, scope, told.session_id))


def _shape(snapshot: Snapshot) -> Callable[[starting.Started], StartOut]:
    return lambda started: _started(started, snapshot)


def _started(started: starting.Started, snapshot: Snapshot) -> StartOut:
    session, asked = started.session, started.session.open_clarification
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
        message=customer_messages.after_start(session, len(others), started.guide, started.running),
        first_step=views.open_step(session, started.guide),
        confidence=round(float(str(session.facts.get("detection_confidence") or 0)), 4),
        alternatives=others,
        language=session.language,
        verdict=started.verdict.value,
        options=views.options_view(asked),
        question=views.question_view(asked),
        urgent=session.urgent,
        message_kind=session.message_kind.value,
        other_problems=views.other_problems_view(session),
        closable_session=views.closable_view(started.running),
        unknown_codes=list(session.unknown_codes),
    )


@post("/start", dto=Checked[commands.Start], return_dto=None, status_code=200, operation_id="start", responses=TROUBLES)
async def start(request: Http, data: JSONBody[commands.Start]) -> StartOut:
    """Empieza una sesión: reconoce el problema y ofrece el primer paso."""
    return await begin(request, data)


@post("/", dto=Checked[commands.Start], return_dto=None, status_code=200, operation_id="start_at_root", responses=TROUBLES)
async def start_at_root(request: Http, data: JSONBody[commands.Start]) -> StartOut:
    """Lo mismo que `/start`."""
    return await begin(request, data)


@get("/", operation_id="state_by_query", responses=TROUBLES)
async def state_by_query(request: Http, session_id: FromQuery[str | None] = None) -> StateOut:
    """Estado de una sesión, con todos sus intentos."""
    if not session_id:
        raise InvalidInput([FieldProblem("session_id", Message("Falta este campo. Agrégalo."))])
    return await run_read(request, read_state, session_id)


@get("/{session_id:str}", operation_id="state", responses=TROUBLES)
async def state(request: Http, session_id: FromPath[str]) -> StateOut:
    """Estado de una sesión, con todos sus intentos."""
    return await run_read(request, read_state, session_id)


@post(
    "/{session_id:str}/step",
    dto=Checked[commands.AnswerStep],
    return_dto=None,
    status_code=200,
    operation_id="answer_step",
    responses=TROUBLES,
)
async def step(request: Http, session_id: FromPath[str], data: JSONBody[commands.AnswerStep]) -> StepAnswerOut:
    """Registra qué pasó con el paso actual y dice qué sigue."""
    return await Write(request, answered).run(answering.answer, session_id, said_by(request, data))


def answered(result: answering.Answered) -> StepAnswerOut:
    """Return the answer of the API to an answered step."""
    return StepAnswerOut(
        success=True,
        attempt=views.attempt_view(result.attempt) if result.attempt else None,
        session=views.session_view(result.session, result.guide),
        next_action=result.action.value,
        message=customer_messages.after_answered(result),
        suggest_escalation=views.wants_person(result.session),
        closable_session=views.closable_view(result.running),
    )


@post(
    "/{session_id:str}/undo",
    dto=Checked[commands.Undo],
    return_dto=None,
    status_code=200,
    operation_id="undo",
    responses=TROUBLES,
)
async def undo(request: Http, session_id: FromPath[str], data: JSONBody[commands.Undo | None] = None) -> UndoOut:
    """Deshace la última respuesta a un paso: la sesión vuelve a como estaba, y ese paso se puede responder otra vez."""
    return await Write(request, _undone).run(undoing.undo, session_id, data or commands.Undo())


def _undone(result: undoing.Undone) -> UndoOut:
    return UndoOut(
        success=True,
        attempt=views.attempt_view(result.attempt),
        session=views.session_view(result.session, result.guide),
        message=customer_messages.after_undoing(result.session, result.guide),
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
    knowledge = await knowledge_of_session(request, session_id)
    ranking = await clarifying.ranked_before(parts_of(request), knowledge, session_id, data.text) if data.text else ()
    return await Write(request, _shape(knowledge.snapshot)).run(clarifying.clarify, knowledge, session_id, data, ranking)


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
    command = data or commands.Reject()
    knowledge = await knowledge_of_session(request, session_id)
    ranking = await clarifying.ranked_before(parts_of(request), knowledge, session_id, command.text)
    return await Write(request, _shape(knowledge.snapshot)).run(clarifying.reject, knowledge, session_id, command, ranking)


@post(
    "/{session_id:str}/next",
    dto=Checked[commands.StartNext],
    return_dto=None,
    status_code=200,
    operation_id="start_next",
    responses=TROUBLES,
)
async def start_next(request: Http, session_id: FromPath[str], data: JSONBody[commands.StartNext | None] = None) -> StartOut:
    """Empieza con otro de los problemas que nombró el cliente (`other_problems`), en una sesión nueva."""
    knowledge, command = await knowledge_of_session(request, session_id), data or commands.StartNext()
    return await Write(request, _shape(knowledge.snapshot)).run(following.start_next, knowledge, session_id, command)


@put(
    "/{session_id:str}/variant",
    dto=Checked[commands.SetVariant],
    return_dto=None,
    status_code=200,
    operation_id="set_variant",
    responses=TROUBLES,
)
async def set_variant(request: Http, session_id: FromPath[str], data: JSONBody[commands.SetVariant]) -> VariantOut:
    """Dice qué variante de la guía usa el cliente (`variants` del paso): desde entonces los pasos son solo los suyos."""
    return await Write(request, _varied).run(choosing.set_variant, session_id, data)


def _varied(stored: tuple[Session, Guide | None]) -> VariantOut:
    return VariantOut(success=True, session=views.session_view(*stored))


@post(
    "/{session_id:str}/guide-question",
    dto=Checked[commands.AnswerGuideQuestion],
    return_dto=None,
    status_code=200,
    operation_id="answer_guide_question",
    responses=TROUBLES,
)
async def answer_guide_question(
    request: Http, session_id: FromPath[str], data: JSONBody[commands.AnswerGuideQuestion]
) -> QuestionAnsweredOut:
    """Responde a la pregunta de la guía que la sesión espera (`question`), o la pasa por alto, y dice qué paso sigue."""
    return await Write(request, _told).run(asking.answer_question, session_id, data)


def _told(stored: tuple[Session, Guide | None]) -> QuestionAnsweredOut:
    session, guide = stored
    message = customer_messages.after_question(session)
    return QuestionAnsweredOut(success=True, session=views.session_view(session, guide), message=message)


HANDLERS = [
    start, start_at_root, state_by_query, state, step, undo, clarify, reject, start_next, set_variant, answer_guide_question,
]  # fmt: skip
