"""The rule of a session: properties over random histories, and the contract's rules example by example."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from guiado.domain.clarification import Clarification, Option, Pick, Question, Turn
from guiado.domain.decide import Decision, RepeatedAnswer, begin, correct, decide
from guiado.domain.events import EventKind, feedback_received
from guiado.domain.guide import Guide, Step
from guiado.domain.session import Actor, NextAction, Outcome, Resolution, Session, Status
from guiado.domain.session_commands import (
    Abandon,
    Alarm,
    Answer,
    ClarifyProblem,
    EscalateSession,
    RejectProblem,
    ResolveSession,
    Resume,
)
from guiado.domain.step_answer import passed_action
from guiado.errors import NoStepLeft, NothingToClarify, NothingToReject, SessionEnded, StaleSession, WrongStep

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
TERMINAL = {Status.RESOLVED, Status.ESCALATED, Status.ABANDONED}
TRANSITIONS = {
    Status.STARTED: set(Status),
    Status.IN_PROGRESS: set(Status) - {Status.STARTED},
    Status.NEEDS_ESCALATION: {Status.NEEDS_ESCALATION, Status.RESOLVED, Status.ESCALATED},
    Status.RESOLVED: {Status.ESCALATED},
    Status.ESCALATED: {Status.ESCALATED, Status.RESOLVED},
    Status.ABANDONED: set(Status) - {Status.ABANDONED},
}
OUTCOMES = st.sampled_from(list(Outcome))
ALARMS = st.sampled_from([None, None, Alarm("Sin acceso"), Alarm("Te robaron", urgent=True)])


def guide_of(steps: int) -> Guide:
    made = tuple(Step(step_number=n, title=f"Paso {n}", step_id=f"p{n}") for n in range(1, steps + 1))
    return Guide("g", "Un problema", steps=made)


def session_of(steps: int) -> Session:
    found = {"problem_id": "g", "problem_title": "Un problema"} if steps else {}
    return Session("0197-s", "a@example.com", "No va", START, START, total_steps=steps, ticket_id="T-1", **found)


def begun(steps: int = 3) -> tuple[Session, Guide]:
    guide = guide_of(steps)
    return begin(session_of(steps), guide, START).session, guide


def asked_about(*names: str, question: bool = True) -> Clarification:
    options = tuple(Option(name, name.upper(), 0.4, "se va la red", f"v-{name}") for name in names)
    return Clarification(options, Question("q", "¿Va la red?", {"g": 0.8, "": 0.2}) if question else None)


def picked(name: str, steps: int = 2, confidence: float = 0.7) -> Pick:
    return Pick(replace(guide_of(steps), problem_id=name), f"v-{name}", name.upper(), confidence)


WEIGHED = ({"problem_id": "h", "confidence": 0.7}, {"problem_id": "g", "confidence": 0.2})
TURNS = st.one_of(
    st.none(),
    st.builds(picked, st.sampled_from("hijk"), st.integers(0, 3)),
    st.sampled_from([asked_about("h", "i"), asked_about("j", question=False)]),
)
SAID = st.sampled_from([{"answer": "yes"}, {"answer": "no"}, {"text": "otra"}, {"none": True}, {"problem_id": "h"}])


def waiting() -> Session:
    """A session that asked what the problem is."""
    return begin(session_of(0), None, START, asked=asked_about("g", "h"), considered=WEIGHED).session


def kinds(decision: Decision) -> list[str]:
    return [event.kind.value for event in decision.events]


class History(RuleBasedStateMachine):
    """One session under any sequence of commands."""

    def __init__(self) -> None:
        super().__init__()
        self.session: Session | None = None

    @initialize(steps=st.integers(0, 6), known=st.booleans(), allowed=st.integers(1, 3), asks=st.booleans())
    def start(self, steps: int, known: bool, allowed: int, asks: bool) -> None:
        steps = steps if known else 0
        self.asked = asked_about("g", "h") if asks and not known else None
        self.former = 0
        self.guide, self.allowed, self.now = (guide_of(steps) if known else None), allowed, START
        self.first = session_of(steps)
        decision = begin(self.first, self.guide, self.now, asked=self.asked)
        self.session, self.commands, self.passed = decision.session, [], {}
        self.escalations = self.events_of(decision)
        assert [offer.number for offer in decision.offers] == [1]
        assert decision.session.decisions == 1
        assert decision.session.version == 1

    @staticmethod
    def events_of(decision: Decision) -> int:
        return sum(event.kind is EventKind.SESSION_ESCALATED for event in decision.events)

    def command(
        self,
        command: Answer | EscalateSession | ResolveSession | ClarifyProblem | RejectProblem | Abandon | Resume,
        *refusals: type[Exception],
    ) -> None:
        before = self.session
        try:
            decided = decide(before, self.guide, command, self.now, failures_allowed=self.allowed)
        except refusals:
            assert self.session == before
            return
        self.commands.append((command, self.now))
        if isinstance(decided, RepeatedAnswer):
            if isinstance(command, Answer) and command.alarm is None:
                assert self.passed[decided.step_number] == (command.outcome, decided.next_action)
            elif isinstance(command, ClarifyProblem | RejectProblem):
                assert before.clarifications
            return
        self.check(before, decided)
        self.session = decided.session
        if isinstance(command, ClarifyProblem | RejectProblem):
            self.former += before.current_step
            self.passed = {}
            taken = command.turn if isinstance(command.turn, Pick) and command.turn.guide.steps else None
            self.guide = taken.guide if taken else None
        if decided.attempt and decided.attempt.success:
            number, outcome = decided.attempt.step_number, decided.attempt.outcome
            self.passed[number] = (outcome, passed_action(outcome, is_last=number == decided.session.total_steps))

    def check(self, before: Session, decided: Decision) -> None:
        after = decided.session
        assert after.version == before.version + 1
        assert after.status in TRANSITIONS[before.status]
        assert after.updated_at >= before.updated_at
        assert after.attempts - before.attempts == (decided.attempt is not None)
        assert [offer.number for offer in decided.offers] == list(range(before.decisions + 1, after.decisions + 1))
        if decided.attempt:
            assert decided.attempt.decision_number == before.decisions
            assert decided.attempt.duration_seconds >= 0
        self.escalations += self.events_of(decided)
        assert self.escalations <= 1
        assert (decided.next_action is NextAction.RESOLVED) == (after.status is Status.RESOLVED)

    @precondition(lambda self: self.session)
    @rule(
        outcome=OUTCOMES,
        number=st.none() | st.integers(-1, 8),
        source=st.sampled_from([Actor.CUSTOMER, Actor.MACHINE]),
        alarm=ALARMS,
    )
    def answer(self, outcome: Outcome, number: int | None, source: Actor, alarm: Alarm | None) -> None:
        recorded = self.passed.get(number, (None,))[0]
        self.command(Answer(outcome, number, recorded, source=source, alarm=alarm), SessionEnded, NoStepLeft, WrongStep)

    @precondition(lambda self: self.session and self.passed)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.passed)))
        self.command(Answer(self.passed[number][0], number, self.passed[number][0]))

    @precondition(lambda self: self.session)
    @rule(reason=st.none() | st.sampled_from(["Prisa", "Otra cosa"]))
    def escalate(self, reason: str | None) -> None:
        self.command(EscalateSession(reason), SessionEnded)

    @precondition(lambda self: self.session)
    @rule(said=SAID, turn=TURNS, alarm=ALARMS)
    def clarify(self, said: dict[str, object], turn: Turn, alarm: Alarm | None) -> None:
        self.command(ClarifyProblem(said, turn, WEIGHED, alarm=alarm), SessionEnded, NothingToClarify)

    @precondition(lambda self: self.session)
    @rule(turn=TURNS, meant=st.none() | st.sampled_from("ghij"), alarm=ALARMS)
    def reject(self, turn: Turn, meant: str | None, alarm: Alarm | None) -> None:
        self.command(RejectProblem({}, meant, turn, WEIGHED, alarm), SessionEnded, NothingToReject)

    @precondition(lambda self: self.session)
    @rule()
    def resolve(self) -> None:
        self.command(ResolveSession("otro", "p1", 3.0, "Era el cable"), SessionEnded)

    @precondition(lambda self: self.session)
    @rule()
    def abandon(self) -> None:
        self.command(Abandon(), SessionEnded)

    @precondition(lambda self: self.session)
    @rule()
    def resume(self) -> None:
        self.command(Resume(), SessionEnded)

    @precondition(lambda self: self.session)
    @rule(seconds=st.integers(-100, 1_000))
    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def holds(self) -> None:
        session = self.session
        if session is None:
            return
        assert 0 <= session.current_step <= session.total_steps
        assert session.attempts == self.former + session.current_step + session.failures
        assert session.problem_id or session.guide_version_id is None
        assert session.total_steps == (len(self.guide.steps) if self.guide else 0)
        if session.open_clarification:
            assert session.problem_id is None
            assert session.status in {Status.STARTED, Status.IN_PROGRESS, Status.NEEDS_ESCALATION}
        assert (session.escalation_reason is not None) == (self.escalations == 1)
        assert (session.escalated_at is not None) == (self.escalations == 1)
        assert (session.resolution is not None) == (session.status is Status.RESOLVED)
        assert (session.resolved_at is not None) == (session.status is Status.RESOLVED)
        assert (session.ended_at is not None) == (session.status in TERMINAL) == session.status.ended

    def teardown(self) -> None:
        if self.session is None:
            return
        guide = guide_of(self.first.total_steps) if self.first.problem_id or self.first.total_steps else None
        again = begin(self.first, guide, START, asked=self.asked).session
        for command, now in self.commands:
            decided = decide(again, guide, command, now, failures_allowed=self.allowed)
            if isinstance(decided, Decision):
                again = decided.session
                if isinstance(command, ClarifyProblem | RejectProblem):
                    guide = command.turn.guide if isinstance(command.turn, Pick) and command.turn.guide.steps else None
        assert again == self.session


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


# ------------------------------------------------------------------------------------------------------- contract §6, rule 1


@pytest.mark.parametrize(
    ("outcome", "last", "status", "resolution", "action", "passed", "failed"),
    [
        ("solved", False, "resolved", "confirmed", "resolved", 1, 0),
        ("solved", True, "resolved", "confirmed", "resolved", 1, 0),
        ("done", False, "in_progress", None, "continue", 1, 0),
        ("done", True, "resolved", "assumed", "resolved", 1, 0),
        ("not_helped", False, "in_progress", None, "continue", 1, 0),
        ("not_helped", True, "needs_escalation", None, "escalate", 1, 0),
        ("could_not", False, "in_progress", None, "continue", 0, 1),
        ("could_not", True, "in_progress", None, "continue", 0, 1),
    ],
)
def test_what_an_outcome_does(
    outcome: str, last: bool, status: str, resolution: str | None, action: str, passed: int, failed: int
) -> None:
    session, guide = begun(1 if last else 2)

    decided = decide(session, guide, Answer(Outcome(outcome)), START)

    after = decided.session
    assert (after.status, after.resolution, decided.next_action) == (status, resolution, action)
    assert (after.current_step, after.failures) == (passed, failed)


@pytest.mark.parametrize("allowed", [1, 2, 3])
def test_a_person_is_called_at_the_allowed_number_of_failures(allowed: int) -> None:
    session, guide = begun()
    for number in range(1, allowed + 1):
        decided = decide(session, guide, Answer(Outcome.COULD_NOT), START, failures_allowed=allowed)
        session = decided.session
        assert (session.status is Status.NEEDS_ESCALATION) == (number == allowed)
    assert decided.next_action is NextAction.ESCALATE
    assert session.escalation_reason == f"{allowed} intentos fallidos."
    assert session.current_step == 0


def test_failures_count_over_the_whole_session_and_not_per_step() -> None:
    session, guide = begun()
    for outcome in (Outcome.COULD_NOT, Outcome.DONE, Outcome.COULD_NOT):
        session = decide(session, guide, Answer(outcome), START).session
    assert session.status is Status.NEEDS_ESCALATION


def test_not_helped_never_counts_as_a_failure() -> None:
    session, guide = begun(4)
    for _ in range(3):
        session = decide(session, guide, Answer(Outcome.NOT_HELPED), START).session
    assert (session.status, session.failures, session.current_step) == (Status.IN_PROGRESS, 0, 3)


# ------------------------------------------------------------------------------------------------------- contract §6, rule 2


@pytest.mark.parametrize(("outcome", "action"), [(Outcome.DONE, NextAction.CONTINUE), (Outcome.NOT_HELPED, NextAction.CONTINUE)])
def test_the_same_answer_to_a_passed_step_is_told_again(outcome: Outcome, action: NextAction) -> None:
    session, guide = begun()
    session = decide(session, guide, Answer(outcome, 1), START).session
    assert decide(session, guide, Answer(outcome, 1, recorded=outcome), START) == RepeatedAnswer(1, action)


@pytest.mark.parametrize(("outcome", "action"), [(Outcome.DONE, NextAction.RESOLVED), (Outcome.NOT_HELPED, NextAction.ESCALATE)])
def test_the_last_answer_is_told_again_after_the_end(outcome: Outcome, action: NextAction) -> None:
    session, guide = begun(1)
    session = decide(session, guide, Answer(outcome, 1), START).session
    assert decide(session, guide, Answer(outcome, 1, recorded=outcome), START) == RepeatedAnswer(1, action)


def test_another_answer_to_a_passed_step_is_a_conflict() -> None:
    session, guide = begun()
    session = decide(session, guide, Answer(Outcome.DONE, 1), START).session
    with pytest.raises(WrongStep, match=r"1 no es el paso actual \(2\)"):
        decide(session, guide, Answer(Outcome.NOT_HELPED, 1, recorded=Outcome.DONE), START)


@pytest.mark.parametrize("number", [0, 2, 3, 99])
def test_an_answer_to_a_step_that_is_not_open_is_a_conflict(number: int) -> None:
    session, guide = begun()
    with pytest.raises(WrongStep):
        decide(session, guide, Answer(Outcome.DONE, number), START)


def test_a_failure_on_the_open_step_is_always_a_new_attempt() -> None:
    session, guide = begun()
    first = decide(session, guide, Answer(Outcome.COULD_NOT, 1), START, failures_allowed=5)
    second = decide(first.session, guide, Answer(Outcome.COULD_NOT, 1), START, failures_allowed=5)
    assert (first.session.attempts, second.session.attempts) == (1, 2)
    assert [event.data["attempt"] for event in (first.events[-1], second.events[-1])] == [2, 3]


# ------------------------------------------------------------------------------------------------- contract §6, rules 3 to 5


def test_current_step_counts_passed_steps_and_step_numbers_begin_at_one() -> None:
    session, guide = begun(2)
    assert session.current_step == 0
    decided = decide(session, guide, Answer(Outcome.DONE), START)
    assert (decided.attempt.step_number, decided.session.current_step, decided.offers[0].step_number) == (1, 1, 2)
    assert decide(decided.session, guide, Answer(Outcome.DONE), START).session.current_step == 2


def ended(status: Status) -> tuple[Session, Guide]:
    session, guide = begun()
    command = {Status.RESOLVED: Answer(Outcome.SOLVED), Status.ESCALATED: EscalateSession(), Status.ABANDONED: Abandon()}[status]
    session = decide(session, guide, command, START).session
    assert session.status is status
    return session, guide


def test_needs_escalation_is_not_an_end() -> None:
    session, guide = begun(1)
    for _ in range(2):
        session = decide(session, guide, Answer(Outcome.COULD_NOT), START).session
    assert session.status is Status.NEEDS_ESCALATION
    with pytest.raises(SessionEnded):
        decide(session, guide, Abandon(), START)
    solved = decide(session, guide, Answer(Outcome.SOLVED), START)
    assert (solved.session.status, solved.session.resolution) == (Status.RESOLVED, Resolution.CONFIRMED)


@pytest.mark.parametrize("status", sorted(TERMINAL))
@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_ended_session_takes_no_answer(status: Status, outcome: Outcome) -> None:
    session, guide = ended(status)
    words = {Status.RESOLVED: "resuelta", Status.ESCALATED: "con una persona", Status.ABANDONED: "abandonada"}
    with pytest.raises(SessionEnded, match=words[status]):
        decide(session, guide, Answer(outcome), START)


@pytest.mark.parametrize(
    ("status", "command", "possible"),
    [
        (Status.RESOLVED, EscalateSession(), True),
        (Status.RESOLVED, ResolveSession(), False),
        (Status.RESOLVED, Abandon(), False),
        (Status.ESCALATED, EscalateSession(), True),
        (Status.ESCALATED, ResolveSession(), True),
        (Status.ESCALATED, Abandon(), False),
        (Status.ABANDONED, EscalateSession(), True),
        (Status.ABANDONED, ResolveSession(), True),
        (Status.ABANDONED, Abandon(), False),
        (Status.RESOLVED, Resume(), False),
        (Status.ESCALATED, Resume(), False),
    ],
)
def test_where_an_ended_session_may_still_go(
    status: Status, command: EscalateSession | ResolveSession | Abandon | Resume, possible: bool
) -> None:
    session, guide = ended(status)
    if possible:
        assert decide(session, guide, command, START).session.status in TERMINAL
    else:
        with pytest.raises(SessionEnded):
            decide(session, guide, command, START)


def test_a_person_closes_an_escalated_session_with_the_true_problem() -> None:
    session, guide = ended(Status.ESCALATED)
    later = START + timedelta(hours=1)
    after = decide(session, guide, ResolveSession("otro_problema", "p2", 12.5, "Era el cable"), later).session
    assert (after.status, after.resolution, after.ended_by) == (Status.RESOLVED, Resolution.CONFIRMED, Actor.AGENT)
    assert (after.true_problem_id, after.true_step_id, after.agent_minutes) == ("otro_problema", "p2", 12.5)
    assert (after.notes, after.resolved_at, after.recontact_until) == ("Era el cable", later, later + timedelta(days=7))


def test_session_escalated_fires_on_entering_needs_escalation_and_a_later_escalate_adds_its_reason() -> None:
    session, guide = begun()
    session = decide(session, guide, Answer(Outcome.COULD_NOT), START).session
    second = decide(session, guide, Answer(Outcome.COULD_NOT), START)
    assert kinds(second) == ["step_failed", "session_escalated"]
    later = decide(second.session, guide, EscalateSession("Tengo prisa"), START + timedelta(minutes=1))
    assert kinds(later) == []
    assert later.session.escalation_reason == "2 intentos fallidos.\nTengo prisa"
    assert later.session.escalated_at == START


def test_session_escalated_fires_at_escalate_when_that_comes_first() -> None:
    session, guide = begun()
    decided = decide(session, guide, EscalateSession("Tengo prisa"), START)
    assert kinds(decided) == ["session_escalated"]
    assert decided.events[0].data["reason"] == decided.session.escalation_reason == "Tengo prisa"


def test_nothing_detected_calls_a_person_at_once() -> None:
    decided = begin(session_of(0), None, START)
    assert (decided.session.status, decided.next_action) == (Status.NEEDS_ESCALATION, NextAction.ESCALATE)
    assert kinds(decided) == ["session_started", "session_escalated"]
    with pytest.raises(NoStepLeft):
        decide(decided.session, None, Answer(Outcome.DONE), START)
    solved = decide(decided.session, None, Answer(Outcome.SOLVED), START).session
    assert (solved.status, solved.attempts) == (Status.RESOLVED, 0)


# ------------------------------------------------------------------------------------------------------- contract §6, rule 6


def test_an_unclear_start_asks_and_promises_nothing() -> None:
    decision = begin(session_of(0), None, START, asked=asked_about("g", "h"), considered=WEIGHED)
    session = decision.session
    assert kinds(decision) == ["session_started"]
    assert decision.events[0].data["detected_problem"] is None
    assert (session.status, session.total_steps, session.problem_id) == (Status.STARTED, 0, None)
    assert session.open_clarification == asked_about("g", "h")
    (offer,) = decision.offers
    assert (offer.number, offer.kind, offer.rule, offer.candidates, session.decisions) == (1, "question", "unclear", WEIGHED, 1)
    assert decision.next_action is NextAction.CONTINUE
    with pytest.raises(NoStepLeft):
        decide(session, None, Answer(Outcome.DONE), START)
    alone = begin(session_of(0), None, START, asked=asked_about("g", question=False))
    assert alone.offers[0].kind == "options"


def test_the_chosen_problem_is_followed_from_its_first_step() -> None:
    decided = decide(
        waiting(), None, ClarifyProblem({"problem_id": "h"}, picked("h", 3, 0.61), WEIGHED), START + timedelta(minutes=1)
    )
    after = decided.session
    assert kinds(decided) == ["problem_detected"]
    assert decided.events[0].data == {
        "session_id": "0197-s", "detected_problem": "h", "problem_title": "H", "confidence": 0.61
    }  # fmt: skip
    assert (after.problem_id, after.problem_title, after.guide_version_id, after.total_steps) == ("h", "H", "v-h", 3)
    assert (after.status, after.version, after.updated_at) == (Status.STARTED, 2, START + timedelta(minutes=1))
    assert (after.clarifications[0].said, after.open_clarification) == ({"problem_id": "h"}, None)
    assert after.facts["alternatives"] == [WEIGHED[1]]
    (offer,) = decided.offers
    assert (offer.number, offer.kind, offer.step_number, offer.rule) == (2, "step", 1, "author-order")
    assert offer.candidates == (*WEIGHED, *({"step_id": f"p{n}", "position": n} for n in (1, 2, 3)))
    assert decide(after, picked("h", 3).guide, Answer(Outcome.DONE), START).attempt.guide_version_id == "v-h"


@pytest.mark.parametrize(("said", "rule"), [({"none": True}, "none-of-them"), ({"answer": "no"}, "nothing-detected")])
def test_none_of_them_calls_a_person(said: dict[str, object], rule: str) -> None:
    decided = decide(waiting(), None, ClarifyProblem(said, None, WEIGHED), START)
    assert kinds(decided) == ["session_escalated"]
    assert (decided.session.status, decided.next_action) == (Status.NEEDS_ESCALATION, NextAction.ESCALATE)
    (offer,) = decided.offers
    assert (offer.kind, offer.rule, offer.candidates) == ("escalation", rule, WEIGHED)
    assert decided.session.facts["alternatives"] == [*WEIGHED]
    assert ("no era ninguno de los que le mostramos" in decided.session.escalation_reason) == (rule == "none-of-them")


def test_an_answer_may_lead_to_the_options_alone() -> None:
    decided = decide(waiting(), None, ClarifyProblem({"answer": "unknown"}, asked_about("g", question=False), WEIGHED), START)
    assert [offer.kind for offer in decided.offers] == ["options"]
    assert [each.said for each in decided.session.clarifications] == [{"answer": "unknown"}, None]
    assert decided.session.decisions == 2


def test_what_was_heard_once_is_told_again_and_anything_else_is_a_conflict() -> None:
    choice = ClarifyProblem({"problem_id": "h"}, picked("h"))
    after = decide(waiting(), None, choice, START).session
    assert decide(after, picked("h").guide, choice, START) == RepeatedAnswer(0, NextAction.CONTINUE)
    with pytest.raises(NothingToClarify):
        decide(after, picked("h").guide, ClarifyProblem({"problem_id": "g"}, picked("g")), START)
    refusal = ClarifyProblem({"none": True})
    assert decide(decide(waiting(), None, refusal, START).session, None, refusal, START) == RepeatedAnswer(0, NextAction.ESCALATE)
    with pytest.raises(NothingToClarify):
        decide(begun()[0], begun()[1], choice, START)
    # The same words may be said to the next question.
    again = decide(waiting(), None, ClarifyProblem({"text": "x"}, asked_about("g", question=False)), START).session
    assert isinstance(decide(again, None, ClarifyProblem({"text": "x"}, picked("g")), START), Decision)
    # An answer belongs to the question that it was given to.
    again = decide(waiting(), None, ClarifyProblem({"answer": "no"}, asked_about("g", question=False)), START).session
    assert isinstance(decide(again, None, ClarifyProblem({"answer": "no"}, picked("g")), START), RepeatedAnswer)


def test_a_rejected_guide_gives_way_and_what_was_attempted_stays() -> None:
    session, guide = begun()
    session = decide(session, guide, Answer(Outcome.DONE), START).session
    session = decide(session, guide, Answer(Outcome.COULD_NOT), START).session
    decided = decide(session, guide, RejectProblem({"text": "es otra cosa"}, None, picked("h", 2), WEIGHED), START)
    after = decided.session
    assert kinds(decided) == ["problem_detected"]
    assert (after.problem_id, after.current_step, after.total_steps, after.guide_version_id) == ("h", 0, 2, "v-h")
    assert (after.attempts, after.failures, after.status) == (2, 1, Status.IN_PROGRESS)
    assert (after.rejected, after.clarifications[-1].said) == (("g",), {"text": "es otra cosa"})
    (lesson,) = decided.lessons
    assert (lesson.kind.value, lesson.problem_id, lesson.text) == ("negative", "g", "No va")
    # A step of the same number belongs to the new guide.
    answered = decide(after, picked("h", 2).guide, Answer(Outcome.DONE, 1), START)
    assert (answered.attempt.step_number, answered.attempt.guide_version_id) == (1, "v-h")
    # Unless the caller says that it was about another one.
    other = replace(guide_of(2), steps=tuple(replace(step, step_id=f"h{step.step_number}") for step in guide_of(2).steps))
    after = replace(after, offered_step_id="h1")
    with pytest.raises(StaleSession):
        decide(after, other, Answer(Outcome.DONE, 1, step_id="p1"), START)
    assert decide(after, other, Answer(Outcome.DONE, 1, step_id="h1"), START).attempt.step_id == "h1"


def test_a_rejection_may_ask_or_call_a_person() -> None:
    session, guide = begun()
    asked = decide(session, guide, RejectProblem({}, "g", asked_about("h"), WEIGHED), START)
    assert (asked.session.problem_id, asked.session.total_steps, asked.offers[0].kind) == (None, 0, "question")
    assert asked.session.open_clarification == asked_about("h")
    left = decide(session, guide, RejectProblem({}, "g", None, WEIGHED), START)
    assert (left.session.status, left.offers[0].rule) == (Status.NEEDS_ESCALATION, "none-of-them")
    assert kinds(left) == ["session_escalated"]
    without_steps = decide(session, guide, RejectProblem({}, "g", picked("h", 0), WEIGHED), START)
    assert (without_steps.session.status, without_steps.session.problem_id) == (Status.NEEDS_ESCALATION, None)


def test_a_second_click_rejects_nothing_more() -> None:
    session, guide = begun()
    after = decide(session, guide, RejectProblem({}, "g", picked("h")), START).session
    assert decide(after, picked("h").guide, RejectProblem({}, "g", picked("i")), START) == RepeatedAnswer(0, NextAction.CONTINUE)
    with pytest.raises(NothingToReject):
        decide(after, picked("h").guide, RejectProblem({}, "z", picked("i")), START)
    with pytest.raises(NothingToReject):
        decide(waiting(), None, RejectProblem({}, None, picked("i")), START)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_ended_session_takes_neither_clarification_nor_rejection(status: Status) -> None:
    session, guide = ended(status)
    for command in (ClarifyProblem({"none": True}), RejectProblem({}, "g", picked("h"))):
        with pytest.raises(SessionEnded):
            decide(session, guide, command, START)


def test_a_second_contact_calls_the_former_solution_into_doubt_once_it_is_clear_what_it_is_about() -> None:
    again = replace(picked("h"), recontact_of="0196-alt")
    decided = decide(waiting(), None, ClarifyProblem({"problem_id": "h"}, again), START)
    assert decided.session.facts["recontact_of"] == "0196-alt"
    assert [(lesson.kind.value, lesson.session_id) for lesson in decided.lessons] == [("undo", "0196-alt")]


# -------------------------------------------------------------------------------------------------- contract §3, events' data


def test_the_data_of_every_event_has_the_keys_of_the_contract() -> None:
    session, guide = begun(2)
    started = begin(session_of(2), guide, START).events
    failed = decide(session, guide, Answer(Outcome.COULD_NOT, notes="No deja"), START)
    escalated = decide(session, guide, EscalateSession("Prisa"), START).events
    done = decide(session, guide, Answer(Outcome.DONE), START).events
    resolved = decide(session, guide, Answer(Outcome.SOLVED), START).events
    left = decide(session, guide, Abandon(), START).events
    rated = (feedback_received(session, 5, True, "Bien"),)
    seen = {
        event.kind.value: event.data
        for told in (started, failed.events, escalated, done, resolved, left, rated)
        for event in told
    }

    expected = {
        "session_started": {"session_id", "ticket_id", "customer_email", "problem_description", "detected_problem"},
        "problem_detected": {"session_id"},
        "step_completed": {"session_id", "step_number", "success"},
        "step_failed": {"session_id", "step_number", "notes"},
        "session_resolved": {"session_id", "ticket_id", "total_steps"},
        "session_escalated": {"session_id", "ticket_id", "reason"},
        "session_abandoned": {"session_id"},
        "feedback_received": {"session_id", "rating"},
        "retry_attempt": {"session_id", "step_number"},
    }
    assert seen.keys() == expected.keys() == {kind.value for kind in EventKind}
    for kind, keys in expected.items():
        assert keys <= seen[kind].keys(), kind
    assert seen["session_started"]["detected_problem"] == "g"
    assert seen["step_failed"]["notes"] == "No deja"
    assert seen["step_completed"]["success"] is True


@given(hours=st.integers(-10_000, 10_000))
def test_a_clock_that_was_set_back_makes_no_time_negative(hours: int) -> None:
    session, guide = begun()
    decided = decide(replace(session, updated_at=START), guide, Answer(Outcome.DONE), START + timedelta(hours=hours))
    assert decided.attempt.duration_seconds == pytest.approx(max(0, hours * 3600), abs=1e-5)
    # Whoever sorts the attempts by time gets them in the order in which they came.
    assert decided.session.updated_at == decided.attempt.attempted_at >= START
    again = decide(decided.session, guide, Answer(Outcome.DONE), START + timedelta(hours=hours - 1))
    assert again.attempt.attempted_at > decided.attempt.attempted_at


# ---------------------------------------------------------------------------------------------------- who needs a person at once

URGENT = Alarm("Bloquea la tarjeta", urgent=True)


def urgent_guide(steps: int = 2) -> Guide:
    return replace(guide_of(steps), urgent=True)


def test_an_urgent_guide_calls_a_person_before_its_first_step_which_stays_on_offer() -> None:
    guide = urgent_guide()
    decided = begin(session_of(2), guide, START)

    assert kinds(decided) == ["session_started", "problem_detected", "session_escalated"]
    assert (decided.session.status, decided.session.urgent) == (Status.NEEDS_ESCALATION, True)
    assert [(offer.kind, offer.step_number, offer.rule) for offer in decided.offers] == [
        ("escalation", None, "urgent"),
        ("step", 1, "still-open"),
    ]
    assert decided.events[-1].data["urgent"] is True
    answered = decide(decided.session, guide, Answer(Outcome.DONE), START)
    assert (answered.session.current_step, answered.session.status) == (1, Status.NEEDS_ESCALATION)
    assert "session_escalated" not in kinds(answered)


def test_urgent_words_call_a_person_and_no_ordinary_step_is_on_offer() -> None:
    decided = begin(session_of(2), guide_of(2), START, alarm=URGENT)

    assert (decided.session.status, decided.session.escalation_reason) == (Status.NEEDS_ESCALATION, "Bloquea la tarjeta")
    assert [offer.kind for offer in decided.offers] == ["escalation"]


def test_words_of_a_criterion_that_is_not_urgent_leave_the_step_on_offer() -> None:
    decided = begin(session_of(2), guide_of(2), START, alarm=Alarm("Sin acceso al correo"))

    assert (decided.session.status, decided.session.urgent) == (Status.NEEDS_ESCALATION, False)
    assert [offer.kind for offer in decided.offers] == ["escalation", "step"]


@pytest.mark.parametrize(("outcome", "passed"), [(Outcome.DONE, 1), (Outcome.NOT_HELPED, 1), (Outcome.COULD_NOT, 0)])
def test_words_said_to_a_step_call_a_person_once(outcome: Outcome, passed: int) -> None:
    session, guide = begun(1)
    told = decide(session, guide, Answer(outcome, alarm=URGENT), START)

    assert kinds(told)[1:] == ["session_escalated"]
    assert (told.session.status, told.session.urgent) == (Status.NEEDS_ESCALATION, True)
    assert (told.session.current_step, told.next_action) == (passed, NextAction.ESCALATE)


def test_a_criterion_that_was_met_already_changes_nothing_more() -> None:
    session, guide = begun(3)
    session = decide(session, guide, Answer(Outcome.DONE, alarm=Alarm("Sin acceso")), START).session
    again = decide(session, guide, Answer(Outcome.DONE, alarm=Alarm("Sin acceso")), START)

    assert (kinds(again), again.next_action) == (["step_completed"], NextAction.CONTINUE)
    assert again.session.escalation_reason == "Sin acceso"


def test_who_says_that_it_is_solved_needs_nobody() -> None:
    session, guide = begun(3)
    assert decide(session, guide, Answer(Outcome.SOLVED, alarm=URGENT), START).session.status is Status.RESOLVED


def test_the_urgent_reason_comes_first() -> None:
    session, guide = begun(3)
    for alarm in (Alarm("Sin acceso"), URGENT):
        session = decide(session, guide, Answer(Outcome.DONE, alarm=alarm), START).session
    assert session.escalation_reason == "Bloquea la tarjeta\nSin acceso"


def test_what_was_not_the_urgent_guide_goes_on_with_steps() -> None:
    guide = urgent_guide()
    session = begin(session_of(2), guide, START).session
    told = decide(session, guide, RejectProblem({}, None, picked("h"), WEIGHED), START)

    assert (told.session.urgent, told.session.status) == (False, Status.NEEDS_ESCALATION)
    assert [offer.kind for offer in told.offers] == ["step"]


def test_the_reason_says_what_the_customer_said_it_was_not() -> None:
    session, guide = begun(2)
    words = decide(session, guide, RejectProblem({"text": "es el wifi"}, None, None, WEIGHED), START)
    none = decide(session, guide, RejectProblem({}, None, None, WEIGHED), START)

    assert words.session.escalation_reason == "El cliente dijo que no era «Un problema» y lo contó así: «es el wifi»."
    assert none.session.escalation_reason == "El cliente dijo que no era «Un problema»."


# -------------------------------------------------------------------------------------------------------------- coming back


def test_an_abandoned_session_opens_where_it_stood() -> None:
    session, guide = begun(3)
    session = decide(session, guide, Answer(Outcome.DONE), START).session
    left = decide(session, guide, Abandon(), START).session
    back = decide(left, guide, Resume(), START + timedelta(days=3))

    assert (back.session.status, back.session.current_step, back.session.ended_at) == (Status.IN_PROGRESS, 1, None)
    assert (back.session.ended_how, back.session.ended_by) == (None, None)
    assert [(offer.step_number, offer.rule) for offer in back.offers] == [(2, "resumed")]
    assert decide(back.session, guide, Resume(), START) == RepeatedAnswer(1, NextAction.CONTINUE)


def test_a_session_that_asked_asks_again() -> None:
    left = decide(waiting(), None, Abandon(), START).session
    back = decide(left, None, Resume(), START)

    assert back.session.open_clarification is not None
    assert back.offers[0].kind == "question"


def test_an_abandoned_session_says_how_to_go_on() -> None:
    session, guide = ended(Status.ABANDONED)
    for command in (Answer(Outcome.DONE), RejectProblem({}), ClarifyProblem({"none": True})):
        with pytest.raises(SessionEnded, match="resume"):
            decide(session, guide, command, START)


def test_a_person_takes_over_an_abandoned_session_and_may_close_it() -> None:
    session, guide = ended(Status.ABANDONED)
    taken = decide(session, guide, EscalateSession("Volvió por teléfono"), START)

    assert (taken.session.status, kinds(taken)) == (Status.ESCALATED, ["session_escalated"])
    closed = decide(session, guide, ResolveSession("g"), START)
    assert (closed.session.status, closed.session.true_problem_id) == (Status.RESOLVED, "g")


def test_words_that_call_a_person_tell_the_rule_and_the_step_that_is_still_open() -> None:
    session, guide = begun(3)
    told = decide(session, guide, Answer(Outcome.DONE, alarm=Alarm("Sin acceso")), START)
    assert [(offer.kind, offer.step_number, offer.rule) for offer in told.offers] == [
        ("escalation", None, "criterion"),
        ("step", 2, "still-open"),
    ]
    assert told.attempt is not None
    assert (told.attempt.step_number, told.attempt.outcome) == (1, Outcome.DONE)
    urgent = decide(session, guide, Answer(Outcome.COULD_NOT, alarm=URGENT), START)
    assert [(offer.kind, offer.rule) for offer in urgent.offers] == [("escalation", "urgent")]
    assert urgent.attempt is not None
    assert urgent.attempt.outcome is Outcome.COULD_NOT


@pytest.mark.parametrize(
    ("found", "truth", "lessons"),
    [
        ("g", "h", [("correction", "h"), ("negative", "g")]),
        ("g", "g", [("correction", "g")]),
        (None, "otro", [("correction", "otro")]),
    ],
)
def test_an_agent_says_what_it_was_about(found: str | None, truth: str, lessons: list[tuple[str, str]]) -> None:
    session = replace(session_of(3 if found else 0), notes="Llamó dos veces", status=Status.RESOLVED)
    told = correct(session, truth, "Era otra cosa")
    assert told.session == replace(
        session, version=session.version + 1, true_problem_id=truth, notes="Llamó dos veces\nEra otra cosa"
    )
    assert [(lesson.kind, lesson.problem_id) for lesson in told.lessons] == lessons
    assert {(lesson.text, lesson.source, lesson.reason) for lesson in told.lessons} == {("No va", Actor.AGENT, "corrected")}
    assert (told.events, told.offers, told.attempt) == ((), (), None)
    assert correct(replace(session, notes=None), truth).session.notes is None


@pytest.mark.parametrize(("alarm", "rule"), [(URGENT, "urgent"), (Alarm("Sin acceso"), "criterion")])
def test_words_said_to_a_question_call_a_person_whatever_they_lead_to(alarm: Alarm, rule: str) -> None:
    nothing = decide(waiting(), None, ClarifyProblem({"text": "x"}, None, WEIGHED, alarm=alarm), START)
    question = decide(waiting(), None, ClarifyProblem({"text": "x"}, asked_about("g"), WEIGHED, alarm=alarm), START)
    for told in (nothing, question):
        assert [(offer.kind, offer.rule) for offer in told.offers] == [("escalation", rule)]
        assert (told.session.escalation_reason, told.session.urgent) == (alarm.reason, alarm.urgent)
        assert told.next_action is NextAction.ESCALATE
    followed = decide(waiting(), None, ClarifyProblem({"problem_id": "h"}, picked("h"), WEIGHED, alarm=alarm), START)
    assert kinds(followed) == ["problem_detected", "session_escalated"]
    assert (followed.session.problem_id, followed.session.escalation_reason) == ("h", alarm.reason)
    assert followed.offers[0].rule == rule
    assert ("step" in {offer.kind for offer in followed.offers}) is not alarm.urgent


@pytest.mark.parametrize(("alarm", "rule"), [(URGENT, "urgent"), (Alarm("Sin acceso"), "criterion")])
def test_words_about_no_known_problem_tell_the_rule(alarm: Alarm, rule: str) -> None:
    told = begin(session_of(0), None, START, alarm=alarm)
    assert [(offer.kind, offer.rule) for offer in told.offers] == [("escalation", rule)]
    assert told.session.escalation_reason == alarm.reason


def test_an_urgent_problem_that_was_picked_calls_a_person_and_keeps_its_first_step() -> None:
    turn = replace(picked("h"), guide=replace(urgent_guide(), problem_id="h"))
    told = decide(waiting(), None, ClarifyProblem({"problem_id": "h"}, turn, WEIGHED), START)
    assert (told.session.urgent, told.next_action) == (True, NextAction.ESCALATE)
    assert [(offer.kind, offer.rule) for offer in told.offers] == [("escalation", "urgent"), ("step", "still-open")]


@pytest.mark.parametrize(
    ("truth", "lessons"),
    [("h", [("correction", "h"), ("negative", "g")]), ("g", [("correction", "g")])],
)
def test_who_closes_a_session_teaches_what_it_was_about_once(truth: str, lessons: list[tuple[str, str]]) -> None:
    session, guide = ended(Status.ESCALATED)
    closed = decide(session, guide, ResolveSession(truth), START)
    assert [(lesson.kind.value, lesson.problem_id) for lesson in closed.lessons] == lessons
    assert decide(replace(session, true_problem_id=truth), guide, ResolveSession(truth), START).lessons == ()
    assert decide(session, guide, ResolveSession(), START).lessons == ()


@pytest.mark.parametrize("question", [True, False])
def test_a_session_that_asked_asks_the_same_when_it_is_resumed(question: bool) -> None:
    asked = asked_about("g", "h", question=question)
    session = begin(session_of(0), None, START, asked=asked, considered=WEIGHED).session
    later = START + timedelta(days=2)
    left = decide(session, None, Abandon(), START + timedelta(days=1)).session
    back = decide(left, None, Resume(), later)
    (offer,) = back.offers
    kind = "question" if question else "options"
    assert (offer.number, offer.kind, offer.offered_at, offer.rule) == (session.decisions + 1, kind, later, "resumed")
    assert (back.session.updated_at, back.session.status, back.session.ended_at) == (later, Status.STARTED, None)
    assert back.session.open_clarification == asked


def test_a_rejection_says_why_and_a_second_contact_too() -> None:
    session, guide = begun()
    (no,) = decide(session, guide, RejectProblem({}, "g", picked("h")), START).lessons
    assert (no.kind.value, no.source, no.reason) == ("negative", Actor.CUSTOMER, "rejected")
    again = replace(picked("h"), recontact_of="0196-alt")
    (undo,) = decide(waiting(), None, ClarifyProblem({"problem_id": "h"}, again), START).lessons
    assert (undo.source, undo.reason) == (Actor.MACHINE, "recontact")
