"""Three outcomes and one question: pure, total, and never a step back in what is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiado.detection import Candidate
from guiado.detection.arrays import shares
from guiado.detection.verdict import Verdict, is_one_of_two, verdict_of, without
from guiado.guidance.information_gain import LEAST_GAIN_BITS, NONE_OF_THESE, Topic, choose, expected_gain_bits, update

CHANCES = st.floats(0, 1)
WORDS = st.lists(st.sampled_from(["wifi", "lento", "factura", "cobro", "doble", "clave", "no", "la", "🙂", ""]), max_size=5)
PHRASES = st.lists(WORDS.map(" ".join), max_size=4).map(tuple)
TOPICS = st.lists(st.tuples(CHANCES, PHRASES, st.sampled_from(["", "red", "pagos"])), max_size=4).map(
    lambda rows: [Topic(f"p{n}", prior, phrases, subject) for n, (prior, phrases, subject) in enumerate(rows)]
)
RANKINGS = st.lists(CHANCES, max_size=5).map(
    lambda found: tuple(Candidate(f"p{n}", c, ()) for n, c in enumerate(sorted(found, reverse=True)))
)


@st.composite
def beliefs(draw: st.DrawFn) -> tuple[dict[str, float], dict[str, float]]:
    """Chances that sum to 1, and how likely each makes a yes."""
    weights = draw(st.lists(st.floats(1e-6, 1), min_size=1, max_size=5))
    priors = {f"p{n}": weight / sum(weights) for n, weight in enumerate(weights)}
    return priors, {name: draw(CHANCES) for name in priors}


def entropy_bits(chances: dict[str, float]) -> float:
    return -sum(p * math.log2(p) for p in chances.values() if p > 0)


@given(beliefs())
def test_a_question_never_takes_away_what_is_known(given_beliefs: tuple[dict[str, float], dict[str, float]]) -> None:
    priors, yes = given_beliefs
    gain = expected_gain_bits(priors, yes)
    of_yes = sum(priors[name] * yes[name] for name in priors)
    after = sum(
        chance * entropy_bits(update(priors, yes, said)) for chance, said in ((of_yes, True), (1 - of_yes, False)) if chance > 0
    )
    assert gain >= 0
    assert after <= entropy_bits(priors) + 1e-9
    # What is promised is what Bayes' rule then brings, but for those who do not know.
    assert gain == pytest.approx(0.9 * (entropy_bits(priors) - after), abs=1e-6)


@given(beliefs(), st.booleans())
def test_chances_after_an_answer_are_chances(given_beliefs: tuple[dict[str, float], dict[str, float]], said: bool) -> None:
    after = update(*given_beliefs, said)
    assert sum(after.values()) == pytest.approx(1)
    assert all(0 <= chance <= 1 for chance in after.values())


@given(TOPICS)
def test_any_topics_give_a_question_worth_asking_or_none(topics: list[Topic]) -> None:
    found = choose(topics)
    if found is not None:
        assert found.gain_bits >= LEAST_GAIN_BITS
        assert bool(found.phrase) != bool(found.subject)
        assert set(found.yes) == {topic.problem_id for topic in topics} | {NONE_OF_THESE}
        assert all(0 < chance < 1 for chance in found.yes.values())


def topic(name: str, prior: float, *phrases: str, subject: str = "", shown: tuple[str, ...] = ()) -> Topic:
    return Topic(name, prior, phrases, subject, shown)


def test_of_three_the_question_splits_them_best() -> None:
    found = choose([topic("a", 0.3, subject="red"), topic("b", 0.3, subject="red"), topic("c", 0.35, subject="pagos")])
    assert found is not None
    assert found.subject in {"red", "pagos"}
    alone = choose([topic("a", 0.3, subject="red"), topic("b", 0.3, subject="red")])
    assert alone is None or alone.gain_bits < found.gain_bits


def test_a_symptom_that_both_have_is_not_asked_for() -> None:
    found = choose([topic("a", 0.5, "wifi muy lento", "router con luz roja"), topic("b", 0.45, "wifi muy lento")])
    assert found is not None
    assert found.phrase == "router con luz roja"
    assert found.yes["a"] > 0.5
    assert found.yes["b"] < 0.2


def test_a_subject_is_asked_for_rather_than_one_symptom_of_many() -> None:
    found = choose([topic("a", 0.5, "wifi muy lento", subject="red"), topic("b", 0.4, "cobro doble", subject="pagos")])
    assert found is not None
    assert (found.subject, found.phrase) == ("red", "")


def test_what_the_customer_sees_anyway_is_not_asked_for() -> None:
    topics = [
        topic("a", 0.5, "router con luz roja", shown=("router con luz roja",)),
        topic("b", 0.45, "cobro doble", shown=("cobro doble",)),
    ]
    assert choose(topics) is None


def test_nothing_is_asked_where_little_is_to_be_learned() -> None:
    assert choose([]) is None
    assert choose([topic("a", 0.99, "wifi muy lento"), topic("b", 0.01, "cobro doble")]) is None
    assert choose([topic("a", 0.5, "x" * 91), topic("b", 0.5, "no")]) is None


@given(RANKINGS, CHANCES, CHANCES)
def test_every_ranking_has_a_verdict(ranking: tuple[Candidate, ...], none_below: float, accept_from: float) -> None:
    verdict = verdict_of(ranking, none_below, accept_from)
    best = ranking[0].confidence if ranking else 0.0
    assert (verdict is Verdict.NONE) == (best == 0 or (best < none_below and not is_one_of_two(ranking)))
    assert verdict is not Verdict.ACCEPT or best >= accept_from


@given(RANKINGS, st.sets(st.sampled_from(["p0", "p1", "p9"])))
def test_who_rejects_some_leaves_the_others_more_likely(ranking: tuple[Candidate, ...], rejected: set[str]) -> None:
    sure = shares(np.array([c.confidence for c in ranking], np.float64)).tolist()
    weighed = tuple(replace(c, confidence=share) for c, share in zip(ranking, sure, strict=True))
    assert sum(c.confidence for c in weighed) <= 1 + 1e-9
    left = without(weighed, rejected)
    before = {c.problem_id: c.confidence for c in weighed}
    assert [c.problem_id for c in left] == [c.problem_id for c in weighed if c.problem_id not in rejected]
    assert all(c.confidence >= before[c.problem_id] - 1e-9 for c in left)
    assert sum(c.confidence for c in left) <= 1 + 1e-9


@given(st.lists(CHANCES, max_size=20))
def test_shares_sum_to_one_at_most_and_keep_their_order(measures: list[float]) -> None:
    found = shares(np.array(measures, np.float64)).tolist()
    assert sum(found) <= 1 + 1e-9
    assert all(0 <= share <= measure for share, measure in zip(found, measures, strict=True))
    if sum(measures) <= 1:
        assert found == measures
    else:
        assert sum(found) == pytest.approx(1)
    pairs = sorted(zip(measures, found, strict=True))
    assert [share for _, share in pairs] == sorted(found)


def test_twins_share_evenly_and_a_long_tail_takes_little_from_the_first() -> None:
    assert shares(np.array([0.8, 0.8])).tolist() == pytest.approx([0.5, 0.5])
    assert shares(np.array([0.6] + [0.1] * 10)).tolist() == pytest.approx([0.6 - 0.6 / 11] + [0.1 - 0.6 / 11] * 10)


def test_a_rejection_of_the_nearly_sure_does_not_make_the_next_one_sure() -> None:
    (left,) = without((Candidate("a", 0.95, ()), Candidate("b", 0.04, ())), {"a"})
    assert left.confidence < 0.3


def test_an_example_is_in_the_language_of_the_session() -> None:
    from guiado.app.knowledge.knowledge_base import Snapshot
    from guiado.app.sessions.clarifying_question import option_of
    from guiado.detection import Candidate
    from guiado.domain.guide import Guide

    texts = {"problem_title": "Não consigo entrar", "common_issues": ["minha conta está bloqueada"]}
    guide = Guide(
        "c", "No puedo entrar", common_issues=("mi cuenta está bloqueada", "olvidé la clave"), translations={"pt": texts}
    )
    snapshot = Snapshot(guides={"c": guide})
    near = Candidate("c", 0.5, ("bloqueada",), "minha conta está bloqueada")

    assert option_of(snapshot, near, "pt").example == "minha conta está bloqueada"
    assert option_of(snapshot, near, "es").example == "mi cuenta está bloqueada"
    assert option_of(snapshot, near, "en").example is None
