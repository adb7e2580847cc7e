"""`guiado kb diff`, `history`, `stats` and `export`: what changed in the guides, and what is in use, in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from terminal import Ran

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.app.knowledge import publications
from guiado.app.knowledge.importers import json_guides, yaml_guides
from guiado.app.knowledge.importers.imported import Imported, Importer
from guiado.resources import data_path
from guiado.sync import engine

Run = Callable[..., Ran]
OTHER = {
    "problem_title": "El horno humea",
    "steps": [{"title": "Abre", "instructions": ["Abre la puerta"]}],
    "category": "cocina",
}


def entry(title: str, *instructions: str, **given: object) -> dict[str, Any]:
    first = {"title": "Enchufa", "instructions": ["Enchufa el aparato"]}
    second = {"title": "Llena el depósito", "instructions": list(instructions) or ["Echa agua"]}
    return {"problem_title": title, "common_issues": ["no sale café", "sale frío"], "steps": [first, second], **given}


def write(file: Path, **guides: dict[str, Any]) -> None:
    file.write_text(json.dumps(guides, ensure_ascii=False), "utf-8")


@pytest.fixture
def file(facade: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The knowledge base in use, with two guides."""
    made = tmp_path / "kb.json"
    write(made, cafetera=entry("No sale café"), horno=OTHER)
    monkeypatch.setenv("GUIADO_KB_PATH", str(made))
    yield made
    close_engines()


def known() -> dict[str, Any]:
    return dict(TroubleshootingAgent().knowledge_base)


