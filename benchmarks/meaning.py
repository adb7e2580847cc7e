"""What messages come to: the sentences of `data/roles/test.jsonl`, whose writers nobody trained on, against the shipped guides.

Each kind of message has its figure beside the one of detection without roles, and beside its goal. Source: data/roles/README.md.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.parse import Findings, read_entry
from guiado.detection import Index, build_index
from guiado.detection.message_reader import read_message
from guiado.detection.reading import Reading
from guiado.detection.roles.role import MessageKind
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import DEFAULT_ACCEPT, Verdict, verdict_of
from guiado.resources import data_path

_ROOT = Path(__file__).parents[1]
_NONE_BELOW = 0.4
Message = Mapping[str, object]


def shipped_index() -> Index:
    """The guides that ship, fitted."""
    raw: Mapping[str, object] = json.loads(data_path("integrations", "support_troubleshooting_kb.json").read_text("utf-8"))
    findings = Findings()
    guides = [guide for name, entry in raw.items() if (guide := read_entry(name, entry, findings))]
    index = build_index(map(problem_of, guides), encoder=make_encoder())
    return index.with_model(index.fit())


def with_roles(index: Index, text: str) -> tuple[Verdict, Reading]:
    """The verdict of the service."""
    reading = read_message(index, text)
    if reading.kind is not MessageKind.PROBLEM:
        return Verdict.NONE, reading
    return (Verdict.UNCLEAR if reading.several else verdict_of(reading.candidates, _NONE_BELOW, DEFAULT_ACCEPT)), reading


def without_roles(index: Index, text: str) -> tuple[Verdict, Reading]:
    """The verdict on the nearest problem alone."""
    candidates = index.rank(text)
    return verdict_of(candidates, _NONE_BELOW, DEFAULT_ACCEPT), Reading(candidates)


Judge = Callable[[Index, str], tuple[Verdict, Reading]]


def share(messages: list[Message], judge: Judge, index: Index, holds: Callable[[Message, Verdict, Reading], bool]) -> float:
    """The share of messages of which something holds."""
    return statistics.mean(holds(each, *judge(index, str(each["text"]))) for each in messages)


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
    index = shipped_index().prepare()
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
        now, before = (100 * share(some, judge, index, holds) for judge in (with_roles, without_roles))
        found.append((f"{words} ({len(some)} mensajes)", now, "%", f"sin papeles {before:.0f}%; {goal}".rstrip("; ")))
    return [*found, _times(index, [str(each["text"]) for each in messages[:200]])]


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
