"""Page models of a session: which page shows how it stands, and what that page says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from guiado import clock
from guiado.app.access import key_format
from guiado.app.access.customer_links import PATH
from guiado.app.sessions import customer_messages, views
from guiado.app.sessions.attachments import MOST_OF_SESSION
from guiado.app.sessions.models import AttachmentOut, GuideQuestionOut, ResourceRow, StepOut
from guiado.app.sessions.record import SessionRecord
from guiado.domain.guide import Guide
from guiado.domain.media import address_at
from guiado.domain.message_kind import MessageKind
from guiado.domain.office_hours import parse_office_hours
from guiado.domain.session import Outcome, Session, Status
from guiado.domain.undo import UNDO_WINDOW
from guiado.errors import Message
from guiado.http.request import Http, base_of, runtime_of
from guiado.i18n import day_of, hour_of, text, text_for, weekday_of
from guiado.settings import Settings
from guiado.web.figures import Figure, figures_of
from guiado.web.wizard.door import CaseDoor, Page, is_on, page, start_path
from guiado.web.wizard.gate import STEPS_FIELD, gate_of, kept_at
from guiado.web.wizard.pictures import TROUBLE_FIELD, TROUBLES
from guiado.web.wizard.questions import QUESTION_FIELD, answers_known, asked_again

_SAID = {
    Outcome.SOLVED: Message("Ya se resolvió"),
    Outcome.DONE: Message("Lo hice"),
    Outcome.NOT_HELPED: Message("Lo hice y sigue igual"),
    Outcome.COULD_NOT: Message("No pude hacerlo"),
}
_WITH_PERSON = {Status.NEEDS_ESCALATION, Status.ESCALATED}


@dataclass(frozen=True, slots=True)
class Desk:
    """The support desk as far as the pages depend on it.

    Args:
        asks_rating: whether customers are asked for a rating at the end.
        is_told: whether anybody hears of a session that waits for a person.
    """

    asks_rating: bool
    is_told: bool


def standing(request: Http, door: CaseDoor, record: SessionRecord, desk: Desk) -> Page:
    """The page that shows how a session stands."""
    session, guide = record.session, record.guide
    desk = replace(desk, asks_rating=desk.asks_rating and not record.ratings)
    if session.status is Status.RESOLVED:
        return _solved(request, door, record, asks_rating=desk.asks_rating)
    if session.status is Status.ABANDONED:
        return _page(request, door, session, "closed", told=_lines(customer_messages.nothing_to_do(session, guide)))
    wants_step = request.query_params.get(STEPS_FIELD) is not None
    step = views.open_step(session, guide)
    if session.status in _WITH_PERSON and (step is None or not wants_step):
        return _handed(request, door, record, desk, has_step=step is not None)
    if step is not None:
        asked = asked_again(record, request.query_params.get(QUESTION_FIELD, "")) or step.question
        return _question(request, door, record, step, asked) if asked else _step(request, door, record, step)
    if session.open_clarification is not None:
        return _asked(request, door, session)
    return _handed(request, door, record, desk, has_step=False)


def _step(request: Http, door: CaseDoor, record: SessionRecord, step: StepOut) -> Page:
    session = record.session
    return _page(
        request,
        door,
        session,
        "answer" if step.type == customer_messages.ANSWER else "step",
        **_around(door, record, step),
        gate=gate_of(request, door, session, step),
        again=_try_again(record, step),
        links=_links(step.resources),
        figures=_figures(request, record, step),
        pictures=_pictures(request, record),
        known=answers_known(door, record),
    )


def _question(request: Http, door: CaseDoor, record: SessionRecord, step: StepOut, asked: GuideQuestionOut) -> Page:
    """The page of a question of the guide: one that comes before a step, or one that was answered and may be corrected."""
    values = _around(door, record, step)
    before = record.session.given_answer(asked.id)
    kept = gate_of(request, door, record.session, step).kept
    if before is not None:
        values |= {"back": door.case_with(kept), "told": ()}
    said = next((each.text for each in asked.answers if before and each.id == before.answer_id), "")
    told = {"question": asked, "said": said, "is_again": before is not None, "kept": kept}
    return _page(request, door, record.session, "question", **values, **told)


def _around(door: CaseDoor, record: SessionRecord, step: StepOut) -> dict[str, object]:
    """The values around an open step, whether it or a question before it is shown."""
    session, number = record.session, step.step_number
    return {
        "step": step,
        "place": text(session.language, "Paso {number} de {total}", number=number, total=step.total_steps),
        "time_left": _time_left(session, record.guide),
        "problem_title": _title(record),
        "told": _about_start(record) if number == 1 and not session.attempts else (),
        "back": door.to(f"paso/{number - 1}") if number > 1 else None,
        "may_ask_person": session.status not in _WITH_PERSON,
    }


def _try_again(record: SessionRecord, step: StepOut) -> str:
    """Words for a customer who could not do this step, so that the same page does not come back without a word."""
    session, last = record.session, record.attempts[-1].attempt if record.attempts else None
    is_again = last is not None and last.step_id == step.step_id and last.outcome is Outcome.COULD_NOT and session.failures > 0
    if not is_again or session.status in _WITH_PERSON:
        return ""
    return text(session.language, "No hay problema. Inténtalo una vez más o pide que te ayude una persona.")


def _about_start(record: SessionRecord) -> list[str]:
    """The sentence that says which problem it seems to be."""
    return [text(record.session.language, "Parece que se trata de: {title}.", title=_title(record))]


def _title(record: SessionRecord) -> str:
    """The problem in the language of the page, which may be another one than the session's."""
    return record.guide.in_language(record.session.language).problem_title if record.guide else ""


