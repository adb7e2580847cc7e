"""Actions of a session's pages: what each form does, and the page that follows."""

from __future__ import annotations

from collections.abc import Mapping

from guiado.app import commands
from guiado.app.sessions import answer as answering
from guiado.app.sessions import clarify as clarifying
from guiado.app.sessions import contact, escalate, feedback, guide_question, undo, variant
from guiado.app.sessions import next_problem as following
from guiado.app.validation import check
from guiado.errors import InvalidInput
from guiado.http.request import Http, runtime_of
from guiado.web.wizard.door import Action, CaseDoor, Form, new_door, scope_at
from guiado.web.wizard.gate import place_after

_CUSTOMER: Mapping[str, object] = {"source": "customer"}
_ANSWERS: Mapping[str, Mapping[str, object]] = {
    "solved": {"success": True, "outcome": "solved"},
    "not_helped": {"success": True, "outcome": "not_helped"},
    "could_not": {"success": False, "outcome": "could_not"},
    "already": {"success": True, "outcome": "not_helped", "reason": "Ya lo había probado"},
}
"""Value of a button -> the answer that it gives."""
_LONGEST_SECONDS = 86_400
_LARGEST_STEP = 999_999
CLARIFY_TROUBLE = "?falta=1"


async def _step(request: Http, door: CaseDoor, form: Form) -> str | None:
    if form.get("answer") == "not_mine":
        return await _reject(request, door, form)
    number, said = _whole(form.get("step_number", ""), _LARGEST_STEP), _ANSWERS.get(form.get("answer", ""))
    if said is None or number is None:
        return None
    shown = {"step_id": step_id} if (step_id := form.get("step_id", "")) else {}
    given = {**said, **_CUSTOMER, "step_number": number, **shown, **_optional(form)}
    scope = scope_at(request, door)
    command = check(commands.AnswerStep, given)
    await runtime_of(request).parts.run_write(scope, answering.answer, scope.session_id, command)
    return None


def _optional(form: Form) -> dict[str, object]:
    """The note, and the seconds in which the step was on the screen, where the form has them."""
    seconds, notes = _whole(form.get("active_seconds", ""), _LONGEST_SECONDS), form.get("notes", "").strip()
    return {**({"notes": notes} if notes else {}), **({"active_seconds": seconds} if seconds is not None else {})}


def _whole(value: str, largest: int) -> int | None:
    is_whole = value.isascii() and value.isdigit() and len(value) <= len(str(largest))
    return int(value) if is_whole and int(value) <= largest else None


async def _reject(request: Http, door: CaseDoor, form: Form) -> str | None:
    scope, runtime = scope_at(request, door), runtime_of(request)
    notes, rejected = form.get("notes", "").strip(), form.get("rejected", "")
    shown = {"rejected": rejected} if rejected else {}
    command = check(commands.Reject, {**shown, **({"text": notes} if notes else {})})
    knowledge = await runtime.knowledge_of_session(scope.tenant, scope.session_id or "")
    ranking = await clarifying.ranked_before(runtime.parts.of_tenant(scope.tenant), knowledge, scope.session_id, command.text)
    await runtime.parts.run_write(scope, clarifying.reject, knowledge, scope.session_id, command, ranking)
    return None


async def _clarify(request: Http, door: CaseDoor, form: Form) -> str | None:
    names = ("problem_id", "answer", "question_id", "text")
    given: dict[str, object] = {name: value for name in names if (value := form.get(name, "").strip())}
    if not given and not form.get("none"):
        return CLARIFY_TROUBLE
    command = check(commands.Clarify, {**given, **({"none": True} if form.get("none") else {})})
    scope, runtime = scope_at(request, door), runtime_of(request)
    knowledge = await runtime.knowledge_of_session(scope.tenant, scope.session_id or "")
    parts, more = runtime.parts.of_tenant(scope.tenant), command.text
    ranking = await clarifying.ranked_before(parts, knowledge, scope.session_id, more) if more else ()
    await runtime.parts.run_write(scope, clarifying.clarify, knowledge, scope.session_id, command, ranking)
    return None


