"""Importers: what each format gives, and what is said about one that is broken, hostile or in another encoding."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from guiado.app.knowledge.importers import source_files
from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable
from guiado.app.knowledge.importers.recognise import guide_from_answer
from guiado.app.knowledge.importers.registry import importer_of, importers_by_name
from guiado.app.knowledge.parse import Findings, read_entry
from guiado.errors import InvalidInput

ENTRY = {"problem_title": "El wifi va lento", "steps": [{"title": "Reinicia", "instructions": ["Apaga el router"]}]}
ARTICLE = """---
id: wifi
título: El wifi va lento
categoría: conectividad
frases:
  - el wifi va lento
  - internet despacio
urgente: no
---
# Otro título

Suele ser el **router**.

## Antes de empezar

- Un cable

## Paso 1: Reinicia el router (3 min)

Ayuda casi siempre.

1. Desenchufa el *router*.
2. Espera 30 segundos. Mira [la ayuda](https://example.com/ayuda).

> **Advertencia:** se corta internet.

Resultado esperado: las luces vuelven.

## Paso 2: Acércate

Ponte al lado del router.
"""


def read(source: Path, name: str | None = None) -> list[Imported | NotUnderstood]:
    return list(importer_of(source, name).read(source))


def guides(source: Path, name: str | None = None) -> dict[str, Imported]:
    return {each.problem_id: each for each in read(source, name) if isinstance(each, Imported)}


def fault(source: Path, name: str | None = None) -> str:
    """What is said about a source of which nothing can be read."""
    with pytest.raises(SourceUnreadable) as raised:
        read(source, name)
    return str(raised.value)


def said(found: list[Imported | NotUnderstood]) -> list[str]:
    """Everything that was not understood, with its place."""
    return [str(problem) for each in found for problem in ([each.problem] if isinstance(each, NotUnderstood) else each.doubts)]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def book(path: Path, *rows: tuple[object, ...]) -> Path:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "Guías"
    for row in rows:
        sheet.append(row)
    made.save(path)
    return path


def usable(found: Imported) -> Any:
    """The guide that an entry becomes."""
    findings = Findings()
    guide = read_entry(found.problem_id, found.entry, findings)
    assert findings.errors == []
    return guide


# ------------------------------------------------------------------------------------------------------------- each format


def test_the_same_guide_comes_out_of_every_format(tmp_path: Path):
    table = [("id", "título", "paso", "instrucciones"), ("wifi", "El wifi va lento", "Reinicia", "Apaga el router")]
    yaml = "wifi:\n  problem_title: El wifi va lento\n  steps:\n    - title: Reinicia\n      instructions: [Apaga el router]\n"
    sources = [
        write(tmp_path / "kb.json", json.dumps({"wifi": ENTRY})),
        write(tmp_path / "lista.json", json.dumps([{"problem_id": "wifi", **ENTRY}])),
        write(tmp_path / "kb.yaml", yaml),
        write(tmp_path / "kb.csv", "\n".join(";".join(row) for row in table)),
        book(tmp_path / "kb.xlsx", *table),
        write(tmp_path / "wifi.md", "# El wifi va lento\n\n## Paso 1: Reinicia\n\n1. Apaga el router\n"),
    ]
    read_from = [usable(guides(source)["wifi"]) for source in sources]
    assert [(each.problem_title, each.steps[0].title, each.steps[0].instructions) for each in read_from] == [
        ("El wifi va lento", "Reinicia", ("Apaga el router",))
    ] * len(sources)


def test_an_article_in_markdown_becomes_a_guide(tmp_path: Path):
    found = guides(write(tmp_path / "articulo.md", ARTICLE))["wifi"]
    guide = usable(found)
    assert (guide.problem_title, guide.problem_description, guide.category) == (
        "El wifi va lento", "Suele ser el router.", "conectividad",
    )  # fmt: skip
    assert (guide.prerequisites, guide.common_issues) == (("Un cable",), ("el wifi va lento", "internet despacio"))
    first, second = guide.steps
    assert (first.title, first.minutes, first.description) == ("Reinicia el router", 3, "Ayuda casi siempre.")
    assert first.instructions == ("Desenchufa el router.", "Espera 30 segundos. Mira la ayuda.")
    assert (first.warnings, first.expected_result) == (("se corta internet.",), "las luces vuelven.")
    assert first.resources == ({"title": "la ayuda", "url": "https://example.com/ayuda"},)
    assert (second.title, second.instructions) == ("Acércate", ("Ponte al lado del router.",))
    assert found.doubts == ()


def test_a_folder_of_markdown_gives_a_guide_a_file_and_the_broken_one_is_told(tmp_path: Path):
    write(tmp_path / "kb" / "b.md", "# B\n\n1. Uno\n2. Dos\n")
    write(tmp_path / "kb" / "sub" / "a.md", "# A\n\nSolo un texto.\n")
    write(tmp_path / "kb" / "rota.md", "---\nfrases: [sin cerrar\n---\n# C\n")
    write(tmp_path / "kb" / "vacía.md", "")
    found = read(tmp_path / "kb")
    assert {each.problem_id: each.place for each in found if isinstance(each, Imported)} == {"b": "b.md:1", "a": "sub/a.md:1"}
    assert guides(tmp_path / "kb")["a"].entry["answer"] == ["Solo un texto."]
    assert [line.split(" ")[0] for line in said(found)] == ["rota.md:3:", "vacía.md:1:"]


def test_one_file_with_several_articles_gives_one_guide_each(tmp_path: Path):
    found = guides(write(tmp_path / "faq.md", "# No imprime\n\n1. Uno\n\n# No escanea\n\n1. Dos\n"))
    assert {key: each.place for key, each in found.items()} == {"no_imprime": "faq.md:1", "no_escanea": "faq.md:5"}


def test_questions_and_answers_become_answers_or_guides(tmp_path: Path):
    text = 'Pregunta,Respuesta\n¿A qué hora abren?,De 8 a 18.\n¿Cómo reinicio el router?,"1. Desenchufa\n2. Espera"\n'
    found = guides(write(tmp_path / "faq.csv", text))
    assert found["a_que_hora_abren"].entry == {
        "problem_title": "¿A qué hora abren?", "kind": "answer", "answer": ["De 8 a 18."], "common_issues": ["¿A qué hora abren?"],
    }  # fmt: skip
    assert [step.title for step in usable(found["como_reinicio_el_router"]).steps] == ["Desenchufa", "Espera"]
    assert found["como_reinicio_el_router"].place == "faq.csv:3"


@pytest.mark.parametrize(
    "head",
    ["id;título;descripción;frases;pasos", "ID;Title;Description;Examples;Steps", "id;Título;Descrição;Exemplos;Passos"],
)
def test_columns_are_known_in_three_languages(tmp_path: Path, head: str):
    found = guides(write(tmp_path / "t.csv", f'{head}\nwifi;Va lento;Suele ser el router;va lento|va mal;"1) Uno\n2) Dos"\n'))
    guide = usable(found["wifi"])
    assert (guide.problem_title, guide.problem_description) == ("Va lento", "Suele ser el router")
    assert (guide.common_issues, [step.title for step in guide.steps]) == (("va lento", "va mal"), ["Uno", "Dos"])


def test_rows_of_one_guide_are_its_steps(tmp_path: Path):
    text = "id,title,step,instructions,minutes\nwifi,Slow,Restart,Unplug;Wait,3\nwifi,,Move,Come closer,1\nluz,Dark,Call,,\n"
    found = guides(write(tmp_path / "t.csv", text))
    steps = usable(found["wifi"]).steps
    assert [(step.title, step.instructions, step.minutes) for step in steps] == [
        ("Restart", ("Unplug", "Wait"), 3), ("Move", ("Come closer",), 1),
    ]  # fmt: skip
    assert usable(found["luz"]).steps[0].instructions == ("Call",)


def test_what_is_no_step_is_told_with_its_line():
    answer = "1. Uno\n\nNotas: nada"
    found = guide_from_answer("¿Qué hago?", answer, "faq.csv", 7)
    assert usable(found).steps[0].title == "Uno"
    long = guide_from_answer("¿Qué hago?", "x" * 5_000, "faq.csv", 7)
    assert [problem.field for problem in long.doubts] == ["faq.csv:7"]


# ------------------------------------------------------------------------------------------------------------ broken sources


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("kb.json", '{"a": {"problem_title": "x"},\n "b": {"problem_title": "y"', "kb.json:2:"),
        ("kb.json", '{"a": {"problem_title": "x"}\n\n "b": 1}', "kb.json:3:"),
        ("kb.json", '{"a": {"problem_title": "x",\n "problem_title": "y"}}', "kb.json:1:"),
        ("kb.json", '[{"problem_title": "x"}] sobra', "kb.json:1:"),
        ("kb.json", '{"a": {"problem_title": NaN}}', "kb.json:1:"),
        ("kb.json", '{"a": {"problem_title": "x", "b": ' + "[" * 100_000, "kb.json:1:"),
        ("kb.yaml", "a:\n  problem_title: x\n  steps: [\n", "kb.yaml:4:"),
        ("kb.yaml", "a:\n  problem_title: x\n  problem_title: y\n", "kb.yaml:3:"),
        ("kb.yaml", "a:\n  problem_title: x\n  b: !!python/object:os.system x\n", "kb.yaml:3:"),
        ("kb.yaml", "a:\n  problem_title: x\n  b: *nada\n", "kb.yaml:3:"),
        ("kb.yaml", "a:\n  problem_title: x\n---\nb: 1\n", "kb.yaml:3:"),
        ("kb.yaml", "a:\n  problem_title: x\n  b: " + "[" * 50 + "]" * 50, "kb.yaml:3:"),
        ("kb.csv", 'id,título,pasos\na,Uno,Hazlo\nb,"sin cerrar,Hazlo\n', "kb.csv:3:"),
        ("kb.csv", "x,y\n1,2\n", "kb.csv:1:"),
        ("wifi.md", "---\nfrases: &a [x]\nejemplos: *b\n---\n# A\n", "wifi.md:3:"),
    ],
)
def test_a_source_that_is_broken_in_the_middle_is_told_with_its_line(tmp_path: Path, name: str, text: str, place: str):
    assert fault(write(tmp_path / name, text)).startswith(place)


def test_an_alias_bomb_is_refused_and_a_few_aliases_are_not(tmp_path: Path):
    levels = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 10))
    bomb = write(tmp_path / "kb.yaml", f"a:\n  problem_title: x\n  l0: &l0 [lol]\n{levels}")
    assert "kb.yaml:" in fault(bomb)
    front = write(tmp_path / "wifi.md", f"---\nl0: &l0 [lol]\n{levels.replace('  l', 'l')}---\n# A\n")
    assert "wifi.md:" in fault(front)
    few = write(tmp_path / "pocos.yaml", "a: &a\n  problem_title: x\n  steps: []\nb: *a\n")
    assert guides(few)["b"].entry == guides(few)["a"].entry


def test_values_of_yaml_are_plain(tmp_path: Path):
    text = 'a:\n  problem_title: 2026-11-29\n  yes: on\n  n: 1\n  f: 1.5\n  t: true\n  z: ~\n  s: "1"\n'
    assert guides(write(tmp_path / "kb.yaml", text))["a"].entry == {
        "problem_title": "2026-11-29", "yes": "on", "n": 1, "f": 1.5, "t": True, "z": None, "s": "1",
    }  # fmt: skip


def test_a_row_with_too_many_cells_is_not_taken_in(tmp_path: Path):
    found = read(write(tmp_path / "kb.csv", "id,título,pasos\na,Uno, con coma,Hazlo\nb,Dos,Hazlo\n"))
    assert list(guides(tmp_path / "kb.csv")) == ["b"]
    assert said(found)[0].startswith("kb.csv:2: La fila tiene más celdas")


def test_shared_steps_and_variables_of_the_file_are_put_into_its_guides(tmp_path: Path):
    shared = {"$variables": {"marca": "Luz"}, "$steps": {"reinicia": {"steps": ENTRY["steps"]}}}
    own = {"problem_title": "El wifi de {{marca}} va lento", "steps": [{"use": "reinicia", "chance": 0.5}]}
    for name in ("kb.json", "kb.yaml"):
        guide = usable(guides(write(tmp_path / name, json.dumps({**shared, "wifi": own}, indent=1)))["wifi"])
        assert (guide.problem_title, guide.steps[0].title, guide.steps[0].chance) == ("El wifi de Luz va lento", "Reinicia", 0.5)
    found = read(write(tmp_path / "kb.json", json.dumps({"wifi": own, **shared}, indent=1)))
    assert said(found)[0].startswith("kb.json:2 wifi.steps[0].use: No hay ningún paso compartido reinicia.")


# -------------------------------------------------------------------------------------------------------------- encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_usual_encoding_is_read(tmp_path: Path, encoding: str, ending: str):
    text = f"id,título,pasos{ending}a,Contraseña caducada,Cámbiala{ending}"
    (found,) = read(write(tmp_path / "kb.csv", text, encoding))
    assert usable(found).problem_title == "Contraseña caducada"  # type: ignore[arg-type]
    assert [line.startswith("kb.csv:1: No es UTF-8") for line in said([found])] == [True] * (encoding == "cp1252")


def test_what_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "kb.csv").write_bytes(b"id,t\0tulo\n")
    assert fault(tmp_path / "kb.csv").startswith("kb.csv: No es texto")
    (tmp_path / "kb.csv").write_bytes("id,título\n".encode("utf-16")[:-1])
    assert "codificación" in fault(tmp_path / "kb.csv")


# ----------------------------------------------------------------------------------------------------------- hostile sources


def test_formulas_are_never_values(tmp_path: Path):
    found = read(write(tmp_path / "kb.csv", 'id,título,pasos\na,"=HYPERLINK(""http://x"",""y"")",Hazlo\n'))
    assert said(found)[0].startswith("kb.csv:2: Una celda parece una fórmula")
    found = read(book(tmp_path / "kb.xlsx", ("id", "título", "pasos"), ("a", '=CONCAT("x","y")', "Hazlo"), ("b", "Dos", "Hazlo")))
    assert said(found)[0].startswith("kb.xlsx (Guías):2: La celda B2 es una fórmula")
    assert guides(tmp_path / "kb.xlsx")["a"].entry["problem_title"] == "A"
    bullets = guides(write(tmp_path / "viñetas.csv", 'id,título,pasos\na,Uno,"- Uno\n- Dos"\n'))["a"]
    assert (bullets.doubts, [step.title for step in usable(bullets).steps]) == ((), ["Uno", "Dos"])


def test_a_zip_bomb_and_a_broken_book_are_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "bomba.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 30_000_000)
    assert "ocupa demasiado" in fault(tmp_path / "bomba.xlsx")
    whole = book(tmp_path / "kb.xlsx", ("id", "título", "pasos"), ("a", "Uno", "Hazlo")).read_bytes()
    (tmp_path / "rota.xlsx").write_bytes(whole[: len(whole) // 2])
    assert "está dañado" in fault(tmp_path / "rota.xlsx", "excel")
    with zipfile.ZipFile(tmp_path / "otra.xlsx", "w") as archive:
        archive.writestr("hola.txt", "hola")
    assert "está dañado" in fault(tmp_path / "otra.xlsx")


def test_a_book_with_a_sheet_of_something_else_is_read(tmp_path: Path):
    made = Workbook()
    made.create_sheet("Ventas").append(("enero", 3))
    sheet = made.create_sheet("Guías")
    for row in (("id", "título", "pasos"), ("a", 2026, "Hazlo")):
        sheet.append(row)
    made.save(tmp_path / "kb.xlsx")
    found = read(tmp_path / "kb.xlsx")
    assert [each.entry["problem_title"] for each in found if isinstance(each, Imported)] == ["2026"]
    assert said(found)[0].startswith("kb.xlsx (Ventas):1: No se reconoce ninguna columna")


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path):
    write(tmp_path / "fuera" / "secreto.md", "# Secreto\n\n1. Uno\n")
    write(tmp_path / "kb" / "a.md", "# A\n\n1. Mira [el otro](../fuera/secreto.md) ![foto](../../etc/passwd)\n")
    (tmp_path / "kb" / "b.md").symlink_to(tmp_path / "fuera" / "secreto.md")
    (tmp_path / "kb" / "c").symlink_to(tmp_path / "fuera")
    found = read(tmp_path / "kb")
    assert list(guides(tmp_path / "kb")) == ["a"]
    assert usable(guides(tmp_path / "kb")["a"]).steps[0].resources == ()
    lines = said(found)
    assert sorted(line.split(":")[0] for line in lines) == ["a.md", "a.md", "b.md", "c"]
    assert sum("Es un enlace" in line for line in lines) == 2
    assert sum("no es de la web" in line for line in lines) == 1


def test_scripts_in_markdown_leave_no_trace(tmp_path: Path):
    text = "# A\n\nHola <b>tú</b><script>alert(1)</script>\n\n<div onclick='x()'>Aquí</div>\n\n<style>p {}</style>\n\n1. Uno\n"
    entry = guides(write(tmp_path / "a.md", text))["a"].entry
    assert entry["problem_description"] == "Hola tú Aquí"
    assert "alert" not in json.dumps(entry)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source_files, "MAX_FILE_BYTES", 1_000)
    for name in ("kb.json", "kb.yaml", "kb.csv", "wifi.md"):
        assert "Pasa de 100 MB" in fault(write(tmp_path / name, '"problem_title":' * 100 + "\n problem_title:"), None)


# --------------------------------------------------------------------------------------------------------------- the registry


def test_the_format_is_named_or_recognised(tmp_path: Path):
    assert {"csv", "excel", "json", "markdown", "yaml"} <= set(importers_by_name())
    with pytest.raises(SourceUnreadable, match="no existe"):
        importer_of(tmp_path / "nada.csv")
    with pytest.raises(SourceUnreadable, match="No se reconoce su formato"):
        importer_of(write(tmp_path / "x.pdf", "x"))
    with pytest.raises(InvalidInput, match="No hay ningún formato word"):
        importer_of(tmp_path, "word")
    assert importer_of(write(tmp_path / "x.txt", "id,título,pasos\n"), "csv").NAME == "csv"