def may_undo(session: Session, now: datetime) -> bool:
    """Whether the last answer may be taken back, as far as the session itself tells; see `guiado.domain.undo`."""
    if not session.answers or session.urgent or session.status in {Status.ESCALATED, Status.ABANDONED}:
        return False
    told_at = session.ended_at or session.escalated_at
    return told_at is None or now - told_at < UNDO_WINDOW


def _undo_step(record: SessionRecord) -> int | None:
    """The position of the step whose answer may be taken back, the last one; None where none may."""
    return record.attempts[-1].attempt.step_number if record.attempts and may_undo(record.session, clock.now()) else None


def _time_left(session: Session, guide: Guide | None) -> str:
    """Time that the steps that are left take, as their author says; empty where that is not said of each."""
    left = [step for step in (guide.steps if guide else ()) if step.step_id not in session.passed]
    minutes = [step.minutes for step in left if step.minutes is not None]
    if not left or len(minutes) != len(left):
        return ""
    return text_for(session.language, "Queda cerca de {n} minuto", "Quedan cerca de {n} minutos", max(1, round(sum(minutes))))


@dataclass(frozen=True, slots=True)
class _Pictures:
    """The pictures of a session as its pages show them.

    Args:
        are_on: whether there is anything to show, or pictures are taken.
        trouble: with the one that was sent last; empty where there was none.
    """

    are_on: bool
    shown: list[AttachmentOut]
    takes_more: bool
    trouble: str


def _pictures(request: Http, record: SessionRecord) -> _Pictures:
    shown, takes_any = record.pictures, runtime_of(request).settings.attachments_mb > 0
    trouble = TROUBLES.get(request.query_params.get(TROUBLE_FIELD, ""))
    said = text(record.session.language, trouble.template) if trouble else ""
    return _Pictures(takes_any or bool(shown), shown, takes_any and len(shown) < MOST_OF_SESSION, said)


def _figures(request: Http, record: SessionRecord, step: StepOut) -> list[Figure]:
    media = ({"type": each.type, "url": address_at(each.url), "alt": each.alt, "caption": each.caption} for each in step.media)
    return figures_of(media, record.sizes, base_of(request).prefix)


