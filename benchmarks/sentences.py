"""How the shipped guides are found: sentences of different people, split by author style into development and test.

Its authors also wrote the knowledge base, so that figures on what real customers write will be lower. Nothing is tuned on the
test split. `make bench ARGS="sentences"` prints its figures; `.venv/bin/python benchmarks/sentences.py development` a report per
problem and per variety, with every mistake.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from meaning import shipped

from guiado.app.sessions.ranking import reading_of, verdict_on
from guiado.detection import DEFAULT_THRESHOLD
from guiado.detection.verdict import DEFAULT_ACCEPT, Verdict
from guiado.text.json_shapes import items_in

FOLDER = Path(__file__).parent / "sentences"
GOALS = {"es": 92.0, "pt": 90.0, "en": 90.0}
TOP_GOAL, REFUSED_GOAL, WRONGLY_GOAL = 98.0, 90.0, 5.0
Sentence = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence as detection takes it.

    Args:
        sentence: with its right problem, variety and style.
        ranked: ids of the likeliest problems, best first.
        verdict: of detection.
    """

    sentence: Sentence
    ranked: tuple[str, ...]
    verdict: Verdict

    @property
    def right(self) -> frozenset[str]:
        """The right problems: the main one and those named beside it; none for what is none of them."""
        also = map(str, items_in(self.sentence.get("also")))
        return frozenset((str(self.sentence["problem"]), *also)) if self.is_problem else frozenset()

    @property
    def is_problem(self) -> bool:
        """Whether it is one of the problems."""
        return self.sentence["problem"] is not None

    def is_found(self, among: int) -> bool:
        """Whether a right problem is among the first ones."""
        return bool(self.right & set(self.ranked[:among]))

    @property
    def language(self) -> str:
        """The language of its variety."""
        return str(self.sentence["variety"])[:2]


def judge(split: str) -> list[Judged]:
    """Every sentence of a split as the service takes it."""
    base = shipped()
    found: list[Judged] = []
    for line in (FOLDER / f"{split}.jsonl").read_text("utf-8").splitlines():
        sentence: Sentence = json.loads(line)
        reading = reading_of(base.index, base.guides, str(sentence["text"]))
        verdict, _ = verdict_on(reading, base.guides, DEFAULT_THRESHOLD, DEFAULT_ACCEPT)
        found.append(Judged(sentence, tuple(each.problem_id for each in reading.candidates[:3]), verdict))
    return found


def percent(some: Sequence[bool]) -> float:
    """The share of what is so, in percent."""
    return 100 * sum(some) / len(some) if some else 0.0


def main() -> list[tuple[str, float, str, str]]:
    """Figures of the test split."""
    return list(_figures(judge("test")))


def _figures(found: Sequence[Judged]) -> Iterable[tuple[str, float, str, str]]:
    known, others = [each for each in found if each.is_problem], [each for each in found if not each.is_problem]
    for language, goal in GOALS.items():
        some = [each for each in known if each.language == language]
        first = percent([each.is_found(1) for each in some])
        yield (f"Primera elección acertada, {language} ({len(some)} frases)", first, "%", f"meta {goal:g}%")
    three, refused = percent([each.is_found(3) for each in known]), percent([each.verdict is Verdict.NONE for each in others])
    yield (f"Acertada entre las tres primeras ({len(known)} frases)", three, "%", f"meta {TOP_GOAL:g}%")
    yield (f"Rechazada la que no es ninguno ({len(others)} frases)", refused, "%", f"meta {REFUSED_GOAL:g}%")
    wrongly = percent([each.verdict is Verdict.NONE for each in known])
    yield ("Rechazada por error", wrongly, "%", f"máximo {WRONGLY_GOAL:g}%")
    mistaken = percent([each.verdict is Verdict.ACCEPT and not each.is_found(1) for each in known])
    yield ("Aceptada sin preguntar y equivocada", mistaken, "%", "")
    yield ("Aceptada la que no es ninguno", percent([each.verdict is Verdict.ACCEPT for each in others]), "%", "")


def report(found: Sequence[Judged]) -> None:
    """Print figures, a line per variety, style and problem, and every mistake."""
    for row in _figures(found):
        print(*row)
    for key in ("variety", "style", "problem"):
        print(f"\n{key}: frases, primera, entre tres, rechazadas")
        groups: dict[str, list[Judged]] = defaultdict(list)
        for each in found:
            groups[str(each.sentence[key])].append(each)
        for name, some in sorted(groups.items(), key=lambda group: percent([e.is_found(1) for e in group[1]])):
            first, three = percent([e.is_found(1) for e in some]), percent([e.is_found(3) for e in some])
            print(
                f"  {name:28} {len(some):4} {first:6.1f} {three:6.1f} {percent([e.verdict is Verdict.NONE for e in some]):6.1f}"
            )
    print("\nEquivocadas:")
    for each in found:
        if (each.is_problem and not each.is_found(1)) or (not each.is_problem and each.verdict is not Verdict.NONE):
            said = f"{each.sentence['problem']} ≠ {', '.join(each.ranked)} ({each.verdict.value})"
            print(f"  [{each.sentence['variety']}] {each.sentence['text']}\n      {said}")


if __name__ == "__main__":
    report(judge(sys.argv[1] if len(sys.argv) > 1 else "development"))
