"""What comes next by a policy, whichever order it offers: the rules of the contract hold for all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders import ENOUGH, Backwards, Impatient, Stubborn

from guiado.domain.clarification import Pick
from guiado.domain.decide import begin, decide
from guiado.domain.decision import Decision, RepeatedAnswer
from guiado.domain.guide import Guide, Step
from guiado.domain.policy import AUTHOR_ORDER, Policy
from guiado.domain.session import NextAction, Outcome, Resolution, Session, Status
from guiado.domain.session_commands import Abandon, Alarm, Answer, RejectProblem, Resume
from guiado.errors import NoStepLeft, WrongStep

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def guide_of(*step_ids: str, after: dict[str, str] | None = None, urgent: bool = False) -> Guide:
    needed = after or {}
    steps = tuple(
        Step(n, name.upper(), step_id=name, chance=n / 10, after=(needed[name],) if name in needed else ())
        for n, name in enumerate(step_ids, 1)
    )
    return Guide("g", "Un problema", steps=steps, urgent=urgent)


GUIDE = guide_of("a", "b", "c")


def begun(policy: Policy, guide: Guide = GUIDE) -> Decision:
    first = Session("s", "a@example.com", "No va", NOW, NOW, total_steps=len(guide.steps), problem_id="g", problem_title="P")
    return begin(first, guide, NOW, policy=policy)


def say(session: Session, policy: Policy, outcome: Outcome, number: int | None = None, **more: object) -> Decision:
    guide = more.pop("guide", GUIDE)
    decided = decide(session, guide, Answer(outcome, number, **more), NOW, policy=policy)
    assert isinstance(decided, Decision)
    return decided


def walk(policy: Policy, *outcomes: Outcome, guide: Guide = GUIDE) -> Decision:
    decided = begun(policy, guide)
    for outcome in outcomes:
        decided = say(decided.session, policy, outcome, guide=guide)
    return decided


def test_numbers_count_the_session_whatever_the_order() -> None:
    policy = Backwards()
    session, places = begun(policy).session, []
    for number in (1, 2, 3):
        decided = say(session, policy, Outcome.NOT_HELPED, number)
        attempt, session = decided.attempt, decided.session
        assert attempt is not None
        places.append((attempt.step_number, attempt.step_id, attempt.author_position, session.current_step))
    assert places == [(1, "c", 3, 1), (2, "b", 2, 2), (3, "a", 1, 3)]
    assert (session.status, session.offered_step_id) == (Status.NEEDS_ESCALATION, None)


@pytest.mark.parametrize(
    ("outcome", "status", "action"),
    [(Outcome.DONE, Status.RESOLVED, NextAction.RESOLVED), (Outcome.NOT_HELPED, Status.NEEDS_ESCALATION, NextAction.ESCALATE)],
)
def test_the_last_step_is_the_one_after_which_nothing_is_offered(outcome: Outcome, status: Status, action: NextAction) -> None:
    policy = Backwards(leaves_out="b")
    ended = walk(policy, Outcome.DONE, outcome)
    assert (ended.session.status, ended.next_action, ended.session.current_step) == (status, action, 2)
    if status is Status.RESOLVED:
        assert ended.session.resolution is Resolution.ASSUMED
    # The same answer once more is told what it was told then, and so is the one before.
    for number, said, told in ((2, outcome, action), (1, Outcome.DONE, NextAction.CONTINUE)):
        answer = Answer(said, number, recorded=said)
        assert decide(ended.session, GUIDE, answer, NOW, policy=policy) == RepeatedAnswer(number, told)


def test_a_choice_is_recorded_as_it_was_made() -> None:
    offer = begun(Backwards()).offers[0]
    assert (offer.step_number, offer.step_id, offer.rule) == (1, "c", "backwards")
    assert (offer.policy, offer.policy_version, offer.explored, offer.probability) == ("backwards", "7", True, 0.25)
    assert offer.candidates == tuple({"step_id": name, "position": n, "score": n / 10} for n, name in enumerate("abc", 1))
    again = say(begun(Backwards()).session, Backwards(), Outcome.COULD_NOT).offers[0]
    assert (again.rule, again.policy, again.explored, again.probability) == ("try-again", None, False, 1.0)
    assert again.candidates == ({"step_id": "c", "position": 3},)


def test_the_authors_order_had_all_steps_that_were_left_to_choose_from() -> None:
    offer = walk(AUTHOR_ORDER, Outcome.DONE).offers[0]
    assert (offer.step_id, offer.policy, offer.policy_version, offer.explored, offer.probability) == (
        "b", "author-order", "1", False, 1.0,
    )  # fmt: skip
    assert offer.candidates == ({"step_id": "b", "position": 2}, {"step_id": "c", "position": 3})


def test_a_step_that_could_not_be_done_stays_whatever_the_policy_would_offer_now() -> None:
    session = begun(AUTHOR_ORDER).session
    after = say(session, Backwards(), Outcome.COULD_NOT, 1)
    assert (after.session.offered_step_id, after.session.current_step) == ("a", 0)
    assert [event.data.get("attempt") for event in after.events] == [None, 2]
    assert (after.events[1].data["step_number"], after.events[1].data["step_id"]) == (1, "a")


def test_tries_are_counted_for_each_step() -> None:
    session = begun(Backwards()).session
    counted = []
    for outcome in (Outcome.COULD_NOT, Outcome.COULD_NOT, Outcome.DONE, Outcome.COULD_NOT):
        decided = decide(session, GUIDE, Answer(outcome), NOW, policy=Backwards(), failures_allowed=9)
        assert isinstance(decided, Decision)
        session = decided.session
        counted += [event.data["attempt"] for event in decided.events if event.kind == "retry_attempt"]
    assert counted == [2, 3, 2]


@pytest.mark.parametrize("outcome", [Outcome.NOT_HELPED, Outcome.COULD_NOT])
def test_a_policy_may_call_a_person_before_the_steps_end(outcome: Outcome) -> None:
    policy = Impatient()
    called = walk(policy, outcome)
    assert (called.session.status, called.next_action) == (Status.NEEDS_ESCALATION, NextAction.ESCALATE)
    assert called.session.escalation_reason == str(ENOUGH)
    assert [event.kind.value for event in called.events][1:] == ["session_escalated"]
    stays = "a" if outcome is Outcome.COULD_NOT else "b"
    assert [(offer.kind, offer.step_id, offer.rule) for offer in called.offers] == [
        ("escalation", None, "costs-more"),
        ("step", stays, "still-open"),
    ]
    assert called.offers[0].policy == "impatient"
    # Who waits may go on, and tells nobody twice.
    on = say(called.session, policy, Outcome.DONE)
    assert (on.session.status, on.session.current_step) == (Status.NEEDS_ESCALATION, called.session.current_step + 1)
    assert [event.kind.value for event in on.events] == ["step_completed"]
    if outcome is Outcome.NOT_HELPED:
        repeated = decide(on.session, GUIDE, Answer(outcome, 1, recorded=outcome), NOW, policy=policy)
        assert repeated == RepeatedAnswer(1, NextAction.ESCALATE)


def test_a_person_and_no_step() -> None:
    called = walk(Impatient(meanwhile=False), Outcome.NOT_HELPED)
    assert [offer.kind for offer in called.offers] == ["escalation"]
    with pytest.raises(NoStepLeft):
        decide(called.session, GUIDE, Answer(Outcome.DONE), NOW)
    assert say(called.session, AUTHOR_ORDER, Outcome.SOLVED).session.status is Status.RESOLVED


def test_a_policy_may_begin_with_a_person() -> None:
    called = begun(Impatient(from_the_start=True))
    assert [event.kind.value for event in called.events] == ["session_started", "problem_detected", "session_escalated"]
    assert (called.session.status, called.session.offered_step_id) == (Status.NEEDS_ESCALATION, "a")
    assert [offer.kind for offer in called.offers] == ["escalation", "step"]


def test_a_step_that_worked_is_no_reason_to_give_up() -> None:
    policy = Impatient()
    tired = walk(policy, Outcome.NOT_HELPED).session
    on = say(tired, policy, Outcome.DONE)
    assert (on.next_action, on.session.offered_step_id, on.offers[0].rule) == (NextAction.CONTINUE, "c", "done-goes-on")


@pytest.mark.parametrize("name", ["a", "z"])
def test_a_step_that_is_not_open_is_never_offered(name: str) -> None:
    policy = Stubborn(name)
    after = walk(policy, Outcome.DONE)
    assert after.session.offered_step_id != name
    assert after.offers[0].policy == "author-order"


def test_what_must_come_before_comes_before() -> None:
    guide = guide_of("a", "b", "c", after={"c": "b", "b": "a"})
    offered = [walk(Backwards(), *[Outcome.DONE] * n, guide=guide).session.offered_step_id for n in range(3)]
    assert offered == ["a", "b", "c"]


def test_an_urgent_guide_keeps_its_authors_order() -> None:
    guide = guide_of("a", "b", urgent=True)
    called = begun(Backwards(), guide)
    assert [(offer.kind, offer.step_id) for offer in called.offers] == [("escalation", None), ("step", "a")]


def test_a_policy_that_changes_in_the_middle_passes_no_step_twice() -> None:
    session = walk(Backwards(), Outcome.DONE).session
    after = say(session, AUTHOR_ORDER, Outcome.DONE, 2)
    assert after.session.offered_step_id == "a"
    with pytest.raises(WrongStep):
        decide(after.session, GUIDE, Answer(Outcome.DONE, 2), NOW)


def test_a_session_comes_back_to_the_step_that_it_left() -> None:
    left = decide(walk(Backwards(), Outcome.DONE).session, GUIDE, Abandon(), NOW)
    assert isinstance(left, Decision)
    back = decide(left.session, GUIDE, Resume(), NOW, policy=AUTHOR_ORDER)
    assert isinstance(back, Decision)
    assert [(offer.step_number, offer.step_id, offer.rule) for offer in back.offers] == [(2, "b", "resumed")]


def test_words_that_call_a_person_leave_the_policys_step_on_offer() -> None:
    told = say(begun(Backwards()).session, Backwards(), Outcome.DONE, alarm=Alarm("Sin acceso"))
    assert [(offer.kind, offer.step_number, offer.step_id) for offer in told.offers] == [
        ("escalation", None, None),
        ("step", 2, "b"),
    ]


def test_the_next_guide_begins_anew_by_the_policy() -> None:
    session = walk(Backwards(), Outcome.DONE).session
    other = replace(guide_of("x", "y"), problem_id="h")
    told = decide(session, GUIDE, RejectProblem({}, "g", Pick(other, "v-h", "H", 0.7)), NOW, policy=Backwards())
    assert isinstance(told, Decision)
    assert (told.session.offered_step_id, told.session.answers, told.session.step_number) == ("y", (), 1)


@given(
    outcomes=st.lists(st.sampled_from([Outcome.DONE, Outcome.NOT_HELPED, Outcome.COULD_NOT]), max_size=14),
    names=st.lists(st.sampled_from("abcdef"), unique=True, min_size=1, max_size=6),
    kind=st.sampled_from(["author", "backwards", "impatient", "stubborn"]),
)
def test_every_order_keeps_the_rules(outcomes: list[Outcome], names: list[str], kind: str) -> None:
    guide = guide_of(*names)
    policy = {"author": AUTHOR_ORDER, "backwards": Backwards(), "impatient": Impatient(), "stubborn": Stubborn("a")}[kind]
    decided = begun(policy, guide)
    for outcome in outcomes:
        session = decided.session
        if session.status.ended or session.offered_step_id is None:
            break
        assert session.offered_step_id in names
        assert session.offered_step_id not in session.passed
        decided = say(session, policy, outcome, session.step_number, guide=guide)
        attempt, after = decided.attempt, decided.session
        assert attempt is not None
        assert (attempt.step_id, attempt.step_number) == (session.offered_step_id, session.step_number)
        assert after.current_step == len(after.passed) == session.current_step + (outcome is not Outcome.COULD_NOT)
        assert 0 <= after.current_step <= after.total_steps
        if outcome is Outcome.DONE and after.current_step < after.total_steps:
            assert decided.next_action is NextAction.CONTINUE
