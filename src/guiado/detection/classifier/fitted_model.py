"""The fitted model of one knowledge base and its stored form: a restart loads it, and every process uses the same."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypedDict

import numpy as np

from guiado.detection.arrays import Array
from guiado.detection.classifier.feature_hashing import SKETCH_DIMENSIONS, Sketcher
from guiado.detection.classifier.logistic_regression import LinearHead
from guiado.detection.classifier.scorer import SIGNALS, Heads
from guiado.detection.classifier.training import Profile, Spread

FORMAT = "hybrid-1"
"""Format of the stored model; changes whenever signals, sketches or scores do, since older models are useless then."""

_SPREADS = 4


class _Facts(TypedDict):
    """Fields of a model that are no arrays."""

    format: str
    encoder: str
    problem_ids: Sequence[str]
    intercept: float
    rows: list[int]
    deviation: float
    total: int


@dataclass(frozen=True)
class FittedModel:
    """The fitted model of a detector.

    Args:
        encoder: name of the encoder that it was fitted with; "" for none.
        heads: the classifiers; None where a fit was not worth it or not feasible.
        profile: the spreads of its own queries, for the calibration.
        intercept: from judged answers, in log-odds.
        problem_ids: of the knowledge base that it was fitted for.
    """

    encoder: str
    heads: Heads | None
    profile: Profile
    problem_ids: tuple[str, ...]
    intercept: float = 0.0

    def with_intercept(self, intercept: float) -> FittedModel:
        """The model with another intercept."""
        return replace(self, intercept=intercept)

    def serves(self, problem_ids: tuple[str, ...]) -> bool:
        """Whether the model was fitted with all of these problems."""
        return self._places.keys() >= set(problem_ids)

    def profile_for(self, problem_ids: tuple[str, ...]) -> Profile:
        """The profile of some of its problems, in this order."""
        if problem_ids == self.problem_ids:
            return self.profile
        rows = [self._places[problem_id] for problem_id in problem_ids]
        return replace(self.profile, closeness=self.profile.closeness[rows])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {problem_id: place for place, problem_id in enumerate(self.problem_ids)}

    @cached_property
    def version(self) -> str:
        """Version of the fit: 8 hexadecimal digits of a hash of its arrays."""
        named = hashlib.sha256()
        for name, array in sorted(self._arrays().items()):
            named.update(name.encode())
            named.update(array.tobytes())
        return named.hexdigest()[:8]

    def to_bytes(self) -> bytes:
        """The model as bytes, for `from_bytes`."""
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **self._arrays())
        return file.getvalue()

    def _arrays(self) -> dict[str, Array]:
        facts: _Facts = {
            "format": FORMAT,
            "encoder": self.encoder,
            "problem_ids": self.problem_ids,
            "intercept": self.intercept,
            "rows": [spread.rows for spread in self._spreads],
            "deviation": self.profile.closeness_deviation,
            "total": self.heads.sketcher.total if self.heads else 0,
        }
        arrays: dict[str, Array] = {
            "facts": np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8),
            "spreads": np.stack([np.stack([spread.mean, spread.deviation]) for spread in self._spreads]),
            "closeness": self.profile.closeness,
        }
        if self.heads:
            arrays |= _of_heads(self.heads)
        return arrays

    @property
    def _spreads(self) -> tuple[Spread, Spread, Spread, Spread]:
        own = self.profile
        return own.inside, own.outside, own.foreign_inside, own.foreign_outside

    @classmethod
    def from_bytes(cls, stored: bytes) -> FittedModel | None:
        """Read a stored model; None where it is damaged or of another format, so that it must be fitted anew."""
        try:
            with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
                return _read({name: arrays[name] for name in arrays.files})
        except (ValueError, KeyError, OSError, TypeError, EOFError, zipfile.BadZipFile, IndexError):
            return None


def _of_heads(heads: Heads) -> dict[str, Array]:
    buckets = np.flatnonzero(heads.sketcher.counts)
    arrays: dict[str, Array] = {
        "words_weights": heads.words.weights.astype(np.float16),
        "words_bias": heads.words.bias,
        "buckets": buckets.astype(np.uint32),
        "counts": heads.sketcher.counts[buckets],
    }
    if heads.meaning:
        arrays |= {"meaning_weights": heads.meaning.weights.astype(np.float16), "meaning_bias": heads.meaning.bias}
    return arrays


def _read(arrays: dict[str, Array]) -> FittedModel | None:
    facts: _Facts = json.loads(arrays["facts"].tobytes())
    if facts["format"] != FORMAT or arrays["spreads"].shape != (_SPREADS, 2, len(SIGNALS)):
        return None
    ids = tuple(map(str, facts["problem_ids"]))
    inside, outside, foreign_inside, foreign_outside = (
        Spread(pair[0], pair[1], int(rows)) for pair, rows in zip(arrays["spreads"], facts["rows"], strict=True)
    )
    if arrays["closeness"].shape != (len(ids),):
        return None
    profile = Profile(inside, outside, foreign_inside, foreign_outside, arrays["closeness"], float(facts["deviation"]))
    heads = _heads(arrays, ids, int(facts["total"])) if "words_weights" in arrays else None
    return FittedModel(str(facts["encoder"]), heads, profile, ids, float(facts["intercept"]))


def _heads(arrays: dict[str, Array], ids: tuple[str, ...], total: int) -> Heads:
    sketcher = Sketcher.with_counts(arrays["buckets"], arrays["counts"], total)
    words = _head(arrays, "words", SKETCH_DIMENSIONS, len(ids))
    meaning = _head(arrays, "meaning", None, len(ids)) if "meaning_weights" in arrays else None
    return Heads(ids, meaning, words, sketcher)


def _head(arrays: dict[str, Array], name: str, dimensions: int | None, classes: int) -> LinearHead:
    weights, bias = arrays[f"{name}_weights"].astype(np.float32), arrays[f"{name}_bias"]
    if weights.ndim != 2 or weights.shape[1] != classes or bias.shape != (classes,):  # noqa: PLR2004
        raise ValueError(name)
    if dimensions is not None and weights.shape[0] != dimensions:
        raise ValueError(name)
    return LinearHead(weights, bias)
