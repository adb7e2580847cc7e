"""The end of a session: ratings, hand-over, closing, resuming, correction.

Source: contract.md §3.
"""

from __future__ import annotations

from dataclasses import replace

from litestar import get, post, put
from litestar.params import FromPath, JSONBody

from guiado.api.sessions.callers import said_by
from guiado.api.sessions.models import ContactOut, CorrectOut, EscalationInfo, EscalationOut, FeedbackOut, ResolveOut, ResumeOut
from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.context import Scope
from guiado.app.learning import examples
from guiado.app.sessions import contact as contacts
from guiado.app.sessions import customer_messages, escalate, feedback, views
from guiado.app.sessions.models import FeedbackBody
from guiado.domain.guide import Guide
from guiado.domain.session import Session
from guiado.http.request import Checked, Http, Write, run_read, scope_of

Ended = tuple[Session, Guide | None]


def _agent_of(request: Http) -> Scope:
    return replace(scope_of(request), actor="agent")


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
    return await Write(request, _rated).run(feedback.rate, session_id, data)


def _rated(stored: tuple[Session, FeedbackBody]) -> FeedbackOut:
    return FeedbackOut(success=True, feedback=stored[1], message=customer_messages.thanks(stored[0].language))


@get("/{session_id:str}/feedback", operation_id="ratings", responses=TROUBLES)
async def ratings(request: Http, session_id: FromPath[str]) -> FeedbackOut:
    """Valoraciones de una sesión: la vigente y las anteriores."""
    found = await run_read(request, feedback.ratings, session_id)
    return FeedbackOut(success=True, feedback=found[0] if found else None, message="", history=found)


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
    return await Write(request, _handed_over).run(escalate.escalate, session_id, said_by(request, data or commands.Escalate()))


def _handed_over(handover: escalate.Handover) -> EscalationOut:
    session = handover.session
    info = EscalationInfo(
        reason=session.escalation_reason,
        attempted_steps=len(handover.attempts),
        failed_steps=len(handover.failed),
        escalated_at=handover.escalated_at,
        already_tried=session.said_tried,
        attempts=[views.attempt_view(stored) for stored in handover.attempts],
        understood=views.understood_view(session),
        attachments=handover.pictures,
        stand=handover.stand,
        guide_answers=handover.guide_answers,
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
    """Cierra la sesión como resuelta: un agente, que dice cuál era el problema, o el cliente (`source`)."""
    command = said_by(request, data or commands.Resolve())
    by_agent = command.source in {None, "agent"}
    scope = _agent_of(request) if by_agent else scope_of(request)

    def shape(ended: Ended) -> ResolveOut:
        said = customer_messages.after_closing(scope.language or ended[0].language, ended[0])
        return ResolveOut(success=True, session=views.session_view(*ended), message=said)

    return await Write(request, shape, scope=scope).run(escalate.resolve, session_id, command)


@post("/{session_id:str}/resume", status_code=200, operation_id="resume", responses=TROUBLES)
async def resume(request: Http, session_id: FromPath[str]) -> ResumeOut:
    """Abre de nuevo una sesión abandonada, donde se quedó. Una que sigue abierta no cambia."""
    return await Write(request, _resumed).run(escalate.resume, session_id)


def _resumed(opened: Ended) -> ResumeOut:
    return ResumeOut(success=True, session=views.session_view(*opened), message=customer_messages.after_resuming(*opened))


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

    def shape(corrected: Ended) -> CorrectOut:
        said = customer_messages.after_correction(corrected[0])
        return CorrectOut(success=True, session=views.session_view(*corrected), problem_id=data.problem_id, message=said)

    return await Write(request, shape, scope=_agent_of(request)).run(examples.correct, session_id, data)


@put(
    "/{session_id:str}/contact",
    dto=Checked[commands.Contact],
    return_dto=None,
    status_code=200,
    operation_id="set_contact",
    responses=TROUBLES,
)
async def set_contact(request: Http, session_id: FromPath[str], data: JSONBody[commands.Contact]) -> ContactOut:
    """Anota el correo del cliente en una sesión que empezó sin él. Cambiar el que ya tiene solo se puede con una clave de API."""
    return await Write(request, _contacted).run(contacts.set_contact, session_id, data)


def _contacted(noted: Ended) -> ContactOut:
    return ContactOut(success=True, session=views.session_view(*noted), message=customer_messages.after_contact(noted[0]))


HANDLERS = [set_contact, rate, ratings, hand_over, resolve, resume, correct]
