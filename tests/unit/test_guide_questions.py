"""Questions of a guide in a session: who asks them, what an answer changes, and that who answers steps alone never notices."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders import Backwards, Curious, Impatient

from guiado.domain.clarification import Pick
from guiado.domain.decide import begin, decide
from guiado.domain.decision import Decision, RepeatedAnswer
from guiado.domain.given_answer import GivenAnswer
from guiado.domain.guide import Guide, GuideAnswer, GuideQuestion, Step
from guiado.domain.policy import AUTHOR_ORDER, Policy
from guiado.domain.session import NextAction, Outcome, Session, Status
from guiado.domain.session_commands import (
    Abandon,
    Alarm,
    Answer,
    AnswerQuestion,
    RejectProblem,
    Resume,
    SessionCommand,
    UndoAnswer,
)
from guiado.errors import InvalidInput, QuestionNotOpen, SessionEnded

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LIGHT = GuideQuestion("luz", "¿De qué color es la luz?", (GuideAnswer("roja", "Roja"), GuideAnswer("verde", "Verde fija")))
DEVICE = GuideQuestion("equipo", "¿Qué usas?", (GuideAnswer("windows", "Un PC"), GuideAnswer("otro", "Otra cosa")))
SURE = GuideQuestion("ayer", "¿Ayer funcionaba?", (GuideAnswer("si", "Sí"), GuideAnswer("no", "No")))
STEPS = tuple(Step(n, name.upper(), step_id=name, chance=n / 10) for n, name in enumerate("abcd", 1))
ENGLISH = {"en": {"questions": [{"text": "What do you use?", "answers": ["A personal computer", "Something else"]}]}}
GUIDE = Guide("g", "Un problema", steps=STEPS, questions=(LIGHT, SURE))


def begun(policy: Policy, guide: Guide = GUIDE, **facts: object) -> Decision:
    variant = facts.pop("variant", None)
    first = Session("s", "a@example.com", "No va", NOW, NOW, total_steps=len(guide.steps), problem_id="g", problem_title="P")
    return begin(replace(first, facts=facts, variant=variant), guide, NOW, policy=policy)


def tell(session: Session, command: SessionCommand, policy: Policy, guide: Guide = GUIDE) -> Decision:
    decided = decide(session, guide, command, NOW, policy=policy)
    assert isinstance(decided, Decision)
    return decided


def rows(decided: Decision) -> list[tuple[object, ...]]:
    return [(offer.number, offer.kind, offer.rule, offer.step_id) for offer in decided.offers]


def test_a_question_comes_with_the_step_that_would_be_next_without_it() -> None:
    policy = Curious(Backwards())
    decided = begun(policy)
    session = decided.session
    assert (session.asked_question_id, session.offered_step_id, session.step_number, session.guide_answers) == ("luz", "d", 1, ())
    assert rows(decided) == [(1, "question", "guide-question", None), (2, "step", "backwards", "d")]
    asked = decided.offers[0]
    assert asked.candidates == ({"question_id": "luz", "answer_id": "roja"}, {"question_id": "luz", "answer_id": "verde"})
    assert (asked.policy, asked.policy_version, asked.explored, asked.probability) == ("curious", "3", True, 0.5)


def test_the_answer_decides_what_comes_next() -> None:
    policy = Curious(first={"roja": "c"})
    session = begun(policy).session
    one = tell(session, AnswerQuestion("luz", "roja"), policy)
    assert (one.session.asked_question_id, one.session.offered_step_id, one.events, one.attempt) == ("ayer", "c", (), None)
    other = tell(one.session, AnswerQuestion("ayer"), policy)
    assert (other.session.asked_question_id, other.session.offered_step_id) == (None, "c")
    assert other.session.guide_answers == (GivenAnswer("luz", "roja"), GivenAnswer("ayer"))
    assert rows(other) == [(5, "step", "as-answered", "c")]
    assert (other.session.current_step, other.session.attempts, other.session.status) == (0, 0, Status.STARTED)


def test_after_a_step_it_is_asked_before_the_next_one() -> None:
    policy = Curious(after=1)
    first = tell(begun(policy).session, Answer(Outcome.NOT_HELPED, 1), policy)
    assert (first.next_action, first.session.asked_question_id, first.session.offered_step_id) == (
        NextAction.CONTINUE,
        "luz",
        "b",
    )
    told = tell(first.session, AnswerQuestion("luz", "verde"), policy)
    assert told.session.guide_answers == (GivenAnswer("luz", "verde", 1),)


def test_who_answers_the_step_passes_the_question_over() -> None:
    policy = Curious()
    session = begun(policy).session
    told = tell(session, Answer(Outcome.DONE, 1, step_id="a"), policy)
    assert told.session.guide_answers == (GivenAnswer("luz", None, 0),)
    assert (told.session.asked_question_id, told.session.current_step) == ("ayer", 1)
    assert told.attempt is not None
    assert told.attempt.decision_number == 2
    with pytest.raises(QuestionNotOpen):
        decide(told.session, GUIDE, AnswerQuestion("otra", "roja"), NOW, policy=policy)
    assert decide(told.session, GUIDE, AnswerQuestion("luz"), NOW, policy=policy) == RepeatedAnswer(0, NextAction.CONTINUE)


def test_a_step_that_could_not_be_done_stays_without_its_question() -> None:
    policy = Curious()
    told = tell(begun(policy).session, Answer(Outcome.COULD_NOT), policy)
    assert (told.session.asked_question_id, told.session.offered_step_id) == (None, "a")
    assert rows(told)[-1][1:] == ("step", "try-again", "a")


def test_another_answer_takes_the_place_of_the_first() -> None:
    policy = Curious(first={"roja": "c", "verde": "d"})
    session = tell(begun(policy).session, AnswerQuestion("luz", "roja"), policy).session
    session = tell(session, Answer(Outcome.NOT_HELPED), policy).session  # which passes «ayer» over
    changed = tell(session, AnswerQuestion("luz", "verde"), policy).session
    assert changed.guide_answers == (GivenAnswer("luz", "verde", 0), GivenAnswer("ayer", None, 0))
    assert (changed.offered_step_id, changed.step_number, changed.asked_question_id) == ("d", 2, None)
    told = tell(changed, AnswerQuestion("ayer", "si"), policy).session
    assert told.guide_answers[1] == GivenAnswer("ayer", "si", 0)


def test_an_urgent_case_is_offered_no_step_for_a_corrected_answer() -> None:
    policy = Curious()
    session = tell(begun(policy).session, AnswerQuestion("luz", "roja"), policy).session
    urgent = tell(session, Answer(Outcome.DONE, alarm=Alarm("Sin acceso", urgent=True)), policy).session
    told = tell(urgent, AnswerQuestion("luz", "verde"), policy)
    assert told.session.guide_answers[0] == GivenAnswer("luz", "verde", 0)
    assert (told.offers, told.events, told.next_action) == ((), (), NextAction.ESCALATE)
    assert (told.session.offered_step_id, told.session.status) == (urgent.offered_step_id, Status.NEEDS_ESCALATION)


def test_a_person_who_was_called_for_a_wrong_answer_waits_while_the_steps_go_on() -> None:
    policy = Curious(first={"roja": "c"})
    session = tell(
        begun(Curious()).session, AnswerQuestion("luz", "roja"), Impatient(meanwhile=False, from_the_start=True)
    ).session
    assert (session.status, session.offered_step_id) == (Status.NEEDS_ESCALATION, None)
    told = tell(session, AnswerQuestion("luz", "verde"), policy)
    assert (told.session.offered_step_id, told.session.status, told.events) == ("a", Status.NEEDS_ESCALATION, ())


def test_the_same_answer_twice_is_one_and_what_was_not_asked_is_refused() -> None:
    policy = Curious()
    session = tell(begun(policy).session, AnswerQuestion("luz", "roja"), policy).session
    assert decide(session, GUIDE, AnswerQuestion("luz", "roja"), NOW, policy=policy) == RepeatedAnswer(0, NextAction.CONTINUE)
    with pytest.raises(InvalidInput) as refused:
        decide(session, GUIDE, AnswerQuestion("ayer", "quizás"), NOW, policy=policy)
    assert refused.value.problems[0].field == "answer_id"
    with pytest.raises(QuestionNotOpen):
        decide(begun(AUTHOR_ORDER).session, GUIDE, AnswerQuestion("luz", "roja"), NOW)
    ended = tell(session, Answer(Outcome.SOLVED), policy).session
    with pytest.raises(SessionEnded):
        decide(ended, GUIDE, AnswerQuestion("ayer", "si"), NOW)


@pytest.mark.parametrize("asked", ["luz", "no hay"])
def test_a_policy_that_asks_what_it_must_not_is_not_obeyed(asked: str) -> None:
    policy = Curious(question_id=asked)
    told = tell(begun(policy).session, Answer(Outcome.DONE), policy)
    assert told.session.asked_question_id is None
    assert (told.offers[-1].policy, told.session.offered_step_id) == ("author-order", "b")


def test_nothing_is_asked_without_a_step_left_nor_in_an_urgent_guide() -> None:
    policy = Curious(after=4)
    session = begun(policy).session
    for _ in STEPS:
        decided = tell(session, Answer(Outcome.NOT_HELPED), policy)
        session = decided.session
    assert (session.asked_question_id, session.status) == (None, Status.NEEDS_ESCALATION)
    urgent = replace(GUIDE, urgent=True)
    assert begun(Curious(), urgent).session.asked_question_id is None


def test_who_is_to_wait_for_a_person_is_asked_nothing() -> None:
    policy = Curious()
    told = tell(begun(policy).session, Answer(Outcome.DONE, alarm=Alarm("Sin acceso")), policy)
    assert (told.session.asked_question_id, [offer.kind for offer in told.offers]) == (None, ["escalation", "step"])
    tired = tell(begun(Curious(Impatient(), after=1)).session, Answer(Outcome.NOT_HELPED), Curious(Impatient(), after=1))
    assert (tired.session.asked_question_id, tired.session.offered_step_id) == ("luz", "b"), "the answer may make a step worth it"
    assert rows(tired)[-1][1:] == ("step", "still-open", "b")


def test_an_answer_may_call_a_person() -> None:
    policy = Curious(Impatient(from_the_start=True), question_id=None)
    guide = replace(GUIDE, questions=(LIGHT,))
    called = tell(begun(policy, guide).session, AnswerQuestion("luz", "roja"), policy, guide)
    assert (called.next_action, called.session.status) == (NextAction.ESCALATE, Status.NEEDS_ESCALATION)
    assert [offer.kind for offer in called.offers] == ["escalation", "step"]
    assert [event.kind.value for event in called.events] == ["session_escalated"]
    assert decide(called.session, guide, AnswerQuestion("luz", "roja"), NOW) == RepeatedAnswer(0, NextAction.ESCALATE)


def test_a_session_comes_back_to_its_question() -> None:
    policy = Curious()
    left = tell(begun(policy).session, Abandon(), policy).session
    back = tell(left, Resume(), policy)
    assert (back.session.asked_question_id, back.session.offered_step_id) == ("luz", "a")
    assert rows(back) == [(3, "question", "resumed", None), (4, "step", "resumed", "a")]


def test_an_answer_taken_back_leaves_no_question_open_and_forgets_none() -> None:
    policy = Curious(after=1)
    decided = tell(begun(policy).session, Answer(Outcome.DONE), policy)
    told = tell(decided.session, AnswerQuestion("luz", "roja"), policy)
    assert told.session.asked_question_id == "ayer"
    back = tell(told.session, UndoAnswer(decided.attempt, "a-1"), policy)
    assert (back.session.asked_question_id, back.session.offered_step_id, back.session.current_step) == (None, "a", 0)
    assert back.session.guide_answers == (GivenAnswer("luz", "roja", 0),)
    assert tell(back.session, Answer(Outcome.DONE), policy).session.asked_question_id == "ayer"


def test_another_guide_has_its_own_questions() -> None:
    policy = Curious()
    session = tell(begun(policy).session, AnswerQuestion("luz", "roja"), policy).session
    pick = Pick(replace(GUIDE, problem_id="h"), "v-h", "H", 0.7)
    told = tell(session, RejectProblem({}, "g", pick), policy)
    assert (told.session.asked_question_id, told.session.guide_answers) == ("luz", ())


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        ({"device": "Portátil con Windows 11"}, "windows"),
        ({"device": "Mozilla/5.0 (Windows NT 10.0; Win64)"}, "windows"),
        ({"device": "un pc"}, "windows"),
        ({"product": "A personal computer"}, "windows"),
        ({"product": "otra cosa"}, "otro"),
        ({"product": "windows"}, None),
        ({"variant": "windows"}, "windows"),
        ({"variant": "tablet"}, "otro"),
        ({"device": "Windows, u otra cosa"}, None),
        ({"device": "Mac"}, None),
        ({"device": 7}, None),
        ({}, None),
    ],
)
def test_what_is_known_is_not_asked(facts: dict[str, object], answer: str | None) -> None:
    labels = {"windows": "", "tablet": "Otra cosa"}
    guide = replace(GUIDE, questions=(DEVICE,), variants=labels, translations=ENGLISH)
    session = begun(Curious(), guide, **facts).session
    assert session.asked_question_id == (None if answer else "equipo")
    assert session.guide_answers == ((GivenAnswer("equipo", answer, 0, known=True),) if answer else ())


@pytest.mark.parametrize("product", ["Plan sin límites, no renovado", "notebook", "Ayer, sí y no"])
def test_a_short_answer_is_not_found_within_other_words(product: str) -> None:
    assert begun(Curious(), replace(GUIDE, questions=(SURE,)), product=product).session.asked_question_id == "ayer"


COMMANDS = st.one_of(
    st.sampled_from([Outcome.DONE, Outcome.NOT_HELPED, Outcome.COULD_NOT]).map(Answer),
    st.builds(AnswerQuestion, st.sampled_from(["luz", "ayer"]), st.sampled_from(["roja", "si", None])),
)
MAY_DIFFER = {"asked_question_id", "guide_answers", "decisions", "version", "answers"}


@given(st.lists(COMMANDS, max_size=12), st.integers(0, 3), st.booleans())
def test_questions_keep_the_rules_and_change_nothing_of_the_steps(
    commands: list[Answer | AnswerQuestion], after: int, backwards: bool
) -> None:
    plain: Policy = Backwards() if backwards else AUTHOR_ORDER
    policy = Curious(plain, after)
    session, without, asked = begun(policy).session, begun(plain).session, set[str]()
    for command in commands:
        if session.status.ended or session.offered_step_id is None:
            break
        if session.asked_question_id:
            asked.add(session.asked_question_id)
        try:
            decided = decide(session, GUIDE, command, NOW, policy=policy, failures_allowed=9)
        except (QuestionNotOpen, InvalidInput):
            continue
        if isinstance(decided, RepeatedAnswer):
            continue
        numbers = [offer.number for offer in decided.offers]
        assert numbers == list(range(session.decisions + 1, session.decisions + 1 + len(numbers)))
        session = decided.session
        assert session.decisions == (numbers[-1] if numbers else session.decisions)
        known = [each.question_id for each in session.guide_answers]
        assert len(known) == len(set(known))
        assert set(known) <= asked
        assert session.asked_question_id not in known
        if isinstance(command, Answer):
            plainly = decide(without, GUIDE, command, NOW, policy=plain, failures_allowed=9)
            assert isinstance(plainly, Decision)
            assert decided.attempt == replace(plainly.attempt, decision_number=decided.attempt.decision_number)
            assert decided.events == plainly.events
            assert decided.next_action is plainly.next_action
            without = plainly.session
        same = {each.name for each in fields(Session)} - MAY_DIFFER
        assert [getattr(session, name) for name in same] == [getattr(without, name) for name in same]
