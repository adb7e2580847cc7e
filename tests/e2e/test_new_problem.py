"""`guiado kb new`, and how `kb lint` and `kb export` lead an author."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from seven_guides import SEVEN_GUIDES
from terminal import Ran, at_a_terminal, plain

Run = Callable[..., Ran]
PRINTER = ("kb", "new", "--title", "La impresora no imprime", "--phrase", "no sale la hoja", "--step", "Enciéndela",
           "--step", "Revisa el papel", "--category", "impresoras")  # fmt: skip


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "kb.json"
    file.write_bytes(SEVEN_GUIDES.read_bytes())
    monkeypatch.setenv("GUIADO_KB_PATH", str(file))
    monkeypatch.setenv("GUIADO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    return file


def test_a_problem_given_by_options_is_added_and_found(here: Run, base: Path) -> None:
    before = base.read_text("utf-8")
    said = here(*PRINTER)
    assert (said.code, said.err) == (0, "")
    assert "problem_title: el problema en una frase" in said.out
    assert base.read_text("utf-8").startswith(before.rstrip().rstrip("}").rstrip()), "what the author wrote stays"
    shown = json.loads(here("kb", "show", "la_impresora_no_imprime", "--json").out)
    assert [step["title"] for step in shown["steps"]] == ["Enciéndela", "Revisa el papel"]
    assert "Aviso" in here("kb", "lint").out
    found = json.loads(here("detect", "no sale la hoja en la impresora", "--json", "--file-only").out)
    assert found["candidates"][0]["problem_id"] == "la_impresora_no_imprime"

    again = here(*PRINTER)
    assert again.code == 2
    assert "Ya hay una guía la_impresora_no_imprime" in again.err


def test_an_entry_without_steps_is_shown_and_not_put_to_use(here: Run, base: Path) -> None:
    before = base.read_bytes()
    said = here("kb", "new", "impresora_sin_papel")
    assert said.code == 0
    assert "--step" in said.err
    (entry,) = json.loads(said.out).values()
    assert entry["problem_title"] == "Impresora sin papel"
    assert here(*PRINTER, "--print").err == ""
    assert base.read_bytes() == before
    base.write_text(said.out, "utf-8")
    assert here("kb", "lint").code == 0, "a valid entry"


def test_the_interview_asks_for_every_field_and_for_a_confirmation(base: Path) -> None:
    lines = ["La impresora no imprime", "no sale la hoja", "", "Enciéndela", "", "s"]
    said = at_a_terminal("", "kb", "new", keys=[f"{line}\r".encode() for line in lines])
    assert said.code == 0
    assert "¿Agregar «La impresora no imprime» a" in plain(said)
    entry = json.loads(base.read_text("utf-8"))["la_impresora_no_imprime"]
    assert entry["common_issues"] == ["La impresora no imprime", "no sale la hoja"]
    assert [step["title"] for step in entry["steps"]] == ["Enciéndela"]


def test_lint_groups_by_guide_quotes_the_phrase_and_speaks_json(here: Run, base: Path) -> None:
    raw = json.loads(base.read_text("utf-8"))
    raw["recuperar_cuenta"]["common_issues"].append(raw["conexion_internet"]["common_issues"][0])
    raw["problema_facturacion"]["steps"][0]["title"] = ""
    raw["conexion_internet"]["stepz"] = 1
    base.write_text(json.dumps(raw), "utf-8")
    said = here("kb", "lint")
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines.index("conexion_internet") < lines.index("problema_facturacion")
    assert lines[lines.index("problema_facturacion") + 1].startswith("✗ $.problema_facturacion.steps[0].title")
    found = json.loads(here("kb", "lint", "--json").out)
    assert (found["usable"], [each["guide"] for each in found["errors"]]) == (False, ["problema_facturacion"])

    raw["problema_facturacion"]["steps"][0]["title"] = "x"
    base.write_text(json.dumps(raw), "utf-8")
    assert f"«{raw['conexion_internet']['common_issues'][0]}»" in here("kb", "lint").out


def test_the_knowledge_base_that_ships_is_clean(here: Run) -> None:
    said = here("kb", "lint", "--strict")
    assert (said.code, "Avisos: 0." in said.out) == (0, True)


def test_export_says_how_to_check_and_use_the_copy(here: Run, tmp_path: Path) -> None:
    file = tmp_path / "mi base.json"
    said = here("kb", "export", str(file))
    assert "agrega esta línea al archivo .env" in said.out
    assert f"GUIADO_KB_PATH={file}" in said.out.splitlines()
    words = re.search(r"guiado (kb lint) '(.+)'", said.out)
    assert here(*words[1].split(), words[2]).code == 0