def told(here: Run, *words: str) -> Any:
    said = here("kb", *words, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


# ----------------------------------------------------------------------------------------------------------------------- diff


def test_two_versions_are_compared_field_by_field(here: Run, file: Path) -> None:
    known()
    assert "no se usó antes" in here("kb", "diff", "cafetera").err
    write(file, cafetera=entry("No sale café caliente", "Echa agua", "Cierra la tapa", urgent=True), horno=OTHER)
    found = told(here, "diff", "cafetera")
    assert (found["guide"], found["before"], found["after"]) == ("cafetera", 1, 2)
    changed = {each["field"]: (each["before"], each["after"]) for each in found["differences"]}
    assert changed == {
        "problem_title": (["No sale café"], ["No sale café caliente"]),
        "steps.llena-el-depósito.instructions": (["Echa agua"], ["Echa agua", "Cierra la tapa"]),
        "urgent": ([], ["true"]),
    }
    said = here("kb", "diff", "cafetera").out
    assert "de la versión 1 a la 2" in said
    for line in ("- No sale café", "+ No sale café caliente", "  Echa agua", "+ Cierra la tapa"):
        assert f"    {line}" in said.splitlines()
    assert told(here, "diff", "cafetera", "2", "1")["differences"][0]["after"] == ["No sale café"]
    assert "iguales" in here("kb", "diff", "cafetera", "2", "2").out


def test_a_step_that_moves_or_goes_is_told_as_that(here: Run, file: Path) -> None:
    known()
    before = entry("No sale café")
    write(
        file,
        cafetera={**before, "steps": [*reversed(before["steps"]), {"title": "Espera", "instructions": ["Espera"]}]},
        horno=OTHER,
    )
    found = told(here, "diff", "cafetera")
    changed = {each["field"]: each["after"] for each in found["differences"]}
    assert changed["steps"] == ["llena-el-depósito", "enchufa", "espera"]
    assert changed["steps.espera.title"] == ["Espera"]
    assert not [field for field in changed if field.startswith(("steps.enchufa.", "steps.llena"))]


def test_a_file_is_compared_with_the_guides_in_use(here: Run, file: Path, tmp_path: Path) -> None:
    known()
    other = tmp_path / "otra.json"
    write(other, cafetera=entry("No sale nada"), nevera=OTHER)
    found = told(here, "diff", str(other))
    assert (found["added"], found["missing"], found["unchanged"]) == (["nevera"], ["horno"], 0)
    assert found["changed"] == {"cafetera": [{"field": "problem_title", "before": ["No sale café"], "after": ["No sale nada"]}]}
    said = here("kb", "diff", str(other)).out
    for words in ("Nuevas: 1 (nevera)", "no están en el archivo: 1 (horno)", "1 cambian", "- No sale café"):
        assert words in said
    assert told(here, "diff", str(file))["unchanged"] == 2
    other.write_text('{"cafetera": {"problem_title": ', "utf-8")
    assert "línea 1" in here("kb", "diff", str(other)).err
    assert "no existe" in here("kb", "diff", str(tmp_path / "nada.json")).err
    assert known()["cafetera"].problem_title == "No sale café", "a comparison changes nothing"


# ------------------------------------------------------------------------------------------------------------ history, figures


def test_history_tells_who_did_what_latest_first(here: Run, file: Path) -> None:
    known()
    engine().door("facade").write(publications.save_draft, "", "cafetera", entry("De Eva"), "eva")
    assert here("kb", "revert", "cafetera", "2").code == 0
    rows = told(here, "history", "cafetera")
    assert [(row["action"], row["version"], row["by"]) for row in rows] == [
        ("publish", 2, "terminal"), ("draft", 2, "eva"), ("publish", 1, "file")
    ]  # fmt: skip
    every = told(here, "history")
    assert {row["guide"] for row in every} == {"cafetera", "horno"}
    assert every[0] == rows[0]
    assert told(here, "history", "--limit", "1") == rows[:1]
    said = here("kb", "history").out
    assert "versión 2 · puesta en uso · terminal" in said
    assert "versión 1 · puesta en uso · archivo" in said
    assert here("kb", "history", "nada").code == 1


def test_stats_count_guides_languages_drafts_and_sessions(here: Run, file: Path) -> None:
    spoken = {"problem_title": "No coffee", "common_issues": ["no coffee"], "steps": [{"title": "Plug in"}, {"title": "Fill it"}]}
    write(file, cafetera=entry("No sale café", translations={"en": spoken}), horno=OTHER)
    agent = TroubleshootingAgent()
    started = agent.start_troubleshooting(customer_email="ana@example.com", problem_description="no sale café de la cafetera")
    assert [started.detected_problem.problem_id if started.detected_problem else ""] == ["cafetera"]
    engine().door("facade").write(publications.save_draft, "", "cafetera", entry("De Eva"), "eva")
    found = told(here, "stats")
    assert (found["guides"], found["steps"], found["phrases"], found["drafts"], found["versions"]) == (2, 3, 3, 1, 3)
    assert found["by_category"] == {"otro": 1, "cocina": 1}
    assert found["by_language"] == {"es": 2, "en": 1}
    assert found["without_translation"] == {"en": ["horno"], "pt": ["cafetera", "horno"]}
    coffee, oven = found["each"]
    assert (coffee["guide"], coffee["sessions"], coffee["resolved"], coffee["resolved_share"]) == ("cafetera", 1, 0, 0)
    assert (coffee["drafts"], coffee["changed_by"]) == (1, "eva")
    assert (oven["sessions"], oven["resolved_share"]) == (0, None)
    said = here("kb", "stats").out
    for words in ("Guías: 2", "Por tema: otro 1 · cocina 1", "Sin pt: 2 (cafetera, horno)", "Sesiones en 30 días: 1"):
        assert words in said


# --------------------------------------------------------------------------------------------------------------------- export


def read_back(importer: Importer, source: Path) -> dict[str, Any]:
    found = list(importer.read(source))
    assert all(isinstance(each, Imported) for each in found)
    return {each.problem_id: each.entry for each in found if isinstance(each, Imported)}


@pytest.mark.parametrize(("name", "importer"), [("json", json_guides), ("yaml", yaml_guides)])
def test_the_guides_in_use_come_back_unchanged(here: Run, facade: str, tmp_path: Path, name: str, importer: Importer) -> None:
    try:
        known()
        edited = {
            **json.loads(data_path("integrations", "support_troubleshooting_kb.json").read_text("utf-8"))["conexion_internet"]
        }
        edited["problem_title"] = "12:30 #no: [hay] 'internet'\n\"hoy\""
        draft = engine().door("facade").write(publications.save_draft, "", "conexion_internet", edited, "eva")
        assert here("kb", "revert", "conexion_internet", str(draft.version)).code == 0
        target = tmp_path / f"guias.{name}"
        said = here("kb", "export", str(target), "--in-use")
        assert said.code == 0, said.err
        found = told(here, "diff", str(target))
        assert (found["added"], found["changed"], found["missing"]) == ([], {}, [])
        assert found["unchanged"] == len(known())
        assert read_back(importer, target)["conexion_internet"]["problem_title"] == edited["problem_title"]
    finally:
        close_engines()


def test_an_export_never_replaces_without_force_and_leaves_nothing_half(here: Run, file: Path, tmp_path: Path) -> None:
    target = tmp_path / "guias.yaml"
    target.write_text("mío", "utf-8")
    refused = here("kb", "export", str(target), "--in-use")
    assert (refused.code, "--force" in refused.err) == (1, True)
    assert target.read_text("utf-8") == "mío"
    assert here("kb", "export", str(target), "--in-use", "--force").code == 0
    assert "No sale café" in target.read_text("utf-8")
    assert "no existe" in here("kb", "export", str(tmp_path / "nada" / "x.json"), "--in-use").err
    assert "json, yaml" in here("kb", "export", str(tmp_path / "x"), "--format", "doc").err
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == []


def test_the_shipped_base_can_be_had_in_another_format(here: Run, tmp_path: Path) -> None:
    target = tmp_path / "original.yaml"
    assert here("kb", "export", str(target), "--format", "yaml").code == 0
    shipped = json.loads(data_path("integrations", "support_troubleshooting_kb.json").read_text("utf-8"))
    assert [key for key in shipped if not key.startswith("$")] == list(read_back(yaml_guides, target))
