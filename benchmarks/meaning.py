"""What messages come to: the sentences of `data/roles/test.jsonl`, whose writers nobody trained on, against the shipped guides.

Each kind of message has its figure beside the one of detection without roles, and beside its goal. Source: data/roles/README.md.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.sources.json_file import read_file
from guiado.app.sessions.ranking import reading_of, verdict_on
from guiado.detection import DEFAULT_THRESHOLD, Index, build_index
from guiado.detection.message_reader import read_message
from guiado.detection.reading import Reading
from guiado.detection.roles.role import MessageKind
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import DEFAULT_ACCEPT, Verdict, verdict_of
from guiado.domain.guide import Guide, GuideKind
from guiado.resources import data_path

_ROOT = Path(__file__).parents[1]
Message = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shipped:
    """The guides that ship, and their fitted index."""

    index: Index
    guides: Mapping[str, Guide]


def shipped() -> Shipped:
    """Fit the guides that ship."""
    every = read_file(data_path("integrations", "support_troubleshooting_kb.json")).guides
    index = build_index(map(problem_of, every.values()), encoder=make_encoder())
    known = {name: guide for name, guide in every.items() if guide.kind != GuideKind.NONE}
    return Shipped(index.with_model(index.fit()).prepare(), known)


def with_roles(base: Shipped, text: str) -> tuple[Verdict, Reading]:
    """The verdict and the reading of the service."""
    reading = reading_of(base.index, base.guides, text)
    verdict, kind = verdict_on(reading, base.guides, DEFAULT_THRESHOLD, DEFAULT_ACCEPT)
    return verdict, replace(reading, kind=kind)


def without_roles(base: Shipped, text: str) -> tuple[Verdict, Reading]:
    """The verdict on the nearest problem alone."""
    candidates = base.index.rank(text)
    return verdict_of(candidates, DEFAULT_THRESHOLD, DEFAULT_ACCEPT), Reading(candidates)


Judge = Callable[[Shipped, str], tuple[Verdict, Reading]]


def share(messages: list[Message], judge: Judge, base: Shipped, holds: Callable[[Message, Verdict, Reading], bool]) -> float:
    """The share of messages of which something holds."""
    return statistics.mean(holds(each, *judge(base, str(each["text"]))) for each in messages)


def _accepted(_message: Message, verdict: Verdict, _reading: Reading) -> bool:
    return verdict is Verdict.ACCEPT


def _refused(_message: Message, _verdict: Verdict, reading: Reading) -> bool:
    return reading.kind is not MessageKind.PROBLEM


def _right(message: Message, verdict: Verdict, reading: Reading) -> bool:
    first = reading.candidates[0].problem_id if reading.candidates else None
    return verdict is not Verdict.NONE and first == message["first"]


def _unclear(_message: Message, verdict: Verdict, _reading: Reading) -> bool:
    return verdict is Verdict.UNCLEAR


def main() -> list[tuple[str, float, str, str]]:
    """Shares by kind, with roles and without, and the time of a reading."""
    lines = (_ROOT / "data/roles/test.jsonl").read_text("utf-8").splitlines()
    messages: list[Message] = [json.loads(line) for line in lines]
    base = shipped()
    known = [each for each in messages if each["first"]]
    rows = (
        ("works", "funciona o está resuelto, y se acepta", _accepted, "máximo 5%"),
        ("nothing_wrong", "nada anda mal, y se acepta", _accepted, "máximo 10%"),
        ("real", "problema real tomado por otra cosa", _refused, "máximo 5%"),
        ("real", "problema real conocido, reconocido", _right, ""),
        ("not_x_but_y", "no es X sino Y, con Y primero", _right, "meta 85%"),
        ("two_problems", "dos problemas, se pregunta", _unclear, ""),
    )
    found: list[tuple[str, float, str, str]] = []
    for kind, words, holds, goal in rows:
        some = [each for each in (known if holds in (_right, _unclear) else messages) if each["kind"] == kind]
        now, before = (100 * share(some, judge, base, holds) for judge in (with_roles, without_roles))
        found.append((f"{words} ({len(some)} mensajes)", now, "%", f"sin papeles {before:.0f}%; {goal}".rstrip("; ")))
    return [*found, _times(base.index, [str(each["text"]) for each in messages[:200]])]


def _times(index: Index, texts: list[str]) -> tuple[str, float, str, str]:
    """The median time of a reading, and of ranking alone in the same run."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for text in texts:
        for roles in (True, False):
            began = time.perf_counter()
            (read_message if roles else Index.rank)(index, text)
            took[roles].append(time.perf_counter() - began)
    now, alone = (statistics.median(took[roles]) * 1_000 for roles in (True, False))
    return ("leer un mensaje", now, "ms", f"{now / alone:.1f} veces el orden sin papeles")


if __name__ == "__main__":
    for row in main():
        print(*row)
    sys.exit()
