"""Fit the classifier of clauses' roles: `python scripts/train_roles.py [--check] [--write]`.

Reads `data/roles/train.jsonl`. `--check` leaves out one persona at a time and prints how often the others' head is right about
it; `--write` writes the weights that guiado ships, for its encoder and for words alone.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from guiado.detection.arrays import Floats
from guiado.detection.classifier.logistic_regression import LinearHead, fit_head
from guiado.detection.roles.head import WEIGHTS, features
from guiado.detection.roles.role import ROLES, Role
from guiado.detection.semantic.encoders.use import UseEncoder
from guiado.text.normalise import clean_part

_SENTENCES = Path(__file__).parents[1] / "data/roles/train.jsonl"
STRENGTH = 8.0
"""How closely the rows are followed, see `fit_head`."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Clauses with their roles.

    Args:
        texts: the clauses.
        roles: place of each one's role in `ROLES`.
        personas: who wrote it.
    """

    texts: list[str]
    roles: np.ndarray[tuple[int], np.dtype[np.int64]]
    personas: list[str]


def read(path: Path = _SENTENCES) -> Labelled:
    """The clauses of a file of labelled messages."""
    messages = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    rows = [(clause, ROLES.index(Role(role)), each["persona"]) for each in messages for clause, role in each["clauses"]]
    texts, roles, personas = map(list, zip(*rows, strict=True))
    return Labelled(texts, np.array(roles, np.int64), personas)


def fit(rows: Floats, roles: np.ndarray[tuple[int], np.dtype[np.int64]]) -> LinearHead:
    """Fit one head."""
    return fit_head(rows, roles, np.ones(len(rows), np.float32), len(ROLES), STRENGTH)


def check(labelled: Labelled, rows: Floats, name: str) -> None:
    """Print how the head does with each persona left out."""
    people, guessed = np.array(labelled.personas), np.zeros(len(rows), np.int64)
    for person in sorted(set(labelled.personas)):
        own = people == person
        guessed[own] = fit(rows[~own], labelled.roles[~own]).log_chances(rows[own]).argmax(axis=1)
    print(f"{name}: {np.mean(guessed == labelled.roles):.1%} of {len(rows)} clauses")
    for place, role in enumerate(ROLES):
        taken = Counter(ROLES[each].value for each in guessed[labelled.roles == place])
        print(f"  {role:10}", ", ".join(f"{other} {count}" for other, count in taken.most_common(4)))


def main() -> None:
    """Fit, and print or write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    labelled, encoder = read(), UseEncoder(None)
    vectors = encoder.encode([clean_part(text) or text for text in labelled.texts])
    by_name = {encoder.name: features(labelled.texts, vectors), "": features(labelled.texts, None)}
    if wanted.check:
        for name, rows in by_name.items():
            check(labelled, rows, name or "words alone")
    if wanted.write:
        heads = [fit(rows, labelled.roles) for rows in by_name.values()]
        arrays = {f"weights{at}": head.weights.astype(np.float16) for at, head in enumerate(heads)}
        arrays |= {f"bias{at}": head.bias for at, head in enumerate(heads)}
        np.savez_compressed(WEIGHTS, allow_pickle=False, encoders=np.array(list(by_name)), **arrays)
        print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
