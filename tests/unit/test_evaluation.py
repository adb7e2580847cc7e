"""The figures of a detector, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from guiado.detection import evaluation
from guiado.detection.evaluation import measure

GOLD = ["a", "a", "b", "b", None, None]
RANKED = [
    [("a", 0.9), ("b", 0.1)],  # right and accepted
    [("b", 0.6), ("a", 0.3)],  # wrong and accepted; right in the first three
    [("b", 0.4), ("a", 0.2)],  # right, not accepted
    [],  # nothing fits
    [("a", 0.5), ("b", 0.1)],  # none of them, yet accepted: the threshold itself counts
    [("b", 0.05)],  # refused
]


def test_every_figure_is_the_one_worked_out_by_hand() -> None:
    found = measure(GOLD, RANKED, 0.5)
    assert (found.in_scope, found.out_of_scope) == (4, 2)
    assert found.accuracy == pytest.approx(2 / 4)
    assert found.top3 == pytest.approx(3 / 4)
    assert found.accepted_right == pytest.approx(1 / 4)
    assert found.refused == pytest.approx(1 / 2)
    # precision 1/3 of the answers given, recall 1/4 of those in scope
    assert found.f1 == pytest.approx(2 * (1 / 3) * (1 / 4) / (1 / 3 + 1 / 4))
    # in scope 0.9 0.6 0.4 0, out of scope 0.5 0.05: 2 + 2 + 1 + 0 of 8 pairs
    assert found.auroc == pytest.approx(5 / 8)
    # each in a bin of its own, but 0 and 0.05: |0.9-1| + |0.6-0| + |0.4-1| + |0.5-0| + |0+0.05-0|
    assert found.ece == pytest.approx((0.1 + 0.6 + 0.6 + 0.5 + 0.05) / 6)
    # the two out of scope weigh 0.2 / 0.8 * 4 / 2 = 0.5 each, 5 in all
    assert found.ece20 == pytest.approx((0.1 + 0.6 + 0.6 + 0.25 + 0.025) / 5)


def test_opposite_errors_in_one_bin_cancel_and_edges_belong_to_the_left() -> None:
    found = measure(["a", "a", None, "a"], [[("a", 0.2)], [("b", 0.2)], [("b", 1.0)], [("a", 1.0)]], 0.5)
    assert [(b.count, b.confidence, b.right) for b in found.bins] == [(2, 0.2, 0.5), (2, 1.0, 0.5)]
    assert [(round(b.low * 15), round(b.high * 15)) for b in found.bins] == [(2, 3), (14, 15)]
    assert found.ece == pytest.approx((2 * 0.3 + 2 * 0.5) / 4)


@pytest.mark.parametrize(
    ("gold", "missing"),
    [
        (["a", "b"], {"refused", "auroc"}),
        ([None, None], {"accuracy", "top3", "accepted_right", "f1", "auroc"}),
        ([], {"accuracy", "top3", "accepted_right", "refused", "f1", "auroc", "ece", "ece20"}),
    ],
)
def test_what_cannot_be_measured_is_none_not_a_number(gold: list[str | None], missing: set[str]) -> None:
    found = measure(gold, [[("a", 0.7)]] * len(gold), 0.5)
    fields = ("accuracy", "top3", "accepted_right", "refused", "f1", "auroc", "ece", "ece20")
    assert {name for name in fields if getattr(found, name) is None} == missing


def test_equal_confidences_count_half() -> None:
    found = measure(["a", "a", None], [[("a", 0.5)]] * 3, 0.5)
    assert found.auroc == 0.5


def test_without_texts_of_one_kind_the_reweighted_error_is_the_plain_one() -> None:
    found = measure(["a", "b"], [[("a", 0.7)], [("a", 0.4)]], 0.5)
    assert found.ece20 == found.ece == pytest.approx((0.3 + 0.4) / 2)


def test_confidences_out_of_bounds_are_bounded() -> None:
    found = measure(["a", "a"], [[("a", 1.5)], [("a", -0.5)]], 0.5)
    assert [(b.count, b.confidence) for b in found.bins] == [(1, 0.0), (1, 1.0)]


def test_confusions_are_counted_by_pair() -> None:
    found = evaluation.confusions(["a", "a", None, "b"], ["a", "b", "b", None])
    assert found == {("a", "a"): 1, ("a", "b"): 1, (None, "b"): 1, ("b", None): 1}


@pytest.mark.parametrize(("share", "expected"), [(0.5, 3), (0.99, 4), (0.0, 1)])
def test_percentiles(share: float, expected: float) -> None:
    assert evaluation.percentile([4, 1, 3, 2], share) == expected
    assert evaluation.percentile([], share) is None
