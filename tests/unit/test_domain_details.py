"""Every field of what is decided and told: an offer, an attempt, an end, an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from guiado.domain import escalation, events
from guiado.domain.decide import Decision, begin, decide
from guiado.domain.guide import Guide, Step
from guiado.domain.session import Actor, Attempt, NextAction, Offer, Outcome, Resolution, Session, Status, StepAnswer
from guiado.domain.session_commands import Abandon, Answer, EscalateSession, ResolveSession
from guiado.errors import Message, SessionEnded

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
NOW = START + timedelta(seconds=90)
STEPS = tuple(Step(n, f"Paso {n}", step_id=f"s{n}", revision=n + 6, type="check") for n in (1, 2))
GUIDE = Guide("p", "Título", steps=STEPS)
SESSION = Session(
    "id", "a@b.es", "no va", START, START, ticket_id="T1", problem_id="p", problem_title="Título", total_steps=2, decisions=3,
    language="pt", facts={"detection_confidence": 0.7}, offered_step_id="s1",
)  # fmt: skip
LAST = replace(SESSION, current_step=1, offered_step_id="s2", answers=(StepAnswer("s1", Outcome.DONE),))


def in_words(reason: Message, language: str) -> str:
    return f"{language}:{reason}"


def offer_of(number: int, step: Step | None, rule: str) -> Offer:
    if step is None:
        return Offer(number, "escalation", NOW, rule)
    candidates = ({"step_id": step.step_id, "position": step.step_number},)
    return Offer(number, "step", NOW, rule, step.step_number, step.step_id, step.revision, candidates)


def by_policy(offer: Offer, *others: Step) -> Offer:
    """The offer as one that the author's order chose, also among these steps."""
    more = tuple({"step_id": step.step_id, "position": step.step_number} for step in others)
    return replace(
        offer, policy="author-order", policy_version="1", explored=False, probability=1.0, candidates=(*offer.candidates, *more)
    )


def answered(session: Session, step_id: str, outcome: Outcome, action: NextAction = NextAction.CONTINUE) -> Session:
    return replace(session, answers=(*session.answers, StepAnswer(step_id, outcome, action)))


def said(session: Session, outcome: Outcome, failures_allowed: int = 2, **more: object) -> Decision:
    answer = Answer(outcome, **more)  # type: ignore[arg-type]
    found = decide(session, GUIDE, answer, NOW, failures_allowed=failures_allowed, speak=in_words)
    assert isinstance(found, Decision)
    return found


@pytest.mark.parametrize(
    ("guide", "rule", "action"),
    [(GUIDE, "author-order", NextAction.CONTINUE), (None, "nothing-detected", NextAction.ESCALATE),
     (Guide("p", "P"), "nothing-detected", NextAction.ESCALATE)],
)  # fmt: skip
def test_what_a_session_begins_with(guide: Guide | None, rule: str, action: NextAction) -> None:
    found = begin(SESSION, guide, NOW, speak=in_words)
    step = guide.steps[0] if guide and guide.steps else None
    assert found.offers == (by_policy(offer_of(4, step, rule), STEPS[1]) if step else offer_of(4, step, rule),)
    assert (found.session.decisions, found.next_action, found.attempt) == (4, action, None)
    assert found.events[0] == events.session_started(found.session)
    if step is None:
        assert found.session.escalation_reason == f"pt:{escalation.NOTHING_DETECTED}"
        assert found.events[1:] == (events.session_escalated(found.session),)
        assert (found.session.status, found.session.escalated_at) == (Status.NEEDS_ESCALATION, NOW)
    else:
        assert found.events[1:] == (events.problem_detected(found.session),)
        assert found.session == replace(SESSION, decisions=4)


def test_a_first_failure_offers_the_step_again() -> None:
    found = said(SESSION, Outcome.COULD_NOT, notes="ay")
    assert found.offers == (offer_of(4, STEPS[0], "try-again"),)
    assert found.session == replace(
        answered(SESSION, "s1", Outcome.COULD_NOT), version=2, status=Status.IN_PROGRESS, attempts=1, failures=1, decisions=4,
        updated_at=NOW,
    )  # fmt: skip
    assert [event.kind.value for event in found.events] == ["step_failed", "retry_attempt"]
    assert found.events[0].data == {"session_id": "id", "step_number": 1, "step_id": "s1", "notes": "ay", "outcome": "could_not"}
    assert found.events[1].data == {"session_id": "id", "step_number": 1, "step_id": "s1", "attempt": 2}
    assert found.next_action is NextAction.CONTINUE