def _links(resources: Sequence[ResourceRow]) -> list[ResourceRow]:
    return [each for each in resources if each.url.startswith(("https://", "http://"))]


def passed(request: Http, door: CaseDoor, record: SessionRecord, number: int) -> Page | None:
    """The page of a step that was passed; None for any other.

    Args:
        number: its position in the session, from 1.
    """
    session = record.session
    step = views.passed_step(session, record.guide, number)
    if step is None:
        return None
    answer = list(session.passed.values())[number - 1]
    return _page(
        request,
        door,
        session,
        "passed",
        step=step,
        place=text(session.language, "Paso {number} de {total}", number=number, total=step.total_steps),
        problem_title=_title(record),
        answered=text(session.language, _SAID[answer.outcome].template),
        figures=_figures(request, record, step),
        may_undo=number == session.current_step and may_undo(session, clock.now()),
        back=door.to(f"paso/{number - 1}") if number > 1 else None,
    )


def _asked(request: Http, door: CaseDoor, session: Session) -> Page:
    language, nothing = session.language, session.message_kind is MessageKind.NOTHING_SAID
    heading = text(language, "Cuéntanos un poco más") if nothing else text(language, "Ayúdanos a entenderte")
    said = customer_messages.nothing_to_do(session) if nothing else customer_messages.after_start(session, 0)
    trouble = text(language, "Elige una respuesta, o dilo con otras palabras.") if "falta" in request.query_params else None
    return _page(
        request,
        door,
        session,
        "asked",
        heading=heading,
        told=_lines(said),
        asked=views.clarification_view(session),
        nothing_said=nothing,
        codes=_unknown_codes(session),
        trouble=trouble,
    )


def _unknown_codes(session: Session) -> str:
    if not session.unknown_codes:
        return ""
    return text(
        session.language, "No conocemos el código {codes}. Igual podemos ayudarte.", codes=", ".join(session.unknown_codes)
    )


def _solved(request: Http, door: CaseDoor, record: SessionRecord, *, asks_rating: bool) -> Page:
    session = record.session
    heading = text(session.language, "¡Qué bueno!")  # the page says it once
    said = customer_messages.after_solution(session).removeprefix(heading)
    return _page(
        request,
        door,
        session,
        "solved",
        told=[line.strip() for line in _lines(said)],
        others=views.other_problems_view(session),
        asks_rating=asks_rating,
        thanked=_thanks(request, session),
        undo_step=_undo_step(record),
        start=start_path(request) if is_on(request) else None,
    )


def closable(request: Http, door: CaseDoor, record: SessionRecord) -> Page:
    """The page that asks whether an open session is to be closed."""
    session = record.session
    question = customer_messages.close_question(session.language, _title(record) or None)
    return _page(request, door, session, "closable", question=question)


def _handed(request: Http, door: CaseDoor, record: SessionRecord, desk: Desk, *, has_step: bool) -> Page:
    session = record.session
    urgent_lines = _lines(customer_messages.urgent(session, record.guide)) if session.urgent else []
    settings = runtime_of(request).settings
    return _page(
        request,
        door,
        session,
        "handed",
        urgent_lines=urgent_lines[:-1],
        told=_told(session, record.guide, urgent_lines, is_told=desk.is_told),
        needs_address=session.customer_email is None,
        trouble=_email_trouble(request, session),
        follows=_follows(settings, session, _tried(record), is_told=desk.is_told),
        pictures=_pictures(request, record),
        step_path=door.case_with(kept_at(session, {}, door.wished)) if has_step else None,
        asks_rating=desk.asks_rating,
        thanked=_thanks(request, session),
        undo_step=_undo_step(record),
        # Of an urgent guide they are what to do first, which the page says above.
        at_hand=[] if urgent_lines else customer_messages.to_have_at_hand(session, record.guide),
    )