async def _person(request: Http, door: CaseDoor, _form: Form) -> str | None:
    scope, command = scope_at(request, door), commands.Escalate(source="customer")
    await runtime_of(request).parts.run_write(scope, escalate.escalate, scope.session_id, command)
    return None


async def _resume(request: Http, door: CaseDoor, _form: Form) -> str | None:
    scope = scope_at(request, door)
    await runtime_of(request).parts.run_write(scope, escalate.resume, scope.session_id)
    return None


async def _undo(request: Http, door: CaseDoor, form: Form) -> str | None:
    scope, number = scope_at(request, door), _whole(form.get("step_number", ""), _LARGEST_STEP)
    command = check(commands.Undo, {} if number is None else {"step_number": number})
    await runtime_of(request).parts.run_write(scope, undo.undo, scope.session_id, command)
    return None


async def _variant(request: Http, door: CaseDoor, form: Form) -> str | None:
    scope, command = scope_at(request, door), check(commands.SetVariant, {"variant": form.get("variant", "")})
    await runtime_of(request).parts.run_write(scope, variant.set_variant, scope.session_id, command)
    return place_after(form)


async def _question(request: Http, door: CaseDoor, form: Form) -> str | None:
    names = ("question_id", "answer_id")
    given: dict[str, object] = {name: value for name in names if (value := form.get(name, ""))}
    command = check(commands.AnswerGuideQuestion, {**given, **({"skip": True} if form.get("skip") else {})})
    scope = scope_at(request, door)
    await runtime_of(request).parts.run_write(scope, guide_question.answer_question, scope.session_id, command)
    return place_after(form)


async def _solved(request: Http, door: CaseDoor, _form: Form) -> str | None:
    scope, command = scope_at(request, door), commands.Resolve(source="customer")
    await runtime_of(request).parts.run_write(scope, escalate.resolve, scope.session_id, command)
    return None


async def _close(request: Http, door: CaseDoor, form: Form) -> str | None:
    return await _solved(request, door, form) if form.get("close") == "yes" else None


async def _rate(request: Http, door: CaseDoor, form: Form) -> str | None:
    rating, opinion = _whole(form.get("rating", ""), 9), form.get("feedback_text", "").strip()
    if rating is None:
        return None
    command = check(commands.Rate, {"rating": rating, **({"feedback_text": opinion} if opinion else {})})
    scope = scope_at(request, door)
    await runtime_of(request).parts.run_write(scope, feedback.rate, scope.session_id, command)
    return "caso?gracias=1"


async def _contact(request: Http, door: CaseDoor, form: Form) -> str | None:
    try:
        command = check(commands.Contact, {"customer_email": form.get("email", "").strip()})
    except InvalidInput:
        return "caso?correo=1"
    scope = scope_at(request, door)
    await runtime_of(request).parts.run_write(scope, contact.set_contact, scope.session_id, command)
    return None


async def _next(request: Http, door: CaseDoor, form: Form) -> str | None:
    """Start with another problem that the customer named, and lead to its own link."""
    scope, runtime, chosen = scope_at(request, door), runtime_of(request), form.get("problem_id", "")
    command = check(commands.StartNext, {"problem_id": chosen} if chosen else {})
    knowledge = await runtime.knowledge_of_session(scope.tenant, scope.session_id or "")
    started = await runtime.parts.run_write(scope, following.start_next, knowledge, scope.session_id, command)
    return await new_door(request, scope, started.session.session_id, "caso")


ACTIONS: Mapping[str, Action] = {
    "step": _step,
    "clarify": _clarify,
    "person": _person,
    "resume": _resume,
    "undo": _undo,
    "variant": _variant,
    "question": _question,
    "solved": _solved,
    "close": _close,
    "rate": _rate,
    "contact": _contact,
    "next": _next,
}
"""Last part of a form's address -> what it does."""