def test_one_failure_too_many_offers_a_person_and_the_step() -> None:
    found = said(replace(SESSION, failures=1, attempts=4), Outcome.COULD_NOT)
    assert found.offers == (offer_of(4, None, "too-many-failures"), offer_of(5, STEPS[0], "still-open"))
    assert (found.session.decisions, found.session.failures, found.session.attempts) == (5, 2, 5)
    assert found.session.escalation_reason == "pt:2 intentos fallidos."
    assert (found.session.status, found.session.escalated_at) == (Status.NEEDS_ESCALATION, NOW)
    assert found.events[1:] == (events.session_escalated(found.session),)
    assert found.next_action is NextAction.ESCALATE
    again = said(found.session, Outcome.COULD_NOT)
    assert len(again.events) == 1
    assert again.session.escalation_reason == "pt:2 intentos fallidos."


def test_a_passed_step_offers_the_next_one() -> None:
    found = said(SESSION, Outcome.DONE)
    assert found.offers == (by_policy(offer_of(4, STEPS[1], "author-order")),)
    assert found.session == replace(
        answered(SESSION, "s1", Outcome.DONE), version=2, status=Status.IN_PROGRESS, attempts=1, current_step=1, decisions=4,
        offered_step_id="s2", updated_at=NOW,
    )  # fmt: skip
    data = {"session_id": "id", "step_number": 1, "step_id": "s1", "success": True, "outcome": "done"}
    assert [(event.kind.value, event.data) for event in found.events] == [("step_completed", data)]


def test_steps_without_use_end_with_a_person() -> None:
    found = said(LAST, Outcome.NOT_HELPED)
    assert found.offers == (by_policy(offer_of(4, None, "steps-exhausted")),)
    assert (found.session.decisions, found.next_action) == (4, NextAction.ESCALATE)
    assert found.session.escalation_reason == f"pt:{escalation.STEPS_EXHAUSTED}"
    assert found.events[1:] == (events.session_escalated(found.session),)


def test_an_attempt_has_all_that_is_known() -> None:
    seen = NOW - timedelta(seconds=30)
    found = said(
        SESSION, Outcome.DONE, notes="listo", active_seconds=12.5, first_seen_at=seen, source=Actor.AGENT, reason="porque"
    )  # fmt: skip
    assert found.attempt == Attempt(
        1, "Paso 1", "s1", 7, "check", Outcome.DONE, "listo", NOW, 90.0, 12.5, seen, 3, Actor.AGENT, "porque", author_position=1
    )


@pytest.mark.parametrize(
    ("outcome", "resolution", "by"),
    [(Outcome.SOLVED, Resolution.CONFIRMED, Actor.MACHINE), (Outcome.DONE, Resolution.ASSUMED, Actor.ASSUMED)],
)
def test_how_a_session_ends_solved(outcome: Outcome, resolution: Resolution, by: Actor) -> None:
    found = said(LAST, outcome, source=Actor.MACHINE)
    assert found.session == replace(
        answered(LAST, "s2", outcome, NextAction.RESOLVED), version=2, status=Status.RESOLVED, attempts=1, current_step=2,
        resolution=resolution, resolved_at=NOW, ended_at=NOW, ended_how="solved", ended_by=by,
        recontact_until=NOW + timedelta(days=7), updated_at=NOW, offered_step_id=None,
    )  # fmt: skip
    assert found.events[1:] == (events.session_resolved(found.session),)
    assert (found.offers, found.next_action) == ((), NextAction.RESOLVED)


def test_solved_with_no_step_open_keeps_what_was_said() -> None:
    waiting = replace(SESSION, total_steps=0, offered_step_id=None, notes="antes", status=Status.NEEDS_ESCALATION)
    found = decide(waiting, None, Answer(Outcome.SOLVED, notes="ya va", source=Actor.AGENT), NOW)
    assert isinstance(found, Decision)
    assert (found.session.version, found.session.notes, found.session.attempts) == (2, "antes\nya va", 0)
    assert (found.session.status, found.session.resolution, found.session.ended_by) == (
        Status.RESOLVED, Resolution.CONFIRMED, Actor.AGENT,
    )  # fmt: skip
    assert (found.attempt, found.offers, found.next_action) == (None, (), NextAction.RESOLVED)
    assert found.events == (events.session_resolved(found.session),)


