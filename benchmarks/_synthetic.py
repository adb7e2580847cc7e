"""Synthetic knowledge bases and customers' texts: the same for the same seed, in any size.

The words are the 20,000 commonest of Spanish: a few are everywhere and most are rare (Zipf), so that postings, rare words and the
size of the vocabulary grow as they do with real guides. A guide of 10,000 is as long as one of those delivered with guiado.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from guiado.detection.lexical.word_frequencies import weights

_EVERYDAY = (  # noqa: SIM905
    "no puedo el la de en mi me un una con que se al cuando desde ya hay error pantalla cuenta programa equipo impresora"
    " conexión contraseña factura correo archivo ventana actualización instalar abrir entrar pagar guardar enviar lento"
).split()
_DISTINCT_WORDS = 20_000
_STEPS, _PHRASES = 4, 5


@dataclass
class Writer:
    """Writes texts that have the words of a language and no sense.

    Args:
        seed: the same texts for the same seed.
    """

    seed: int = 7

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 not a secret
        commonest = sorted(weights("es").items(), key=lambda item: (-item[1], item[0]))
        self.words = list(dict.fromkeys([*_EVERYDAY, *(word for word, _ in commonest)]))[:_DISTINCT_WORDS]
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(len(self.words))))

    def sentence(self, words: int) -> str:
        """A sentence of so many words."""
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=words))

    def number(self, below: int) -> int:
        """A number from 0 to under `below`."""
        return self._random.randrange(below)

    def slip(self, text: str) -> str:
        """The text with one letter left out: a slip of the finger."""
        at = self._random.randrange(len(text))
        return text[:at] + text[at + 1 :]

    def guide(self, number: int) -> dict[str, Any]:
        """One knowledge-base entry."""
        return {
            "problem_title": self.sentence(6),
            "problem_description": self.sentence(14),
            "category": "error",
            "estimated_time": "15 minutos",
            "difficulty": "medio",
            "prerequisites": [self.sentence(5)],
            "steps": [self._step(number, position) for position in range(1, _STEPS + 1)],
            "common_issues": [self.sentence(7) for _ in range(_PHRASES)],
            "escalation_criteria": [self.sentence(8)],
        }

    def _step(self, number: int, position: int) -> dict[str, Any]:
        return {
            "step_number": position,
            "title": self.sentence(4),
            "description": self.sentence(10),
            "instructions": [self.sentence(9) for _ in range(3)],
            "expected_result": self.sentence(7),
            "warnings": [],
            "resources": [{"title": self.sentence(3), "url": f"https://ayuda.empresa.es/{number}/{position}"}],
        }


def knowledge_base(guides: int, seed: int = 7) -> dict[str, dict[str, Any]]:
    """A knowledge base of so many guides, as its JSON says it."""
    writer = Writer(seed)
    return {f"problema_{number:05}": writer.guide(number) for number in range(guides)}


def write(path: Path, entries: dict[str, dict[str, Any]]) -> None:
    """Write a knowledge base the way an editor does: the old file or the new one, never half of it."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(entries, ensure_ascii=False, indent=1), "utf-8")
    draft.replace(path)


def queries(entries: dict[str, dict[str, Any]], count: int, seed: int = 11) -> list[str]:
    """Customers' texts: half of a phrase of some guide, one slip of the finger, and words of their own."""
    writer, known = Writer(seed), list(entries.values())
    texts: list[str] = []
    for _ in range(count):
        phrases = known[writer.number(len(known))]["common_issues"]
        words = phrases[writer.number(len(phrases))].split()
        texts.append(writer.slip(" ".join(words[: 2 + writer.number(len(words) - 2)])) + " " + writer.sentence(writer.number(8)))
    return texts


def long_texts(entries: dict[str, dict[str, Any]], count: int, seed: int = 13) -> list[str]:
    """Texts of several thousand characters: a whole story, with many words that no guide has."""
    writer, short = Writer(seed), queries(entries, count, seed)
    unknown = Writer(seed + 1)
    return [f"{text} {unknown.sentence(150)} {' '.join(writer.slip(word * 2) for word in writer.words[-200:])}" for text in short]
