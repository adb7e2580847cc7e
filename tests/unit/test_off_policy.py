"""The comparison of the learned order with the author's: by the model, and corrected by recorded sessions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from guiado.guidance.compiled import compile_guide
from guiado.guidance.facts import Costs, GuideFacts, StepFacts
from guiado.guidance.learning import fit
from guiado.guidance.off_policy import author_order, compare, learned_order
from guiado.guidance.patterns import COULD_NOT, ESCALATED, NOT_HELPED, SOLVED, STEP, Pattern, PatternCount, PatternEvent
from guiado.guidance.plan import GuidePlan


def plan_of(names: str, counts: Sequence[PatternCount], person: float = 45, after: dict[str, str] | None = None) -> GuidePlan:
    steps = tuple(StepFacts(name, minutes=3, after=tuple((after or {}).get(name, ""))) for name in names)
    guide = compile_guide(GuideFacts("g", "1", steps, Costs(person), ("mac",)))
    return GuidePlan(guide, fit(guide, counts, {}))


def seen(steps: str, solved: bool, sessions: int, variant: str = "", day: int = 1) -> PatternCount:
    results = [NOT_HELPED] * (len(steps) - 1) + [SOLVED if solved else NOT_HELPED]
    events = tuple(PatternEvent(STEP, step, result) for step, result in zip(steps, results, strict=True))
    return PatternCount(Pattern(events, SOLVED if solved else ESCALATED, variant), day, sessions)


def test_an_order_that_helps_sooner_costs_less() -> None:
    counts = [seen("ab", True, 190), seen("abcd", False, 10)]
    plan = plan_of("abcd", counts)
    found = compare(plan, counts)
    assert learned_order(plan, "")[0] == 1
    assert found.learned < found.author
    assert (found.low < found.mean < found.high < 0, found.not_worse > 0.95) == (True, True)
    assert found.mean == pytest.approx(found.learned - found.author)
    assert found.effective_sessions == 0, "nobody went that way yet"


def test_the_model_says_the_cost_where_there_are_no_sessions() -> None:
    plan = plan_of("abcd", [])
    found = compare(plan, [])
    ids = [step.step_id for step in plan.guide.facts.steps]
    assert found.author == pytest.approx(plan.expected_costs("", "abcd").mean())
    assert found.learned == pytest.approx(plan.expected_costs("", [ids[step] for step in learned_order(plan, "")]).mean())


def test_the_same_order_is_certainly_no_worse() -> None:
    counts = [seen("a", True, 170), seen("ab", True, 30), seen("abc", False, 5)]
    plan = plan_of("abc", counts, person=500)
    assert learned_order(plan, "") == author_order(plan.guide) == [0, 1, 2]
    found = compare(plan, counts)
    assert (found.low, found.mean, found.high, found.not_worse) == (0, 0, 0, 1)
    assert found.effective_sessions == pytest.approx(205)


def test_sessions_that_went_the_learned_way_correct_the_model() -> None:
    """A model that was taught wrong is put right by what customers said of the order that it prefers."""
    taught = [seen("ab", True, 190), seen("abcd", False, 10)]
    plan = plan_of("abcd", taught)
    happy, sad = [*taught, seen("b", True, 60)], [*taught, seen("ba", True, 60)]
    model, good, bad = (compare(plan, counts) for counts in (taught, happy, sad))
    assert good.learned <= model.learned + 0.5
    assert bad.learned > model.learned + 5
    assert bad.not_worse < model.not_worse
    assert good.effective_sessions > 30


def test_each_variant_counts_by_its_sessions() -> None:
    counts = [seen("ab", True, 100), seen("abc", False, 5), seen("ac", True, 100, "mac"), seen("abc", False, 5, "mac")]
    plan = plan_of("abc", counts)
    both, one = compare(plan, counts), compare(plan, counts[:2])
    other = compare(plan, counts[2:])
    assert both.learned == pytest.approx((one.learned + other.learned) / 2, rel=0.05)
    assert compare(plan, [seen("a", True, 5, "unknown")]).learned > 0


def test_the_authors_order_waits_for_what_comes_before() -> None:
    plan = plan_of("abc", [], after={"a": "c"})
    assert author_order(plan.guide) == [1, 2, 0]
    assert set(learned_order(plan, "")) <= {0, 1, 2}


def test_odd_sessions_count_as_far_as_they_go() -> None:
    counts = [
        PatternCount(Pattern((PatternEvent(STEP, "a", COULD_NOT), PatternEvent(STEP, "b", SOLVED)), SOLVED), 1, 50),
        PatternCount(Pattern((PatternEvent(STEP, "a@1", NOT_HELPED), PatternEvent(STEP, "b", SOLVED)), SOLVED), 1, 50),
        PatternCount(Pattern((PatternEvent(STEP, "a", NOT_HELPED), PatternEvent(STEP, "a", SOLVED)), SOLVED), 1, 50),
        PatternCount(Pattern((), "abandoned", left_in="a"), 1, 50),
        PatternCount(Pattern((PatternEvent(STEP, "a", "done"), PatternEvent(STEP, "b", "done")), "assumed"), 1, 50),
        PatternCount(Pattern((PatternEvent(STEP, "a", SOLVED),), SOLVED, returned=True), 1, 50),
    ]
    found = compare(plan_of("ab", counts), counts)
    assert np.isfinite([found.author, found.learned, found.low, found.high, found.effective_sessions]).all()
    assert 0 <= found.not_worse <= 1
