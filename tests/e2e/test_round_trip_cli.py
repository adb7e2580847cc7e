"""What `guiado kb export` wrote comes back through `guiado kb import`, and what other programs wrote comes in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal import Ran

from guiado.agent import TroubleshootingAgent, close_engines

Run = Callable[..., Ran]
STEPS = [{"title": "Enchufa", "instructions": ["Enchufa el aparato"], "minutes": 2, "chance": 0.3, "step_id": "enchufar"}]


@pytest.fixture
def file(facade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The knowledge base in use, with two guides."""
    made = tmp_path / "kb.json"
    entry = {"problem_title": "No sale café", "common_issues": ["no sale café"], "steps": STEPS}
    text = {"problem_title": "El horno humea", "steps": [{"title": "Abre", "instructions": ["Abre la puerta"], "risk": "low"}]}
    made.write_text(json.dumps({"cafetera": entry, "horno": text}, ensure_ascii=False), "utf-8")
    monkeypatch.setenv("GUIADO_KB_PATH", str(made))
    TroubleshootingAgent()
    yield made
    close_engines()


@pytest.mark.parametrize("name", ["guias.json", "guias.yaml"])
def test_an_export_that_is_imported_changes_nothing(here: Run, file: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    assert here("kb", "export", str(target), "--in-use").code == 0
    told = json.loads(here("kb", "import", str(target), "--replace", "--yes", "--json").out)
    assert (told["added"], told["changed"], told["dropped"], told["unchanged"]) == ([], [], [], told["unchanged"])
    assert len(json.loads(here("kb", "versions", "cafetera", "--json").out)) == 1
    edited = target.read_text("utf-8").replace("No sale café", "No sale nada")
    target.write_text(edited, "utf-8")
    told = json.loads(here("kb", "import", str(target), "--yes", "--json").out)
    assert (told["added"], told["changed"]) == ([], ["cafetera"])
    assert TroubleshootingAgent().knowledge_base["cafetera"].problem_title == "No sale nada"


def test_articles_come_into_use(here: Run, file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "centro" / "impresoras"
    folder.mkdir(parents=True)
    (folder / "papel.html").write_text("<h1>Se atasca el papel</h1><ol><li>Apágala.</li><li>Saca el papel.</li></ol>", "utf-8")
    told = json.loads(here("kb", "import", str(folder.parent), "--yes", "--json").out)
    assert (told["format"], told["added"]) == ("help_articles", ["se_atasca_el_papel"])
    guide = TroubleshootingAgent().knowledge_base["se_atasca_el_papel"]
    assert (guide.category, [step.title for step in guide.steps]) == ("impresoras", ["Apágala", "Saca el papel"])
