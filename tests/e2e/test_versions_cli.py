"""`guiado kb versions` and `guiado kb revert`: what is in use is shown, and another version takes its place."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from terminal import Ran

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.app.knowledge import publications
from guiado.store import diagnostics
from guiado.sync import engine

Run = Callable[..., Ran]


def write(file: Path, title: str) -> None:
    step = {"title": "Enchufa", "instructions": ["Enchufa el aparato"]}
    file.write_text(json.dumps({"cafetera": {"problem_title": title, "steps": [step]}}), "utf-8")


@pytest.fixture
def file(facade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The knowledge base in use, with one guide."""
    made = tmp_path / "kb.json"
    write(made, "uno")
    monkeypatch.setenv("GUIADO_KB_PATH", str(made))
    yield made
    close_engines()


def title_in_use() -> str:
    return TroubleshootingAgent().knowledge_base["cafetera"].problem_title


def found(here: Run, *words: str) -> list[dict[str, Any]]:
    return json.loads(here("kb", "versions", *words, "--json").out)


def test_a_guide_goes_back_and_forth(here: Run, file: Path) -> None:
    (row,) = found(here)
    assert (row["guide"], row["version"], row["state"], row["by"], row["conflict"]) == ("cafetera", 1, "in_use", "file", False)
    assert "no se usó antes" in here("kb", "revert", "cafetera").err
    write(file, "dos")
    assert [(row["version"], row["state"]) for row in found(here, "cafetera")] == [(2, "in_use"), (1, "former")]
    assert "usa la versión 1" in here("kb", "revert", "cafetera").out
    assert title_in_use() == "uno"
    close_engines()  # a process that starts now finds the file as it was: it changes nothing
    assert title_in_use() == "uno"
    said = here("kb", "versions", "cafetera").out
    assert re.search(r"versión 2 · anterior · terminal", said)
    assert re.search(r"versión 1 · en uso · terminal", said)
    told = json.loads(here("kb", "revert", "cafetera", "2", "--json").out)
    assert told == {"guide": "cafetera", "version": 2, "state": "in_use"}
    write(file, "tres")
    assert title_in_use() == "tres"


def test_what_does_not_exist_is_refused(here: Run, file: Path) -> None:
    for words in (("versions", "nada"), ("revert", "nada"), ("revert", "cafetera", "7")):
        said = here("kb", *words)
        assert (said.code, "guiado kb versions" in said.err) == (1, True)
    assert here("kb", "revert", "cafetera", "0").code == 2


def test_a_conflict_is_shown_and_settled_as_told(here: Run, file: Path, facade: str) -> None:
    def doubts() -> list[str]:
        return [str(each.said) for each in asyncio.run(diagnostics.look_at(facade, 1)) if each.check == "conflicts"]

    entry = {"problem_title": "del editor", "steps": [{"title": "Enchufa", "instructions": ["Enchufa"]}]}

    assert title_in_use() == "uno"
    assert engine().door("facade").write(publications.save_draft, "", "cafetera", entry, "eva").version == 2
    assert doubts() == []
    write(file, "dos")
    assert title_in_use() == "dos"
    shown = here("kb", "versions").out
    assert "en conflicto" in shown
    (remedy,) = doubts()
    for words in ("guiado kb versions cafetera", "guiado kb revert cafetera"):
        assert words in remedy
    assert here("kb", "revert", "cafetera", "2").code == 0
    assert title_in_use() == "del editor"
    assert doubts() == []
    assert "en conflicto" not in here("kb", "versions").out
