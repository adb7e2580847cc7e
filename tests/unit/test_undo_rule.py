"""A customer takes back the last answer to a step: the session is as before it, while facts stay facts."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiado.domain.decide import begin, correct, decide
from guiado.domain.decision import Decision
from guiado.domain.guide import Guide, Step
from guiado.domain.learning_signal import LessonKind
from guiado.domain.session import Actor, Attempt, Outcome, Resolution, Session, Status
from guiado.domain.session_commands import (
    Abandon,
    Alarm,
    Answer,
    EscalateSession,
    RejectProblem,
    ResolveSession,
    SessionCommand,
    UndoAnswer,
)
from guiado.domain.undo import ALARMED, TAKEN_OVER, TOO_LATE, UNDO_WINDOW
from guiado.errors import CannotUndo, NothingToUndo, NotLastAnswer, SessionEnded, StaleSession

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GOES_ON = {"version", "decisions", "updated_at"}
"""What no undo brings back: it is itself a change, an offer and an activity."""
GUIDE = Guide("g", "Un problema", steps=tuple(Step(step_number=n, title=f"Paso {n}", step_id=f"p{n}") for n in range(1, 4)))
OUTCOMES = st.sampled_from(list(Outcome))


class Talk:
    """A session with its customer's answers; each command comes a minute after the one before."""

    def __init__(self, guide: Guide = GUIDE) -> None:
        self.guide, self.now = guide, START
        first = Session(
            "0197-s",
            "a@example.com",
            "No va",
            START,
            START,
            total_steps=len(guide.steps),
            problem_id="g",
            problem_title="Un problema",
        )
        self.session = begin(first, guide, START).session
        self.attempts: list[tuple[Attempt, str | None]] = []
        self.befores: list[Session] = []

    def tell(self, command: SessionCommand) -> Decision:
        self.now += MINUTE
        before = self.session
        decided = decide(before, self.guide, command, self.now)
        assert isinstance(decided, Decision)
        self.session = decided.session
        if decided.attempt:
            self.befores.append(before)
            self.attempts.append((decided.attempt, decided.offers[0].rule if decided.offers else None))
        return decided

    def answer(self, *outcomes: Outcome, alarm: Alarm | None = None) -> Decision:
        return [self.tell(Answer(outcome, alarm=alarm)) for outcome in outcomes][-1]

    def undo(self, number: int | None = None, *, later: timedelta = MINUTE, taken_over: bool = False) -> Decision:
        self.now += later
        attempt, led_to = self.attempts[-1]
        decided = decide(self.session, self.guide, UndoAnswer(attempt, "a-1", number, led_to, taken_over), self.now)
        assert isinstance(decided, Decision)
        self.session = decided.session
        self.attempts.pop()
        return decided


def differences(one: Session, other: Session) -> set[str]:
    return {each.name for each in fields(Session) if getattr(one, each.name) != getattr(other, each.name)}


@given(st.lists(OUTCOMES, min_size=1, max_size=6), st.integers(1, 3))
def test_each_answer_taken_back_leaves_the_session_as_it_was_before(outcomes: list[Outcome], times: int) -> None:
    talk = Talk()
    for outcome in outcomes:
        if talk.session.status.ended or talk.session.offered_step_id is None:
            break
        talk.answer(outcome)
    for _ in range(min(times, len(talk.attempts))):
        ended, before, was = talk.session, talk.befores.pop(), talk.now
        decided = talk.undo()
        assert differences(before, talk.session) <= GOES_ON
        assert (talk.session.version, talk.session.decisions) == (ended.version + 1, ended.decisions + 1)
        assert talk.session.updated_at > was
        (offer,) = decided.offers
        assert (offer.rule, offer.kind, offer.step_id, offer.number) == (
            "undone", "step", before.offered_step_id, ended.decisions + 1
        )  # fmt: skip
        assert (decided.events, decided.attempt, decided.retracted) == ((), None, "a-1")


@pytest.mark.parametrize(
    ("outcomes", "ended", "before"),
    [
        ([Outcome.SOLVED], Status.RESOLVED, Status.STARTED),
        ([Outcome.DONE, Outcome.SOLVED], Status.RESOLVED, Status.IN_PROGRESS),
        ([Outcome.DONE] * 3, Status.RESOLVED, Status.IN_PROGRESS),
        ([Outcome.NOT_HELPED] * 3, Status.NEEDS_ESCALATION, Status.IN_PROGRESS),
        ([Outcome.COULD_NOT] * 2, Status.NEEDS_ESCALATION, Status.IN_PROGRESS),
        ([Outcome.COULD_NOT] * 2 + [Outcome.SOLVED], Status.RESOLVED, Status.NEEDS_ESCALATION),
        ([Outcome.COULD_NOT] * 2 + [Outcome.DONE], Status.NEEDS_ESCALATION, Status.NEEDS_ESCALATION),
    ],
)
def test_every_ending_by_an_answer_can_be_taken_back_for_half_an_hour(
    outcomes: list[Outcome], ended: Status, before: Status
) -> None:
    talk = Talk()
    talk.answer(*outcomes)
    assert talk.session.status is ended
    called_before = ended is before is Status.NEEDS_ESCALATION
    if not called_before:
        with pytest.raises(CannotUndo) as late:
            decide(talk.session, GUIDE, UndoAnswer(talk.attempts[-1][0], "a-1"), talk.now + UNDO_WINDOW + MINUTE)
        assert late.value.message == TOO_LATE
    talk.undo(later=2 * UNDO_WINDOW if called_before else UNDO_WINDOW)
    assert (talk.session.status, talk.session.ended_at, talk.session.resolution) == (before, None, None)
    assert (talk.session.escalation_reason is None) == (before is not Status.NEEDS_ESCALATION)


