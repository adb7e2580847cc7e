"""The learned order: the policy within the contract, guides of every kind, lineage of steps, and when a plan is due."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from guiado.app.context import GuidanceSetting
from guiado.app.guidance.facts_of import facts_of
from guiado.app.guidance.lineage import meanings_of, same_steps, translated
from guiado.app.guidance.plans import HeldPlan, plan_of
from guiado.app.guidance.policy import LearningPolicy, progress_of
from guiado.app.guidance.refit import MOST_STEPS, Evidence, automatic_order, basis_of, fitted, is_due, may_learn
from guiado.app.guidance.rules import CostRules, GuideRules, author_rules
from guiado.domain.decide import begin, decide
from guiado.domain.decision import Decision
from guiado.domain.guide import Guide, GuideAnswer, GuideQuestion, Step
from guiado.domain.policy import AUTHOR_ORDER, Policy
from guiado.domain.session import Outcome, Session, Status
from guiado.domain.session_commands import Answer, AnswerQuestion
from guiado.errors import SettingsInvalid
from guiado.guidance.compiled import compile_guide
from guiado.guidance.facts import Costs
from guiado.guidance.learning import fit
from guiado.guidance.off_policy import Comparison
from guiado.guidance.patterns import ESCALATED, SOLVED, STEP, Pattern, PatternCount, PatternEvent
from guiado.guidance.plan import Progress
from guiado.settings import read_settings
from guiado.store.guidance_evidence import PatternRow
from guiado.store.guidance_plans import LineageVersion, StoredPlan, UsedGuide
from guiado.wiring import guidance_setting

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LEARNED = GuidanceSetting("learned", Costs())
NEW = UsedGuide("g", "", "v", {}, 0, None, None, None, None, None, 0)


def guide_of(*names: str, **more: Any) -> Guide:
    steps = tuple(Step(n, name.upper(), step_id=name) for n, name in enumerate(names, 1))
    return Guide("g", "Un problema", steps=more.pop("steps", steps), **more)


def seen(steps: Sequence[str], solved: bool, sessions: int) -> PatternCount:
    results = ["not_helped"] * (len(steps) - 1) + ["solved" if solved else "not_helped"]
    events = tuple(PatternEvent(STEP, step, result) for step, result in zip(steps, results, strict=True))
    return PatternCount(Pattern(events, SOLVED if solved else ESCALATED), 1, sessions)


def policy_of(
    guide: Guide, *counts: PatternCount, rules: GuideRules | None = None, setting: GuidanceSetting = LEARNED
) -> LearningPolicy:
    """The policy of a process that has learned from these sessions."""
    plan = fitted(guide, Evidence(counts, {}), None, rules or GuideRules(), setting, NEW, sum(each.sessions for each in counts))
    plain = json.loads(json.dumps({"costs": {"person": rules.costs.person}} if rules and rules.costs else {}))
    if rules:
        plain |= {"floor": rules.floor, "pinned": rules.pinned, "explores": rules.explores}
    stored = StoredPlan("g", "v", 7, NOW, plan.sessions, plan.order_in_use, plan.posterior, plan.figures, plain)
    held = HeldPlan(stored, setting)
    return LearningPolicy(lambda version, of: held.in_use(of) if version == "v" else None)


def session_of(guide: Guide, **more: Any) -> Session:
    return replace(
        Session("s", "a@example.com", "No va", NOW, NOW, total_steps=len(guide.steps), problem_id="g", guide_version_id="v"),
        **more,
    )


def begun(policy: Policy, guide: Guide, **more: Any) -> Decision:
    return begin(session_of(guide, **more), guide, NOW, policy=policy)


def say(session: Session, guide: Guide, policy: Policy, outcome: Outcome) -> Decision:
    decided = decide(session, guide, Answer(outcome), NOW, policy=policy)
    assert isinstance(decided, Decision)
    return decided


GUIDE = guide_of("a", "b", "c")
B_HELPS = (seen("ab", True, 57), seen("abc", False, 3))


def test_the_best_step_comes_first_and_what_was_said_to_be_tried_comes_last() -> None:
    policy = policy_of(GUIDE, *B_HELPS)
    first = begun(policy, GUIDE)
    assert first.session.offered_step_id == "b"
    assert (first.offers[0].policy, first.offers[0].policy_version) == ("learned", "7")
    tried = begun(policy, GUIDE, facts={"already_tried": [{"step_id": "b", "words": "ya lo hice"}]})
    session, order = tried.session, list[str]()
    while session.offered_step_id is not None:
        order.append(session.offered_step_id)
        session = say(session, GUIDE, policy, Outcome.DONE).session
    assert (order[-1], sorted(order)) == ("b", ["a", "b", "c"])
    assert session.status is Status.RESOLVED


def test_a_session_of_another_version_has_the_authors_order() -> None:
    policy = policy_of(GUIDE, *B_HELPS)
    assert begun(policy, GUIDE, guide_version_id="w").session.offered_step_id == "a"
    assert begun(policy, GUIDE, guide_version_id=None).session.offered_step_id == "a"
    urgent = replace(GUIDE, urgent=True)
    assert begun(policy, urgent).session.offered_step_id == "a"


def test_what_cannot_be_used_leaves_the_authors_order() -> None:
    plan = fitted(GUIDE, Evidence(B_HELPS, {}), None, GuideRules(), LEARNED, NEW, 60)
    stored = StoredPlan("g", "v", 1, NOW, 60, "learned", plan.posterior, plan.figures, {})
    other = guide_of("x", "y")
    for each in (replace(stored, posterior=b"no"), replace(stored, posterior=b""), replace(stored, rules={"order": 5}), stored):
        held = HeldPlan(each, LEARNED)
        offered = begun(LearningPolicy(lambda _version, of, held=held: held.in_use(of)), other).session.offered_step_id
        assert offered == "x"

    def fails(_version: str, _guide: Guide) -> None:
        raise RuntimeError

    assert begun(LearningPolicy(fails), GUIDE).session.offered_step_id == "a"


def test_a_person_is_called_for_the_cost_after_something_failed_and_once() -> None:
    rules = GuideRules(costs=CostRules(person=1), explores=False)
    policy = policy_of(GUIDE, seen("abc", False, 60), rules=rules)
    first = begun(policy, GUIDE)
    assert first.session.status is Status.STARTED
    assert say(first.session, GUIDE, policy, Outcome.DONE).session.status is Status.IN_PROGRESS
    unable = say(first.session, GUIDE, policy, Outcome.COULD_NOT).session
    assert (unable.status, unable.offered_step_id) == (Status.IN_PROGRESS, first.session.offered_step_id)
    called = say(first.session, GUIDE, policy, Outcome.NOT_HELPED)
    assert called.session.status is Status.NEEDS_ESCALATION
    assert called.session.offered_step_id is not None
    assert "cuesta 1 min" in (called.session.escalation_reason or "")
    assert [each.rule for each in called.offers] == ["costs-more", "still-open"]
    again = say(called.session, GUIDE, policy, Outcome.NOT_HELPED)
    assert [each.kind for each in again.offers] == ["step"]
    # The author's floor goes before the cost.
    patient = policy_of(GUIDE, seen("abc", False, 60), rules=GuideRules(costs=CostRules(person=1), floor=3, explores=False))
    session = begun(patient, GUIDE).session
    for _ in range(2):
        session = say(session, GUIDE, patient, Outcome.NOT_HELPED).session
        assert session.status is Status.IN_PROGRESS
    assert say(session, GUIDE, patient, Outcome.NOT_HELPED).session.status is Status.NEEDS_ESCALATION


def test_the_same_session_explores_the_same_way() -> None:
    policy = policy_of(GUIDE, seen("ab", False, 4), seen("a", True, 1), rules=GuideRules(costs=CostRules(person=2)))
    for key in range(20):
        session = begun(policy, GUIDE, session_id=f"s{key}").session
        one, two = (say(session, GUIDE, policy, Outcome.NOT_HELPED).offers for _ in range(2))
        assert [(each.step_id, each.explored, each.probability) for each in one] == [
            (each.step_id, each.explored, each.probability) for each in two
        ]


STRANGE = {
    "one step": guide_of("a"),
    "many steps": guide_of(*(f"s{n}" for n in range(MOST_STEPS))),
    "in a circle": guide_of("a", "b", steps=(Step(1, "A", step_id="a", after=("b",)), Step(2, "B", step_id="b", after=("a",)))),
    "waits for nobody": guide_of("a", "b", steps=(Step(1, "A", step_id="a", after=("no",)), Step(2, "B", step_id="b"))),
    "waits for itself": guide_of("a", steps=(Step(1, "A", step_id="a", after=("a",)),)),
    "all irreversible": guide_of(
        "a", "b", steps=tuple(Step(n, each, step_id=each, irreversible=True) for n, each in enumerate("ab", 1))
    ),
    "only preparations": guide_of(
        "a", "b", steps=tuple(Step(n, each, step_id=each, preparation=True) for n, each in enumerate("ab", 1))
    ),
    "no chances left": guide_of(
        "a", "b", steps=tuple(Step(n, each, step_id=each, chance=0, minutes=0) for n, each in enumerate("ab", 1))
    ),
    "sure twice": guide_of(
        "a", "b", steps=tuple(Step(n, each, step_id=each, chance=1, minutes=9e9) for n, each in enumerate("ab", 1))
    ),
    "variants": guide_of("a", "b", variants={"mac": "", "windows": "Windows"}),
}


@pytest.mark.parametrize("guide", STRANGE.values(), ids=STRANGE.keys())
def test_every_guide_comes_to_an_end_in_every_order(guide: Guide) -> None:
    """Whatever the author wrote and whatever was recorded, each step is offered once and the session ends."""
    names = [step.step_id for step in guide.steps]
    counts = [seen(names[: n + 1], n % 2 == 0, 2) for n in range(min(len(names), 5))]
    all_counts = (counts,) if len(names) > 8 else (counts, (), [seen(["gone", "other"], True, 9)])
    for policy in (policy_of(guide, *each) for each in all_counts):
        for outcome in (Outcome.NOT_HELPED, Outcome.DONE)[: len(all_counts)]:
            session, order = begun(policy, guide).session, list[str]()
            while session.offered_step_id is not None and not session.status.ended:
                order.append(session.offered_step_id)
                assert len(order) <= len(names)
                session = say(session, guide, policy, outcome).session
            assert sorted(order) == sorted(names)
            assert session.status is (Status.RESOLVED if outcome is Outcome.DONE else Status.NEEDS_ESCALATION)


def test_long_urgent_and_other_guides_keep_the_authors_order() -> None:
    assert may_learn(GUIDE)
    assert not may_learn(guide_of(*(f"s{n}" for n in range(MOST_STEPS + 1))))
    assert not may_learn(replace(GUIDE, urgent=True))
    assert not may_learn(replace(GUIDE, kind="answer"))
    assert not may_learn(replace(GUIDE, steps=()))


def test_a_step_that_could_not_be_done_counts_until_something_else_is_said() -> None:
    session = begun(AUTHOR_ORDER, GUIDE).session
    session = say(session, GUIDE, AUTHOR_ORDER, Outcome.COULD_NOT).session
    assert (progress_of(session).done, progress_of(session).unable) == ((), ("a",))
    session = say(session, GUIDE, AUTHOR_ORDER, Outcome.NOT_HELPED).session
    assert (progress_of(session).done, progress_of(session).unable) == (("a",), ())


def test_a_choice_that_is_planned_ahead_takes_no_time() -> None:
    guide = guide_of(*"abcdefgh")
    policy, session = policy_of(guide, seen("abc", True, 60)), session_of(guide)
    policy.next(session, guide)
    took = list[float]()
    for _ in range(200):
        begin_s = time.perf_counter()
        policy.next(session, guide)
        took.append(time.perf_counter() - begin_s)
    assert sorted(took)[100] < 0.0002


# -------------------------------------------------------------------------------------------------------- when a plan is due


USED = UsedGuide("g", "", "v", {}, 0, 3, 100, 0, basis_of(LEARNED), "shadow", 0)


@pytest.mark.parametrize(
    ("used", "counted", "due"),
    [
        (NEW, 4, False),
        (NEW, 5, True),
        (NEW._replace(revision=1), 0, True),
        (USED, 100, False),
        (USED, 103, False),
        (USED, 104, True),
        (USED, 90, True),
        (USED._replace(amended=4), 100, True),
        (USED._replace(amended=1), 103, True),
        (USED._replace(counted=5), 5, False),
        (USED._replace(counted=5), 6, True),
        (USED._replace(revision=9), 100, True),
        (USED._replace(basis="other"), 100, True),
    ],
)
def test_a_plan_is_due_when_enough_is_new(used: UsedGuide, counted: int, due: bool) -> None:
    assert is_due(used, counted, basis_of(LEARNED)) is due


def test_who_goes_by_what_is_learned_need_not_wait() -> None:
    assert is_due(NEW, 1, basis_of(LEARNED), is_wanted=True)
    assert not is_due(NEW, 0, basis_of(LEARNED), is_wanted=True)


def test_the_learned_order_is_used_when_it_is_known_to_be_no_worse() -> None:
    def of(not_worse: float) -> Comparison:
        return Comparison(10, 9, -2, -1, 0, not_worse, 5)

    assert automatic_order(of(1.0), 49, was_learned=False) == "shadow"
    assert automatic_order(of(0.94), 50, was_learned=False) == "shadow"
    assert automatic_order(of(0.95), 50, was_learned=False) == "learned"
    assert automatic_order(of(0.5), 500, was_learned=True) == "learned"
    assert automatic_order(of(0.49), 500, was_learned=True) == "shadow"


# ------------------------------------------------------------------------------------------------------- lineage and rules


def version(name: str, parent: str | None, *steps: tuple[str, int, bool]) -> LineageVersion:
    plain = [{"step_id": step_id, "revision": revision, "meaning_changed": changed} for step_id, revision, changed in steps]
    return LineageVersion(name, parent, plain)


def test_a_step_keeps_its_meaning_until_its_author_says_otherwise() -> None:
    meanings = meanings_of([
        version("v1", None, ("a", 1, False), ("b", 1, False), ("c", 1, False)),
        version("v2", "v1", ("a", 2, False), ("b", 2, True), ("d", 1, False)),
        version("v3", "v2", ("a", 2, False), ("b", 2, True), ("c", 1, False)),
        version("side", "v1", ("a", 1, False), ("b", 2, False)),
        version("same", "v3", ("a", 3, False), ("b", 3, False), ("c", 1, False)),
    ])  # fmt: skip
    assert meanings["v1"]["a"] == meanings["v2"]["a"] == meanings["v3"]["a"] == meanings["side"]["a"]
    assert meanings["v1"]["b"] == meanings["side"]["b"] != meanings["v2"]["b"] == meanings["v3"]["b"]
    assert meanings["v1"]["c"] != meanings["v3"]["c"], "it was left out, and somebody wrote a new one"
    assert same_steps(meanings, "same") == ["same", "v3"]
    pattern = Pattern(
        (PatternEvent(STEP, "a@1", "not_helped"), PatternEvent(STEP, "b@1", "solved")), SOLVED, left_in="c@1"
    ).to_text()
    found = [PatternRow(date(2026, 1, 2), name, pattern, 2) for name in ("v1", "side", "elsewhere")]
    (one,) = translated(found, meanings, "side")
    assert ([event.id for event in one.pattern.events], one.pattern.left_in, one.sessions) == (["a", "b"], "c@1", 4)
    by_v3 = translated(found, meanings, "v3")
    assert [[event.id for event in each.pattern.events] for each in by_v3] == [["a", "b@1"]]
    assert by_v3[0].sessions == 4, "of two versions that nothing tells apart"
    assert translated(found, meanings, "unknown")[0].pattern.events[0].id == "a@1"


def test_rules_that_no_longer_fit_are_left_out() -> None:
    guide = guide_of("a", "b", "c", steps=(
        Step(1, "A", step_id="a"), Step(2, "B", step_id="b", after=("a",)), Step(3, "C", step_id="c")))  # fmt: skip
    rules = GuideRules(pinned=["b", "gone", "c"], kept=[("b", "a"), ("a", "gone"), ("c", "a"), ("a", "c")], floor=9)
    usable = author_rules(guide, rules)
    assert (usable.pinned, usable.kept, usable.floor) == (("c",), (("c", "a"),), 9)


# ----------------------------------------------------------------------------------------------------------------- settings


def test_settings_of_the_order_are_read_and_refused_by_name() -> None:
    given = {"GUIADO_GUIDANCE_ORDER": "Shadow", "GUIADO_COST_PERSON_MINUTES": "30.5", "GUIADO_COST_LEAVING_MINUTES": "0"}
    assert guidance_setting(read_settings(**given)) == GuidanceSetting("shadow", Costs(30.5, 0, 15))
    assert guidance_setting(read_settings()) == GuidanceSetting("auto", Costs(45, 45, 15))
    bad = {
        "GUIADO_GUIDANCE_ORDER": ("aprendido", "auto, author, learned, shadow"),
        "GUIADO_COST_PERSON_MINUTES": ("-1", "0.0 como mínimo"),
        "GUIADO_COST_LEAVING_MINUTES": ("mucho", "debe ser un número"),
        "GUIADO_COST_RECONTACT_MINUTES": ("1e9", "100000.0 como máximo"),
    }
    for name, (value, told) in bad.items():
        with pytest.raises(SettingsInvalid) as refused:
            read_settings(**{name: value})
        assert name in str(refused.value)
        assert told in str(refused.value)
    for value in ("nan", "inf"):
        with pytest.raises(SettingsInvalid):
            read_settings(GUIADO_COST_PERSON_MINUTES=value)


def test_a_question_is_asked_where_its_answer_saves_more_than_it_takes() -> None:
    light = GuideQuestion(
        "luz", "¿De qué color?", (GuideAnswer("roja", "Roja", {"c": 30.0}), GuideAnswer("verde", "Verde", {"a": 30.0})), 0.5
    )
    steps = tuple(Step(n, name.upper(), step_id=name, minutes=15, chance=0.3) for n, name in enumerate("abc", 1))
    guide = guide_of(steps=steps, questions=(light,))
    policy = policy_of(guide)
    first = begun(policy, guide)
    assert (first.session.asked_question_id, first.offers[0].rule, first.offers[0].policy) == ("luz", "guide-question", "learned")
    for answer, step in (("roja", "c"), ("verde", "a")):
        told = decide(first.session, guide, AnswerQuestion("luz", answer), NOW, policy=policy)
        assert isinstance(told, Decision)
        assert (told.session.asked_question_id, told.session.offered_step_id) == (None, step)
    over = decide(first.session, guide, AnswerQuestion("luz"), NOW, policy=policy)
    assert isinstance(over, Decision)
    assert (over.session.asked_question_id, over.session.offered_step_id) == (None, first.session.offered_step_id)
    known = begun(policy, guide, facts={"product": "roja"})
    assert (known.session.asked_question_id, known.session.offered_step_id) == (None, "c")
    dear = replace(guide, questions=(replace(light, minutes=60),))
    assert begun(policy_of(dear), dear).session.asked_question_id is None
    shadow = begun(policy_of(guide, setting=GuidanceSetting("shadow", Costs())), guide)
    assert (shadow.session.asked_question_id, shadow.offers[0].rule) == (None, "shadow-question")


def test_a_guide_with_one_variant_keeps_its_plan() -> None:
    """Whoever says nothing of a single variant is taken to have it, so that there is one table for both."""
    one = replace(GUIDE, variants={"windows": ""})
    posterior = fit(compile_guide(facts_of(one, Costs())), [], {})
    plan = plan_of(one, posterior, GuideRules(), GuidanceSetting())
    assert plan.choose(Progress("windows")) == plan.choose(Progress(""))
