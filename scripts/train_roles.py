"""Fit the classifiers of clauses' roles and of messages' kinds: `python scripts/train_roles.py [--check] [--write]`.

Reads `data/roles/train*.jsonl`. `--check` leaves out a fourth of the personas at a time and prints how often the heads of the
others are right about them; `--write` writes the weights that guiado ships, for its encoder and for words alone.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from guiado.detection.arrays import Floats, Rows
from guiado.detection.classifier.logistic_regression import LinearHead, fit_head
from guiado.detection.roles import rules
from guiado.detection.roles.head import KINDS, WEIGHTS, Heads, features, signs_of_kind
from guiado.detection.roles.role import ROLES, Role
from guiado.detection.semantic.encoders.use import UseEncoder
from guiado.domain.message_kind import MessageKind
from guiado.text.clauses import clauses_of
from guiado.text.normalise import clean_part

_FOLDER = Path(__file__).parents[1] / "data/roles"
_KINDS: Mapping[str, MessageKind] = {
    "works": MessageKind.SOLVED,
    "nothing_wrong": MessageKind.OTHER,
    "nothing_said": MessageKind.NOTHING_SAID,
    "person": MessageKind.PERSON,
}
"""Kinds of the file that are no problem."""
STRENGTH = 6.0
"""How closely the rows are followed, see `fit_head`."""
_STRENGTH_OF_FEW = 10.0
"""The same of the head of kinds, which has few features."""
_LEAST_PART = 0.15
"""A clause has a role that at least this share of its letters has, 0..1."""
_FOLDS = 4


@dataclass(frozen=True, slots=True)
class Labelled:
    """Messages, cut as guiado cuts them, with the roles of their clauses.

    Args:
        texts: the messages.
        kinds: place of each one's kind in `KINDS`.
        personas: their writers.
        clauses: of all messages, in order.
        messages: place of each clause's message in `texts`.
        roles: clauses x roles, the shares of the roles that the writer gave to its letters.
    """

    texts: list[str]
    kinds: Rows
    personas: list[str]
    clauses: list[str]
    messages: Rows
    roles: Floats


def read(paths: Sequence[Path] | None = None) -> Labelled:
    """The messages of files of labelled messages."""
    lines = [line for path in paths or sorted(_FOLDER.glob("train*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    rows = [json.loads(line) for line in lines if line.strip()]
    cut = [(at, clause, shares) for at, row in enumerate(rows) for clause, shares in _cut(row["text"], row["clauses"])]
    messages, clauses, roles = map(list, zip(*cut, strict=True))
    kinds = np.array([KINDS.index(_KINDS.get(row["kind"], MessageKind.PROBLEM)) for row in rows], np.int64)
    texts, personas = [row["text"] for row in rows], [row["persona"] for row in rows]
    return Labelled(texts, kinds, personas, clauses, np.array(messages, np.int64), np.stack(roles))


def _cut(text: str, labelled: Sequence[tuple[str, str]]) -> list[tuple[str, Floats]]:
    """The clauses of a message as guiado cuts it, each with the roles of the labelled parts that it overlaps."""
    places, end = list[tuple[int, int, int]](), 0
    for part, role in labelled:
        start = text.index(part, end)
        end = start + len(part)
        places.append((start, end, ROLES.index(Role(role))))
    return [(text[span.start : span.end], _shares(span.start, span.end, places)) for span in clauses_of(text)]


def _shares(start: int, end: int, places: Sequence[tuple[int, int, int]]) -> Floats:
    shares = np.zeros(len(ROLES), np.float32)
    for other_start, other_end, role in places:
        shares[role] += max(0, min(end, other_end) - max(start, other_start))
    if not shares.any():
        shares[ROLES.index(Role.NOTHING)] = 1
    return shares / shares.sum()


def _fit(rows: Floats, kinds: Rows, strength: float = STRENGTH) -> LinearHead:
    return fit_head(rows, kinds, np.ones(len(rows), np.float32), len(KINDS), strength)


def _fit_roles(rows: Floats, shares: Floats) -> LinearHead:
    """Fit the head of roles: a clause stands once for each role that it has."""
    at, roles = np.nonzero(shares >= _LEAST_PART)
    return fit_head(rows[at], roles, shares[at, roles], len(ROLES), STRENGTH)


def _rows_of(labelled: Labelled, encoder: UseEncoder | None) -> tuple[Floats, Floats]:
    """The rows of the clauses and of the whole messages."""
    of_clauses = of_texts = None
    if encoder is not None:
        of_clauses = encoder.encode([clean_part(text) or text for text in labelled.clauses])
        of_texts = encoder.encode([clean_part(text) or text for text in labelled.texts])
    apart = np.arange(len(labelled.texts))
    return (
        features(labelled.clauses, of_clauses, labelled.messages, of_texts),
        features(labelled.texts, of_texts, apart, of_texts),
    )


def _left_out(labelled: Labelled, clauses: Floats, texts: Floats) -> tuple[Floats, Floats]:
    """Log-chances of roles and kinds by heads that were fitted without the writer: a fourth of them is left out at a time."""
    people = sorted(set(labelled.personas))
    roles, whole = np.zeros_like(labelled.roles), np.zeros((len(texts), len(KINDS)), np.float32)
    for fold in range(_FOLDS):
        out = np.isin(np.array(labelled.personas), people[fold::_FOLDS])
        cut = out[labelled.messages]
        roles[cut] = _fit_roles(clauses[~cut], labelled.roles[~cut]).log_chances(clauses[cut])
        whole[out] = _fit(texts[~out], labelled.kinds[~out]).log_chances(texts[out])
    return roles, whole


def _signs(labelled: Labelled, roles: Floats, whole: Floats) -> Floats:
    ruled = rules.apply(labelled.clauses, np.exp(roles))
    starts = np.searchsorted(labelled.messages, np.arange(len(whole) + 1))
    return np.stack([signs_of_kind(ruled[a:b], each) for a, b, each in zip(starts[:-1], starts[1:], whole, strict=True)])


def fit(labelled: Labelled, encoder: UseEncoder | None, *, check: bool) -> Heads:
    """Fit the heads of an encoder, or of words alone.

    Args:
        check: whether to print how right the heads of other writers are about each.
    """
    clauses, texts = _rows_of(labelled, encoder)
    roles, whole = _left_out(labelled, clauses, texts)
    signs = _signs(labelled, roles, whole)
    if check:
        people, kinds = sorted(set(labelled.personas)), np.zeros(len(texts), np.int64)
        for fold in range(_FOLDS):
            out = np.isin(np.array(labelled.personas), people[fold::_FOLDS])
            kinds[out] = _fit(signs[~out], labelled.kinds[~out], _STRENGTH_OF_FEW).log_chances(signs[out]).argmax(axis=1)
        name = encoder.name if encoder else "words alone"
        _print_right(f"{name}: roles of clauses", roles.argmax(axis=1), labelled.roles.argmax(axis=1), ROLES)
        _print_right(f"{name}: kinds of messages", kinds, labelled.kinds, KINDS)
    return Heads(
        _fit_roles(clauses, labelled.roles),
        _fit(texts, labelled.kinds),
        _fit(signs, labelled.kinds, _STRENGTH_OF_FEW),
    )


def _print_right(title: str, guessed: Rows, right: Rows, names: Sequence[str]) -> None:
    print(f"{title}: {np.mean(guessed == right):.1%} of {len(right)}")
    for place, name in enumerate(names):
        taken = Counter(str(names[each]) for each in guessed[right == place])
        print(f"  {name:12}", ", ".join(f"{other} {count}" for other, count in taken.most_common(4)))


def main() -> None:
    """Fit, and print or write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    labelled, encoder = read(), UseEncoder(None)
    arrays: dict[str, Floats] = {}
    for at, each in enumerate((encoder, None)):
        heads = fit(labelled, each, check=wanted.check)
        for name in ("roles", "whole", "kinds"):
            head: LinearHead = getattr(heads, name)
            arrays |= {f"{name}{at}_weights": head.weights.astype(np.float16), f"{name}{at}_bias": head.bias}
    if wanted.write:
        np.savez_compressed(WEIGHTS, allow_pickle=False, encoders=np.array([encoder.name, ""]), **arrays)
        print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