def test_a_wish_for_a_person_after_a_solution_takes_it_back() -> None:
    solved = said(SESSION, Outcome.SOLVED).session
    later = NOW + timedelta(hours=1)
    found = decide(solved, GUIDE, EscalateSession(by=Actor.AGENT), later, speak=in_words)
    assert isinstance(found, Decision)
    assert found.session == replace(
        solved, version=3, status=Status.ESCALATED, escalation_reason=f"pt:{escalation.REQUESTED_BY_OTHERS}", decisions=4,
        escalated_at=later, resolved_at=None, resolution=None, recontact_until=None, ended_at=later, ended_how="escalated",
        ended_by=Actor.AGENT, updated_at=later,
    )  # fmt: skip
    assert found.offers == (replace(offer_of(4, None, "requested"), offered_at=later),)
    assert found.events == (events.session_escalated(found.session),)
    assert found.next_action is NextAction.ESCALATE


def test_a_second_wish_keeps_the_first_times_and_tells_nobody_again() -> None:
    first = decide(SESSION, GUIDE, EscalateSession(), NOW, speak=in_words)
    assert isinstance(first, Decision)
    second = decide(first.session, GUIDE, EscalateSession("me urge", Actor.AGENT), NOW + timedelta(hours=1), speak=in_words)
    assert isinstance(second, Decision)
    assert (second.session.escalated_at, second.session.ended_at, second.events) == (NOW, NOW, ())
    assert second.session.escalation_reason == f"pt:{escalation.REQUESTED}\nme urge"


def test_what_an_agent_says_on_closing_is_kept() -> None:
    found = decide(replace(SESSION, notes="uno"), GUIDE, ResolveSession("otro", "s9", 12.5, "dos"), NOW)
    assert isinstance(found, Decision)
    kept = found.session
    assert (kept.true_problem_id, kept.true_step_id, kept.agent_minutes, kept.notes) == ("otro", "s9", 12.5, "uno\ndos")
    assert (kept.resolution, kept.ended_by, kept.version) == (Resolution.CONFIRMED, Actor.AGENT, 2)
    assert (found.events, found.next_action, found.offers) == ((events.session_resolved(kept),), NextAction.RESOLVED, ())


def test_who_leaves_is_noted_and_the_last_activity_stays() -> None:
    found = decide(SESSION, GUIDE, Abandon(), NOW)
    assert isinstance(found, Decision)
    assert found.session == replace(
        SESSION, version=2, status=Status.ABANDONED, ended_at=NOW, ended_how="abandoned", ended_by=Actor.ASSUMED
    )
    assert (found.events, found.next_action) == ((events.session_abandoned(found.session),), NextAction.ESCALATE)
    with pytest.raises(SessionEnded, match="abandon"):
        decide(found.session, GUIDE, Abandon(), NOW)


def test_what_receivers_get_to_know() -> None:
    session = replace(SESSION, escalation_reason="porque", resolution=Resolution.ASSUMED)
    told = {
        "session_started": (events.session_started(session), {"session_id", "ticket_id", "customer_email", "problem_description",
                                                              "detected_problem", "message_kind"}),
        "problem_detected": (events.problem_detected(session), {"session_id", "detected_problem", "problem_title", "confidence"}),
    }  # fmt: skip
    for name, (event, fields) in told.items():
        assert event.kind.value == name
        assert set(event.data) == fields
    known = {**told["session_started"][0].data, **told["problem_detected"][0].data}
    assert known == {
        "session_id": "id", "ticket_id": "T1", "customer_email": "a@b.es", "problem_description": "no va",
        "detected_problem": "p", "problem_title": "Título", "confidence": 0.7, "message_kind": "problem",
    }  # fmt: skip
    for event in (events.session_escalated(session), events.session_resolved(session), events.session_abandoned(session)):
        assert event.data["session_id"] == "id"
        assert event.data["ticket_id"] == "T1"
    assert events.session_escalated(session).data["reason"] == "porque"
    assert events.session_resolved(session).data["total_steps"] == 2
    assert events.session_resolved(session).data["resolution"] == "assumed"
    assert events.session_resolved(replace(session, ended_by=Actor.AGENT)).data["resolved_by"] == "agent"
    assert events.session_abandoned(replace(session, current_step=1)).data["current_step"] == 1
