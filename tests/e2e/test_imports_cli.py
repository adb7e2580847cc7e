"""`guiado kb import`: the plan comes first, nothing changes unasked, and what was imported is in use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal import Ran, at_a_terminal, plain

from guiado.agent import TroubleshootingAgent, close_engines

Run = Callable[..., Ran]
STEP = {"title": "Enchufa", "instructions": ["Enchufa el aparato"]}


@pytest.fixture
def file(facade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The knowledge base in use, with two guides."""
    made = tmp_path / "kb.json"
    entries = {name: {"problem_title": name.capitalize(), "steps": [STEP]} for name in ("cafetera", "lavadora")}
    made.write_text(json.dumps(entries), "utf-8")
    monkeypatch.setenv("GUIADO_KB_PATH", str(made))
    yield made
    close_engines()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    made = tmp_path / "lote.csv"
    made.write_text(
        "id,título,pasos\ncafetera,La cafetera no calienta,Enchúfala\nhorno,El horno no enciende,Enchúfalo\n", "utf-8"
    )
    return made


def in_use() -> dict[str, str]:
    return {key: guide.problem_title for key, guide in TroubleshootingAgent().knowledge_base.items()}


def test_without_anybody_to_ask_the_plan_is_all_there_is(here: Run, file: Path, table: Path) -> None:
    said = here("kb", "import", str(table))
    assert said.code == 0
    for words in ("Se agregan (1): horno", "Cambian (1): cafetera", "Siguen igual: 0", "No cambió nada", "--yes"):
        assert words in said.out
    assert in_use() == {"cafetera": "Cafetera", "lavadora": "Lavadora"}


def test_at_a_terminal_it_shows_the_plan_and_asks(file: Path, table: Path, facade: str) -> None:
    said = at_a_terminal(facade, "kb", "import", str(table), keys=[b"s\r"], GUIADO_KB_PATH=str(file), GUIADO_ENCODER="lexical")
    shown = plain(said)
    assert said.code == 0
    assert shown.index("Se agregan (1): horno") < shown.index("¿Importar lote.csv? Guías que cambian: 2. s/n")
    assert "✓ Importado: lote.csv" in shown
    assert "horno" in in_use()


def test_with_yes_it_is_imported_and_a_second_time_nothing_is_left_to_do(here: Run, file: Path, table: Path) -> None:
    told = json.loads(here("kb", "import", str(table), "--yes", "--json").out)
    assert (told["format"], told["added"], told["changed"], told["dropped"]) == ("csv", ["horno"], ["cafetera"], [])
    assert (told["imported"], told["guides_changed"]) == (True, 2)
    expected = {"cafetera": "La cafetera no calienta", "lavadora": "Lavadora", "horno": "El horno no enciende"}
    assert in_use() == expected
    close_engines()  # neither a restart nor an edit of another guide in the file undoes it
    entries = json.loads(file.read_text("utf-8"))
    entries["lavadora"]["problem_title"] = "La lavadora no gira"
    file.write_text(json.dumps(entries), "utf-8")
    assert in_use() == expected | {"lavadora": "La lavadora no gira"}
    again = here("kb", "import", str(table), "--yes")
    assert (again.code, "No hay nada que cambiar" in again.out) == (0, True)
    shown = here("kb", "versions", "cafetera").out
    assert "import:lote.csv" in shown


def test_replace_drops_what_the_source_does_not_have(here: Run, file: Path, table: Path) -> None:
    said = here("kb", "import", str(table), "--replace")
    assert "Dejan de usarse (1): lavadora" in said.out
    assert here("kb", "import", str(table), "--replace", "--yes").code == 0
    assert set(in_use()) == {"cafetera", "horno"}


def test_what_is_not_understood_is_told_and_ends_with_code_1(here: Run, file: Path, table: Path, tmp_path: Path) -> None:
    table.write_text(
        table.read_text("utf-8") + "nevera,,Enchúfala\nhorno,Repetido,Enchúfalo\nplancha,La plancha no va,\n", "utf-8"
    )
    said = here("kb", "import", str(table), "--replace", "--yes")
    assert said.code == 1
    assert "lote.csv:5: El identificador horno está también en lote.csv:3" in said.out
    assert "lote.csv:6 steps: Debe ser una lista con al menos un paso." in said.out
    assert "Con errores no se deja de usar ninguna guía" in said.out
    assert set(in_use()) == {"cafetera", "lavadora", "horno", "nevera"}
    broken = tmp_path / "rota.csv"
    broken.write_text('id,título,pasos\na,"sin cerrar,x\n', "utf-8")
    said = here("kb", "import", str(broken), "--yes")
    assert (said.code, "rota.csv:2: La fila está mal escrita" in said.err) == (1, True)
    for words, code in ((("nada.csv",), 1), ((str(table), "--format", "word"), 2)):
        assert here("kb", "import", *words).code == code


def test_the_warnings_about_new_guides_come_with_the_plan(here: Run, file: Path, tmp_path: Path) -> None:
    text = "id,título,pasos,frases\ncafetera,La cafetera no calienta,Enchúfala,no calienta <b>nada</b>\n"
    (tmp_path / "lote.csv").write_text(text, "utf-8")
    told = json.loads(here("kb", "import", str(tmp_path / "lote.csv"), "--json").out)
    assert not told["imported"]
    assert any(each["place"].startswith("$.cafetera.common_issues") for each in told["warnings"])
    assert all("lavadora" not in each["place"] for each in told["warnings"])