def _told(session: Session, guide: Guide | None, urgent_lines: list[str], *, is_told: bool) -> list[str]:
    """The sentences about who takes over; no person is promised where nobody is told."""
    if not is_told:
        return [text(session.language, "Tu caso queda guardado para el equipo.")]
    if customer_messages.to_have_at_hand(session, guide):  # the page lists it by itself
        return urgent_lines[-1:] or [customer_messages.needs_person(session)]
    return urgent_lines[-1:] or _lines(customer_messages.nothing_to_do(session, guide))


def _email_trouble(request: Http, session: Session) -> str | None:
    if "correo" not in request.query_params:
        return None
    return text(session.language, "Escribe una dirección de correo, como ana@ejemplo.com.")


def _thanks(request: Http, session: Session) -> str:
    return customer_messages.thanks(session.language) if "gracias" in request.query_params else ""


def _follows(settings: Settings, session: Session, tried: int, *, is_told: bool) -> list[str]:
    """Steps after a hand-over, in order; where nobody is told of it, nothing is promised."""
    language = session.language
    kept = (
        text_for(
            language,
            "Guardamos tu caso con el paso que probaste. No tendrás que repetirlo.",
            "Guardamos tu caso con los {n} pasos que probaste. No tendrás que repetirlos.",
            tried,
        )
        if tried
        else text(language, "Guardamos tu caso con lo que nos contaste. No tendrás que repetirlo.")
    )
    where = session.customer_email
    answer = (
        text(language, "Te escribimos a {email}.", email=where)
        if where
        else text(language, "Cuando nos dejes un correo, te escribimos ahí.")
    )
    return (
        [kept, _when(settings, language), answer]
        if is_told
        else [kept, text(language, "Queda en la lista de casos que esperan a una persona.")]
    )


def _tried(record: SessionRecord) -> int:
    """Number of the attempts at steps; an answer that was read is none."""
    return sum(each.attempt.step_type != customer_messages.ANSWER for each in record.attempts)


def _when(settings: Settings, language: str) -> str:
    """The sentence that says when a person sees to it, as the office hours do."""
    hours, zone = parse_office_hours(settings.support_hours), ZoneInfo(settings.time_zone)
    now = clock.now().astimezone(zone)
    if hours is None or not hours.shifts:
        return text(language, "Una persona del equipo lo lee y sigue desde ahí.")
    opening = hours.next_opening(now)
    if opening is None:
        return text(language, "El equipo está en su horario de atención. Una persona lo lee y sigue desde ahí.")
    return text(language, "El equipo vuelve {when}. Una persona lo lee y sigue desde ahí.", when=_moment(opening, now, language))


def _moment(at: datetime, now: datetime, language: str) -> str:
    hour = hour_of(at.time())
    if at.date() == now.date():
        return text(language, "hoy a las {hour}", hour=hour)
    if at.date() == now.date() + timedelta(days=1):
        return text(language, "mañana a las {hour}", hour=hour)
    day = weekday_of(at.date(), language)
    return text(language, "el {day} a las {hour}", day=day, hour=hour)


def until(door: CaseDoor, language: str, time_zone: str) -> str:
    """The sentence that says how long a link is good."""
    at = door.link.expires_at.astimezone(ZoneInfo(time_zone))
    day = day_of(at.date(), door.wished or language)
    return text(door.wished or language, "Sirve hasta el {day}.", day=day)


def renewal(request: Http, token: str) -> str | None:
    """Address at which a new link can be asked for in place of one that expired; None for what is no link at all."""
    return f"{base_of(request).prefix}{PATH}/{token}/enlace" if key_format.is_link_token(token) else None


def _lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.strip()]


def _page(request: Http, door: CaseDoor, session: Session, name: str, **values: object) -> Page:
    return page(request, door, name, language=session.language, session=views.session_view(session), **values)
