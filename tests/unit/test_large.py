"""Knowledge bases of tens of thousands of texts: found as exactly as in small ones, and edited as easily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from guiado.detection import Index, Problem, build_index
from guiado.detection.classifier import training
from guiado.detection.problem import Example
from guiado.detection.semantic import approximate_search
from guiado.detection.semantic.approximate_search import LargeDense
from guiado.detection.semantic.corpus_texts import texts_of

PROBLEMS, QUERIES, DIMENSIONS = 400, 100, 160


class Meaning:
    """Texts of one theme mean nearly the same; each word says a little of its own."""

    name, dimensions = "themes", DIMENSIONS

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.stack([sum((_of_word(word) for word in text.split()), np.zeros(DIMENSIONS, np.float32)) for text in texts])
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@cache
def _of_word(word: str) -> NDArray[np.float32]:
    seed = np.frombuffer(word.encode(), np.uint8)
    return np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)


def _sentence(theme: int, number: int) -> str:
    rng = np.random.default_rng((theme, number))
    own = [f"w{theme}x{part}" for part in rng.choice(6, 3, replace=False)]
    return " ".join([*own, *(f"common{part}" for part in rng.choice(80, 3, replace=False))])


def _problem(theme: int) -> Problem:
    return Problem(f"p{theme:05}", _sentence(theme, 0), _sentence(theme, 1), (_sentence(theme, 2), _sentence(theme, 3)))


BASE = tuple(map(_problem, range(PROBLEMS)))


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every knowledge base counts as one of very many texts."""
    monkeypatch.setattr(approximate_search, "MOST_EXACT_TEXTS", 0)
    monkeypatch.setattr(approximate_search, "CANDIDATES", 30)


@cache
def _exact() -> Index:
    return build_index(BASE, encoder=Meaning())


def _large(problems: Sequence[Problem] = BASE) -> Index:
    return build_index(problems, encoder=Meaning())


def test_the_first_problem_is_that_of_an_exact_search(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [_sentence(theme * 4, 9) for theme in range(QUERIES)]
    wanted = [_exact().rank(text, 1)[0] for text in asked]
    monkeypatch.setattr(approximate_search, "MOST_EXACT_TEXTS", 0)
    monkeypatch.setattr(approximate_search, "CANDIDATES", 30)
    index = _large()
    found = [index.rank(text, 1)[0] for text in asked]
    same = [mine.problem_id == exact.problem_id for mine, exact in zip(found, wanted, strict=True)]
    assert np.mean(same) >= 0.98
    unsure = [abs(mine.confidence - exact.confidence) for mine, exact in zip(found, wanted, strict=True)]
    assert np.median(unsure) < 0.05


@pytest.mark.usefixtures("many")
def test_an_edit_gives_the_same_as_a_new_index() -> None:
    edited = [replace(BASE[7], phrases=("mi gato no arranca",)), *(p for p in BASE if p is not BASE[7])]
    before = _large()
    after = build_index(edited, before, encoder=Meaning())
    assert after.rank("mi gato no arranca")[0].problem_id == "p00007"
    assert after.rank("mi gato no arranca") == _large(edited).rank("mi gato no arranca")


@pytest.mark.parametrize("small", [False, True], ids=["as they are", "compact"])
def test_an_edit_asks_for_the_meaning_of_new_texts_only(small: bool) -> None:
    asked: list[str] = []

    def vectors_of(texts: Sequence[str]) -> approximate_search.Vectors:
        asked.extend(texts)
        made = Meaning().encode(texts)
        return approximate_search.compact(made) if small else made

    def expanded(index: Index) -> NDArray[np.float32]:
        assert index.vectors is not None
        return index.vectors.expand() if isinstance(index.vectors, approximate_search.CompactVectors) else index.vectors

    edited = [*BASE[1:7], replace(BASE[7], phrases=("mi gato no arranca", BASE[7].phrases[0])), *BASE[8:], _problem(PROBLEMS)]
    before = build_index(BASE, encoder=Meaning(), vectors_of=vectors_of)
    asked.clear()
    after = build_index(edited, before, encoder=Meaning(), vectors_of=vectors_of)
    assert len(asked) == len({*BASE[7].texts, "mi gato no arranca"} - {BASE[7].phrases[1]}) + len(_problem(PROBLEMS).texts)
    anew = build_index(edited, encoder=Meaning(), vectors_of=vectors_of)
    assert np.array_equal(expanded(after), expanded(anew))
    asked.clear()
    assert np.array_equal(
        expanded(build_index(edited[:-1], after, encoder=Meaning(), vectors_of=vectors_of)), expanded(anew)[:-4]
    )
    assert not asked


@pytest.mark.usefixtures("many")
def test_what_was_learned_counts_at_once_though_it_is_unlike_all_else() -> None:
    text = "zeta omega kappa sigma"
    taught = (*BASE[:50], replace(BASE[50], learned=(Example(text, 0.5),)), *BASE[51:])
    index = _large(taught)
    vector = Meaning().encode([text])[0]
    dense = LargeDense(index.texts, approximate_search.compact(Meaning().encode(index.texts.clean)))
    near = dense.near(vector, np.zeros(0, np.int64))  # without any help from the words
    assert near.nearest.argmax() == 50
    assert near.nearest[50] == pytest.approx(1, abs=1e-3)
    assert index.rank(text)[0].example == text


@pytest.mark.usefixtures("many")
def test_what_was_denied_counts_against() -> None:
    text = "zeta omega kappa sigma"
    taught = (*BASE[:8], replace(BASE[8], learned=(Example(text),)), replace(BASE[9], learned=(Example(text),)), *BASE[10:])
    denied = (*taught[:8], replace(BASE[8], learned=(Example(text), Example(text, negative=True))), *taught[9:])
    before = {found.problem_id: found.confidence for found in _large(taught).rank(text, 3)}
    after = {found.problem_id: found.confidence for found in _large(denied).rank(text, 3)}
    assert after["p00009"] > after["p00008"]
    assert after["p00008"] < before["p00008"] / 2


@pytest.mark.usefixtures("many")
def test_problems_without_texts_and_texts_without_meaning_do_no_harm() -> None:
    odd = [Problem("a", "", "", ()), Problem("b", "...", "", ("!!",)), *BASE[:120]]
    index = _large(odd)
    assert index.rank(_sentence(3, 2), 1)[0].problem_id == "p00003"
    empty, _ = texts_of([Problem("a", "", "", ())])
    near = LargeDense(empty, approximate_search.compact(np.zeros((0, DIMENSIONS), np.float32))).near(
        np.ones(DIMENSIONS, np.float32), np.zeros(0, np.int64)
    )
    assert near.row == -1


@pytest.mark.usefixtures("many")
def test_a_profile_is_made_of_a_large_base_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MOST_CELLS", 0)
    monkeypatch.setattr(training, "MOST_EXACT_TEXTS", 0)
    index = _large()
    fitted = index.with_model(index.fit())
    assert fitted.model is not None
    assert fitted.model.profile.inside.rows > 50
    assert fitted.rank(_sentence(9, 2), 1)[0].problem_id == "p00009"
