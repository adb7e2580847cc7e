"""Replay of two versions of a guide on the same customers: what is better, what is worse, and what nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guiado.app.guidance.facts_of import facts_of
from guiado.app.knowledge.check.verdicts import COSTLIER, CheckTerms, GuideChange, check_guide, check_guides
from guiado.app.knowledge.sources.json_file import read_file
from guiado.domain.guide import Guide, Step
from guiado.guidance.facts import Costs, GuideFacts, StepFacts
from guiado.guidance.patterns import ABANDONED, DONE, ESCALATED, NOT_HELPED, SOLVED, STEP, Pattern, PatternCount, PatternEvent
from guiado.guidance.replay import FEWEST, ReplayResult, offered_order, replay
from guiado.resources import data_path

ROUTER = (
    StepFacts("cable", 0.4, 2.0),
    StepFacts("reinicia", 0.3, 4.0),
    StepFacts("fabrica", 0.1, 15.0, irreversible=True, risk_minutes=10.0, after=("reinicia",)),
)


def facts(*steps: StepFacts, **more: object) -> GuideFacts:
    return GuideFacts("red", "1", steps, **more)  # pyright: ignore[reportArgumentType]


OLD = facts(*ROUTER)


def test_the_same_guide_costs_the_same() -> None:
    found = replay(OLD, OLD)
    assert (found.difference, found.low, found.high, found.share) == (0, 0, 0, 0)
    assert (found.sessions, found.recorded, found.old_dead_ends, found.new_dead_ends) == (FEWEST, 0, 0, 0)
    assert not found.is_worse


@pytest.mark.parametrize(
    ("worse", "new"),
    [
        (True, facts(ROUTER[1], ROUTER[2], ROUTER[0])),  # the step for good before the cable
        (True, facts(*(replace(step, minutes=(step.minutes or 0) * 2) for step in ROUTER))),
        (True, facts(ROUTER[1])),  # what solves most is gone
        (True, facts(StepFacts("espera", 0.0, 20.0), *ROUTER)),
        (True, facts(*(replace(step, risk_minutes=8.0) for step in ROUTER))),
        (False, facts(*(replace(step, minutes=(step.minutes or 0) / 2) for step in ROUTER))),
        (False, facts(*ROUTER[:2], StepFacts("canal", 0.15, 1.0))),
        (False, facts(*(replace(step, minutes=(step.minutes or 0) * 1.02) for step in ROUTER))),  # less than is admitted
        (False, facts(*(replace(step, chance=0.1) for step in ROUTER))),  # another estimate, the same order
    ],
)
def test_what_costs_customers_more_is_told_from_what_does_not(worse: bool, new: GuideFacts) -> None:
    found = replay(OLD, new)
    assert found.is_worse is worse, found
    assert found.low <= found.difference <= found.high


def test_it_is_the_same_for_the_same_seed_and_near_for_another() -> None:
    new = facts(ROUTER[1], ROUTER[2], ROUTER[0])
    assert replay(OLD, new) == replay(OLD, new)
    shares = [replay(OLD, new, seed=seed).share for seed in range(20)]
    assert len(set(shares)) > 1
    assert max(shares) - min(shares) < 0.15


def test_noise_refuses_nothing() -> None:
    """Two steps as good and as long as each other, in either order."""
    one, other = StepFacts("a", 0.3, 5.0), StepFacts("b", 0.3, 5.0)
    assert not any(replay(facts(one, other), facts(other, one), seed=seed).is_worse for seed in range(40))


def test_a_step_that_is_never_offered_ends_sessions_nowhere() -> None:
    stuck = facts(ROUTER[0], replace(ROUTER[1], after=("fabrica",)), ROUTER[2])
    found = replay(OLD, stuck)
    assert found.new_dead_ends > FEWEST / 3
    assert found.is_worse


def test_steps_are_offered_in_order_as_soon_as_they_may_be() -> None:
    steps = [StepFacts("c", after=("b",)), StepFacts("b", after=("a",)), StepFacts("a"), StepFacts("d")]
    assert offered_order(steps) == ([2, 1, 0, 3], False)
    assert offered_order(steps, ["d", "c"]) == ([3, 2, 1, 0], False)
    assert offered_order([StepFacts("a", after=("a",)), StepFacts("b")]) == ([1], True)
    assert offered_order([]) == ([], False)
    many = [StepFacts(f"p{n}", after=(f"p{n + 1}",)) for n in range(5_000)]
    assert offered_order([*many, StepFacts("p5000")])[0][:2] == [5_000, 4_999]


def test_an_order_that_was_learned_can_be_played() -> None:
    found = replay(OLD, OLD, orders=(None, ["reinicia", "fabrica", "cable"]))
    assert found.is_worse


def test_who_takes_over_solves_what_the_former_step_solved() -> None:
    fresh = facts(replace(ROUTER[0], step_id="enchufa"), *ROUTER[1:])
    assert not replay(OLD, fresh, renamed={"enchufa": "cable"}).is_worse
    assert replay(OLD, facts(replace(ROUTER[0], step_id="enchufa", chance=0.0), *ROUTER[1:])).is_worse


def test_a_guide_that_was_written_anew_without_estimates_is_not_refused_for_it() -> None:
    fresh = facts(StepFacts("uno"), StepFacts("dos"), StepFacts("tres"))
    bare = facts(*(replace(step, chance=None, minutes=None, risk_minutes=0.0) for step in ROUTER))
    assert not replay(bare, fresh).is_worse
    assert not replay(bare, facts(StepFacts("todo"))).is_worse


@pytest.mark.parametrize(
    "odd",
    [
        facts(),
        facts(StepFacts("solo")),
        facts(*(StepFacts(f"p{n}") for n in range(200))),
        facts(*(StepFacts(f"p{n}", 1.0, 1.0) for n in range(3))),  # chances that add up to 3
        facts(*(StepFacts(f"p{n}", 0.2, 5.0, irreversible=True, risk_minutes=10.0) for n in range(4))),
        facts(*(StepFacts(f"p{n}", preparation=True) for n in range(3))),
        facts(StepFacts("a", 0.0, 0.0), costs=Costs(0, 0, 0)),
        facts(StepFacts("a"), StepFacts("a")),
    ],
)
def test_odd_guides_are_played_too(odd: GuideFacts) -> None:
    found = replay(odd, odd)
    assert found.difference == 0
    assert found.old_minutes >= 0
    for pair in ((OLD, odd), (odd, OLD)):
        played = replay(*pair)
        assert played.low <= played.difference <= played.high
        assert isinstance(played.is_worse, bool)


def session(*tried: tuple[str, str], end: str, returned: bool = False) -> Pattern:
    return Pattern(tuple(PatternEvent(STEP, step, result) for step, result in tried), end, returned=returned)


def test_recorded_sessions_say_more_than_the_authors_estimates() -> None:
    """The author holds the cable for likely; in what happened it was nearly always the factory settings."""
    tried = (("cable", NOT_HELPED), ("reinicia", NOT_HELPED), ("fabrica", SOLVED))
    happened = [PatternCount(session(*tried, end=SOLVED), 1, 700), PatternCount(session(("cable", SOLVED), end=SOLVED), 1, 20)]
    first = facts(ROUTER[0], replace(ROUTER[2], after=()), ROUTER[1])
    before, after = facts(*ROUTER[:2], replace(ROUTER[2], after=())), first
    guessed, known = replay(before, after), replay(before, after, recorded=happened)
    assert guessed.is_worse
    assert known.difference < 0
    assert (known.sessions, known.recorded) == (FEWEST, FEWEST)


def test_who_said_no_more_after_the_last_step_may_have_been_helped_by_it() -> None:
    """Every session ended so: with the cable ruled out, it was the router or something else."""
    only = facts(StepFacts("cable", 0.3, 2.0), StepFacts("reinicia", 0.3, 4.0))
    ends = [PatternCount(session(("cable", NOT_HELPED), ("reinicia", DONE), end=end), 1, 600) for end in ("assumed", ESCALATED)]
    assumed, escalated = (replay(only, only, recorded=[each]) for each in ends)
    assert assumed.old_minutes < escalated.old_minutes - 5


def test_too_few_recorded_sessions_are_completed() -> None:
    few = [
        PatternCount(session(("cable", NOT_HELPED), end=ESCALATED), 1, 30),
        PatternCount(session(("cable", SOLVED), end=SOLVED, returned=True), 1, 5),
        PatternCount(session(("que-ya-no-esta", SOLVED), end=SOLVED), 2, 5),
        PatternCount(session(end=ABANDONED), 2, 100),  # nothing was tried: it says nothing
        PatternCount(session(("cable", SOLVED), end=SOLVED), 3, 0),
    ]
    found = replay(OLD, OLD, recorded=few)
    assert (found.sessions, found.recorded) == (FEWEST, 40)
    assert replay(OLD, OLD, recorded=few, sessions=1_000).sessions == 1_000


# ------------------------------------------------------------------------------------------------------------------- verdicts


def guide(*steps: Step, **more: object) -> Guide:
    return Guide("red", "Sin internet", steps=steps, **more)  # pyright: ignore[reportArgumentType]


def step(title: str, minutes: float, chance: float) -> Step:
    return Step(1, title, instructions=(f"{title} ahora.",), step_id=title.lower(), minutes=minutes, chance=chance)


QUICK, SLOW = step("Enchufa", 2, 0.5), step("Restablece", 25, 0.1)


def test_a_costlier_guide_is_refused_with_its_figures() -> None:
    verdict = check_guide(guide(SLOW, QUICK), guide(QUICK, SLOW))
    (refusal,) = verdict.refusals
    assert (verdict.change, refusal.code, refusal.field) == (GuideChange.CHANGED, COSTLIER, "$.red.steps")
    assert verdict.replayed is not None
    for figure in (f"{verdict.replayed.new_minutes:.1f}", f"{verdict.replayed.old_minutes:.1f}", "5 %"):
        assert figure in str(refusal.message)


def test_a_better_and_an_unchanged_and_a_new_guide_are_accepted() -> None:
    better = check_guide(guide(QUICK, SLOW), guide(SLOW, QUICK))
    assert not better.is_refused
    assert better.replayed is not None
    assert better.replayed.difference < 0
    assert check_guide(guide(QUICK), guide(QUICK)).change is GuideChange.UNCHANGED
    assert check_guide(guide(QUICK), None) == check_guides({"red": guide(QUICK)}, {})["red"]


def test_whoever_is_in_danger_gets_a_person_whatever_that_costs() -> None:
    assert check_guide(guide(SLOW, QUICK, urgent=True), guide(QUICK, SLOW)).replayed is None
    assert check_guide(guide(replace(QUICK, type="tell"), kind="person"), guide(QUICK, SLOW)).refusals == ()


def test_guides_without_estimates_are_compared_without_a_fault() -> None:
    bare = [replace(each, minutes=None, chance=None) for each in (QUICK, SLOW)]
    assert not check_guide(guide(*reversed(bare)), guide(*bare)).is_refused
    assert check_guide(guide(*bare), guide(QUICK, SLOW)).replayed is not None


def test_more_sessions_can_be_asked_for_and_fewer_cannot() -> None:
    def played(sessions: int) -> ReplayResult | None:
        return check_guide(guide(SLOW, QUICK), guide(QUICK, SLOW), CheckTerms(sessions)).replayed

    assert [found.sessions for found in map(played, (10, 2_000)) if found] == [FEWEST, 2_000]


def test_every_guide_that_ships_is_worse_in_the_reverse_order() -> None:
    """Authors put first what is quick and likely; nearly all of them lose by more than noise where that is turned round."""
    guides = read_file(data_path("integrations", "support_troubleshooting_kb.json")).guides.values()
    known = [facts_of(each) for each in guides if len(each.steps) > 1]
    free = [replace(each, steps=tuple(replace(step, after=()) for step in each.steps)) for each in known]
    found = [replay(each, replace(each, steps=each.steps[::-1])) for each in free]
    assert len(found) > 50
    assert sum(each.is_worse for each in found) > 0.9 * len(found)