def test_the_step_is_answered_again_and_tells_its_own_events() -> None:
    talk = Talk()
    talk.answer(Outcome.DONE, Outcome.COULD_NOT, Outcome.COULD_NOT)
    talk.undo()
    again = talk.answer(Outcome.COULD_NOT)
    assert [event.kind.value for event in again.events] == ["step_failed", "session_escalated"]
    talk.undo(2)
    solved = talk.answer(Outcome.SOLVED)
    assert [event.kind.value for event in solved.events] == ["step_completed", "session_resolved"]
    assert (solved.session.resolution, solved.session.current_step, solved.session.attempts) == (Resolution.CONFIRMED, 2, 3)


def test_an_open_session_has_no_time_limit() -> None:
    talk = Talk()
    talk.answer(Outcome.DONE)
    talk.undo(later=timedelta(days=3))
    assert talk.session.status is Status.STARTED


def test_of_another_step_nothing_is_taken_back_so_that_a_repetition_changes_nothing() -> None:
    talk = Talk()
    talk.answer(Outcome.DONE, Outcome.DONE)
    for number in (1, 3):
        with pytest.raises(NotLastAnswer):
            talk.undo(number)
    talk.undo(2)
    with pytest.raises(NotLastAnswer):
        talk.undo(2)
    talk.undo(1)
    with pytest.raises(NothingToUndo):
        decide(talk.session, GUIDE, UndoAnswer(answer_of(1), "a-1"), talk.now)


def answer_of(number: int) -> Attempt:
    """An attempt at a step that no session of these tests holds."""
    talk = Talk()
    talk.answer(*[Outcome.DONE] * number)
    return talk.attempts[-1][0]


def test_an_answer_that_is_not_the_last_one_of_the_session_is_stale() -> None:
    talk = Talk()
    talk.answer(Outcome.DONE, Outcome.DONE)
    with pytest.raises(StaleSession):
        decide(talk.session, GUIDE, UndoAnswer(answer_of(1), "a-1"), talk.now)


@pytest.mark.parametrize("by", [Actor.AGENT, Actor.CUSTOMER])
def test_who_is_with_a_person_undoes_nothing(by: Actor) -> None:
    talk = Talk()
    talk.answer(Outcome.COULD_NOT, Outcome.COULD_NOT)
    talk.tell(EscalateSession(by=by))
    with pytest.raises(CannotUndo) as refused:
        talk.undo()
    assert refused.value.message == TAKEN_OVER


@pytest.mark.parametrize("outcomes", [[Outcome.COULD_NOT] * 2, [Outcome.NOT_HELPED] * 3])
def test_what_called_a_person_stays_once_one_works_on_the_ticket(outcomes: list[Outcome]) -> None:
    talk = Talk()
    talk.answer(*outcomes)
    with pytest.raises(CannotUndo) as refused:
        talk.undo(taken_over=True)
    assert refused.value.message == TAKEN_OVER
    # An answer that called nobody is the customer's own affair.
    other = Talk()
    other.answer(Outcome.DONE)
    other.undo(taken_over=True)


@pytest.mark.parametrize("by", [Actor.AGENT, Actor.CUSTOMER])
def test_an_ending_that_was_no_answer_to_a_step_stays(by: Actor) -> None:
    talk = Talk()
    talk.answer(Outcome.DONE)
    talk.tell(ResolveSession(by=by))
    with pytest.raises(SessionEnded):
        talk.undo()
    left = Talk()
    left.answer(Outcome.DONE)
    left.tell(Abandon())
    with pytest.raises(SessionEnded):
        left.undo()


@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.COULD_NOT])
def test_words_that_called_a_person_cannot_be_unsaid(outcome: Outcome, urgent: bool) -> None:
    talk = Talk()
    talk.answer(Outcome.DONE)
    talk.answer(outcome, alarm=Alarm("Te robaron", urgent))
    with pytest.raises(CannotUndo) as refused:
        talk.undo()
    assert refused.value.message == ALARMED
    # The answers after it are not concerned.
    talk.answer(Outcome.DONE)
    talk.undo()
    assert (talk.session.escalation_reason, talk.session.urgent) == ("Te robaron", urgent)


def test_of_a_rejected_guide_no_answer_is_taken_back() -> None:
    talk = Talk()
    talk.answer(Outcome.DONE)
    talk.tell(RejectProblem({}))
    with pytest.raises(NothingToUndo):
        talk.undo()


def test_the_example_goes_with_the_solution_and_nothing_else_is_unlearned() -> None:
    talk = Talk()
    assert talk.answer(Outcome.SOLVED).lessons[0].kind is LessonKind.EXAMPLE
    (lesson,) = talk.undo().lessons
    assert (lesson.kind, lesson.problem_id, lesson.source, lesson.reason) == (LessonKind.UNDO, "g", Actor.MACHINE, "undone")
    talk.answer(Outcome.DONE)
    assert talk.undo().lessons == ()


def test_what_an_agent_said_of_the_problem_stays() -> None:
    talk = Talk()
    talk.answer(Outcome.SOLVED)
    talk.session = correct(talk.session, "h", "Era otra cosa").session
    talk.undo()
    assert (talk.session.true_problem_id, talk.session.notes) == ("h", "Era otra cosa")


def test_a_clock_that_was_set_back_keeps_the_order() -> None:
    talk = Talk()
    talk.answer(Outcome.DONE)
    attempt, led_to = talk.attempts[-1]
    decided = decide(talk.session, GUIDE, UndoAnswer(attempt, "a-1", None, led_to), talk.now - timedelta(hours=1))
    assert isinstance(decided, Decision)
    assert decided.session.updated_at > talk.session.updated_at
    assert replace(decided.session, updated_at=START).status is Status.STARTED
