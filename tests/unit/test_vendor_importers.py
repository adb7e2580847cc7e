"""Importers of help-centre articles, Rasa projects and iFixit guides: what they understand, and what they say of the rest."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from guiado.app.knowledge.importers import help_articles, ifixit, rasa
from guiado.app.knowledge.importers.imported import Imported, Importer, NotUnderstood, SourceUnreadable
from guiado.app.knowledge.importers.registry import importer_of
from guiado.app.knowledge.parse import Findings, read_entry

ARTICLE = """<!doctype html><html><head><title>La cafetera no calienta – Ayuda</title><style>p{}</style></head>
<body><nav><ul><li>Inicio</li></ul></nav><h1>La cafetera no calienta</h1>
<p>El agua sale <b>fría</b> o tibia.</p>
<h2>Antes de empezar</h2><ul><li>Un vaso de vinagre</li></ul>
<h2>Solución</h2>
<ol><li>Desenchufa la cafetera.<ul><li>Espera un minuto.</li><li>Enchúfala otra vez.</li></ul><img src="/cable.png" alt="El cable"></li>
<li>Llena el depósito con <a href="https://example.com/vinagre">vinagre</a>.</li></ol>
<p>Advertencia: no abras la tapa caliente.</p><footer>Copyright</footer></body></html>"""


def write(folder: Path, files: Mapping[str, object]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), "utf-8")
    return folder


def imported(importer: Importer, source: Path) -> dict[str, Imported]:
    return {each.problem_id: each for each in importer.read(source) if isinstance(each, Imported)}


def refused(importer: Importer, source: Path) -> list[str]:
    return [str(each.problem) for each in importer.read(source) if isinstance(each, NotUnderstood)]


def doubts(each: Imported) -> str:
    return "\n".join(map(str, each.doubts))


def usable(each: Imported) -> Any:
    findings = Findings()
    guide = read_entry(each.problem_id, each.entry, findings)
    assert not findings.errors
    return guide


# ------------------------------------------------------------------------------------------------------------------- articles


def test_an_article_becomes_a_guide_with_its_steps(tmp_path: Path) -> None:
    source = write(tmp_path, {"cafeteras-y-hornos/calienta.html": ARTICLE})
    assert importer_of(source) is help_articles
    (found,) = imported(help_articles, source).values()
    guide = usable(found)
    assert (found.problem_id, guide.problem_title) == ("la_cafetera_no_calienta", "La cafetera no calienta")
    assert guide.category == "cafeteras y hornos"
    assert guide.problem_description == "El agua sale fría o tibia."
    assert guide.prerequisites == ("Un vaso de vinagre",)
    first, second = guide.steps
    assert first.title == "Desenchufa la cafetera"
    assert first.instructions == ("Espera un minuto.", "Enchúfala otra vez.")
    assert second.resources == ({"title": "vinagre", "url": "https://example.com/vinagre"},)
    assert second.warnings == ("no abras la tapa caliente.",)
    assert "«El cable»" in doubts(found)
    assert found.place == "cafeteras-y-hornos/calienta.html"
    assert "Inicio" not in str(found.entry)
    assert "Copyright" not in str(found.entry)


def test_an_article_without_steps_becomes_an_answer(tmp_path: Path) -> None:
    html = "<title>¿Qué horario tienen?</title><p>De lunes a viernes.</p><ul><li>De 8 a 18</li></ul><br>Los sábados no."
    (found,) = imported(help_articles, write(tmp_path, {"horario.htm": html}) / "horario.htm").values()
    assert found.entry["kind"] == "answer"
    assert found.entry["answer"] == ["De lunes a viernes.", "• De 8 a 18", "Los sábados no."]
    assert "category" not in found.entry


def test_a_zendesk_export_is_read_with_its_sections_and_drafts_are_left_out(tmp_path: Path) -> None:
    body = "<p>Pasa a veces.</p><ol><li>Apaga el router.</li><li>Enciéndelo.</li></ol>"
    row = {"id": 1, "title": "No hay internet", "body": body, "section_id": 7, "locale": "es-mx", "draft": False}
    others = [{**row, "id": 2, "title": "Router", "locale": "en-us"}, {**row, "id": 3, "title": "Nueva", "draft": True}]
    files = {
        "articles.json": {"count": 3, "articles": [row, *others]},
        "sections.json": {"sections": [{"id": 7, "name": "Red y Wi-Fi"}]},
    }
    source = write(tmp_path, files)
    assert importer_of(source) is help_articles
    found = imported(help_articles, source)
    assert [step["title"] for step in found["no_hay_internet"].entry["steps"]] == ["Apaga el router", "Enciéndelo"]  # type: ignore[index, union-attr]
    assert found["no_hay_internet"].entry["category"] == "red y wi fi"
    assert found["no_hay_internet"].place == "articles.json#1"
    assert "en-us" in doubts(found["router"])
    assert refused(help_articles, source) == [
        "articles.json#3: Es un borrador y no se importó. Publícalo en el centro de ayuda y expórtalo otra vez."
    ]


def test_freshdesk_and_intercom_exports_are_read(tmp_path: Path) -> None:
    freshdesk = {
        "articulos.json": [
            {"id": 5, "title": "Cambiar la clave", "description": "<ol><li>Abre Ajustes.</li></ol>", "description_text": "…", "status": 2, "folder_id": 9},
            {"id": 6, "title": "Sin publicar", "description": "<p>x</p>", "status": 1, "folder_id": 9},
        ],
        "carpetas.json": [{"id": 9, "name": "Cuenta", "description": "Todo de la cuenta"}],
    }  # fmt: skip
    found = imported(help_articles, write(tmp_path / "f", freshdesk))
    assert list(found) == ["cambiar_la_clave"]
    assert found["cambiar_la_clave"].entry["category"] == "cuenta"
    article = {
        "type": "article",
        "id": "8",
        "title": "Facturas",
        "description": "Resumen",
        "body": "<p>Están en Pagos.</p>",
        "state": "published",
        "parent_id": 3,
    }
    intercom = {"type": "list", "data": [article, {**article, "id": "9", "state": "draft"}]}
    lines = "\n".join(json.dumps(each) for each in intercom["data"])  # type: ignore[attr-defined]
    for content in (intercom, lines):
        source = write(tmp_path / "i", {"articles.json": content, "collections.json": {"data": [{"id": "3", "name": "Pagos"}]}})
        (only,) = imported(help_articles, source).values()
        assert (only.entry["answer"], only.entry["category"]) == (["Están en Pagos."], "pagos")
        assert len(refused(help_articles, source)) == 1


def test_nothing_hostile_in_html_reaches_a_guide(tmp_path: Path) -> None:
    html = """<h1 onclick="alert(1)">Hola<script>alert(2)</script></h1><p onmouseover=alert(3)>Uno &lt;b&gt; dos
    <a href="javascript:alert(4)">malo</a> <a href="file:///etc/passwd">otro</a> <a href="https://example.com/?a=1&amp;b=2">bueno</a></p>
    <iframe src="https://example.com/marco">marco</iframe><svg><script>alert(5)</script></svg><style>p{background:url(x)}</style>
    <form><button>Enviar</button></form><video src=x></video><p>Fin<!-- alert(6) --></p><p>"""
    (found,) = imported(help_articles, write(tmp_path, {"a.html": html})).values()
    said = json.dumps(found.entry)
    assert not any(word in said for word in ("alert", "javascript", "passwd", "marco", "Enviar", "background", "onclick"))
    assert "Uno <b> dos" in said
    assert "https://example.com/?a=1&b=2" in said
    assert "2 videos o marcos" in doubts(found)


def test_html_as_deep_as_nobody_writes_is_read_or_refused_in_time(tmp_path: Path) -> None:
    source = write(tmp_path, {
        "hondo.html": f"<h1>Hondo</h1>{'<div>' * 5_000}texto{'</div>' * 5_000}",
        "listas.html": f"<h1>Listas</h1>{'<ol><li>' * 5_000}texto",
        "peor.html": f"<h1>Peor</h1>{'<div>' * 200_000}texto",
    })  # fmt: skip
    begun = time.monotonic()
    found = imported(help_articles, source)
    assert found.keys() == {"hondo", "listas"}
    assert "demasiados niveles" in refused(help_articles, source)[0]
    assert time.monotonic() - begun < 20


def test_files_that_cannot_be_read_are_told_and_the_others_are_imported(tmp_path: Path) -> None:
    outside = write(tmp_path / "fuera", {"secreto.html": "<h1>Secreto</h1><p>no</p>"})
    source = write(tmp_path / "dentro", {
        "bien.html": "<h1>Bien</h1><p>texto</p>",
        "latin.html": "<h1>Año</h1><p>mañana</p>".encode("cp1252"),
        "cortado.json": '{"articles": [{"title": "a", "body": "<p>',
        "vacio.html": "<h1>Vacío</h1><img src=x>",
        "binario.html": b"\x00\x01\x02<h1>",
    })  # fmt: skip
    (source / "enlace.html").symlink_to(outside / "secreto.html")
    (source / "carpeta").symlink_to(outside)
    with (source / "enorme.html").open("wb") as file:
        os.truncate(file.fileno(), 101 * 1024 * 1024)
    found = imported(help_articles, source)
    assert found.keys() == {"bien", "ano"}
    assert found["ano"].entry["answer"] == ["mañana"]
    assert "latin.html:1: No es UTF-8" in doubts(found["ano"])
    told = refused(help_articles, source)
    for place in ("cortado.json", "vacio.html", "binario.html", "enlace.html", "carpeta", "enorme.html"):
        assert [each for each in told if each.startswith(place)], place
    assert len(told) == 6
    with pytest.raises(SourceUnreadable, match=r"cortado.json: línea 1"):
        list(help_articles.read(source / "cortado.json"))


# ----------------------------------------------------------------------------------------------------------------------- rasa

NLU = """version: "3.1"
nlu:
- intent: cambiar_clave
  examples: |
    - quiero cambiar mi [clave](cosa)
    - cambia la [contraseña]{"entity": "cosa", "value": "clave"} porfa
    - quiero cambiar mi clave
- intent: faq/horario
  examples:
  - text: |
      a qué hora abren
  - text: cuándo atienden
- intent: saludo
  examples: |
    - hola
- intent: muda
  examples: |
    - mmm
- lookup: ciudad
  examples: |
    - Bogotá
- regex: pedido
  examples: |
    - \\d{6}
- synonym: clave
  examples: |
    - contraseña
"""
DOMAIN = """version: "3.1"
responses:
  utter_cambiar_clave:
  - text: |
      Hola {nombre}. Haz esto:
      1. Abre Ajustes
      2. Toca «Cambiar clave»
    buttons:
    - title: Listo
      payload: /listo
  - text: Otra forma de decirlo
  utter_faq/horario:
  - text: De 8 a 18.
  utter_buenas:
  - text: Hola, ¿en qué te ayudo?
"""
RULES = """rules:
- rule: saludar
  steps:
  - intent: saludo
  - action: utter_buenas
"""


def test_intents_with_a_response_become_guides(tmp_path: Path) -> None:
    source = write(tmp_path, {"data/nlu.yml": NLU, "data/rules.yml": RULES, "domain.yml": DOMAIN})
    assert importer_of(source) is rasa
    found = imported(rasa, source)
    assert found.keys() == {"cambiar_clave", "faq_horario", "saludo"}
    guide = usable(found["cambiar_clave"])
    assert guide.problem_title == "Quiero cambiar mi clave"
    assert guide.common_issues == ("quiero cambiar mi clave", "cambia la contraseña porfa")
    assert [step.title for step in guide.steps] == ["Abre Ajustes", "Toca «Cambiar clave»"]
    told = doubts(found["cambiar_clave"])
    for words in ("{nombre}", "2 variantes", "buttons", "domain.yml:4"):
        assert words in told
    assert found["faq_horario"].entry["answer"] == ["De 8 a 18."]
    assert found["faq_horario"].entry["common_issues"] == ["a qué hora abren", "cuándo atienden"]
    assert found["saludo"].entry["answer"] == ["Hola, ¿en qué te ayudo?"]
    assert found["saludo"].place == "data/nlu.yml:13"
    left = refused(rasa, source)
    assert [each.split(":")[1] for each in left] == ["19", "22", "25", "16"]
    for words in ("lookup", "regex", "synonym", "utter_muda"):
        assert any(words in each for each in left)


def test_a_file_of_intents_is_read_with_the_domain_beside_it(tmp_path: Path) -> None:
    source = write(tmp_path, {"nlu.yml": NLU, "domain.yml": DOMAIN}) / "nlu.yml"
    assert importer_of(source) is rasa
    assert imported(rasa, source).keys() == {"cambiar_clave", "faq_horario"}


def test_broken_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    source = write(tmp_path, {"nlu.yml": NLU, "roto.yml": "nlu:\n- intent: a\n  examples: [uno\nx: y: z\n"})
    (told,) = [each for each in refused(rasa, source) if "roto" in each]
    assert told.startswith("roto.yml:4: El YAML está mal escrito")
    rows = [f"  - &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 30)]  # 9^29 texts, if references were copied
    bomb = "\n".join(("nlu:", "- intent: b", "  examples:", "  - &x0 a", *rows))
    assert "utter_b" in refused(rasa, write(tmp_path / "b", {"nlu.yml": bomb}))[0]


# --------------------------------------------------------------------------------------------------------------------- ifixit

REPAIR: dict[str, Any] = {
    "guideid": 41, "title": "Cambiar el filtro", "category": "Cafetera", "summary": "El filtro '''viejo''' mancha.",
    "difficulty": "Very easy", "time_required": "10 - 20 minutes", "time_required_max": 1200,
    "tools": [{"text": "Destornillador", "quantity": 1}, {"text": "Paño", "quantity": 2}], "parts": [{"text": "Filtro"}],
    "prerequisites": [{"guideid": 40, "title": "Quitar la tapa"}], "flags": [{"title": "Guía incompleta"}],
    "steps": [
        {"title": "", "media": {"type": "image", "data": [{"id": 1}, {"id": 2}]}, "lines": [
            {"bullet": "black", "text_raw": "Gira la tapa a la [link|https://example.com/tapa|izquierda]. Sin fuerza.", "level": 0},
            {"bullet": "icon_caution", "text_raw": "Está ''caliente''.", "level": 0},
            {"bullet": "icon_note", "text_raw": "El filtro está debajo. Mira [guide|40|la otra guía].", "level": 1},
        ]},
        {"title": "Pon el nuevo", "lines": [{"bullet": "red", "text_raw": "Encaja el filtro.", "level": 0}]},
        {"title": "", "lines": []},
    ],
}  # fmt: skip


def test_a_repair_guide_becomes_a_guide(tmp_path: Path) -> None:
    source = write(tmp_path, {"41.json": REPAIR, "mal.json": {"guideid": 4}, "roto.json": '{"guideid": 5, "ti'})
    assert importer_of(source) is ifixit
    assert importer_of(source / "41.json") is ifixit
    (found,) = imported(ifixit, source).values()
    guide = usable(found)
    assert (guide.problem_id, guide.problem_title, guide.category) == ("cambiar_el_filtro", "Cambiar el filtro", "cafetera")
    assert (guide.problem_description, guide.difficulty, guide.estimated_time) == (
        "El filtro viejo mancha.",
        "fácil",
        "20 minutos",
    )
    assert guide.prerequisites == ("Destornillador", "Paño × 2", "Filtro")
    first, second = guide.steps
    assert first.title == "Gira la tapa a la izquierda"
    assert first.instructions == ("Gira la tapa a la izquierda. Sin fuerza.",)
    assert first.warnings == ("Está caliente.",)
    assert first.description == "El filtro está debajo. Mira la otra guía."
    assert first.resources == ({"title": "izquierda", "url": "https://example.com/tapa"},)
    assert (second.title, second.instructions) == ("Pon el nuevo", ("Encaja el filtro.",))
    for words in ("2 imágenes", "Guía incompleta", "Quitar la tapa"):
        assert words in doubts(found)
    told = refused(ifixit, source)
    assert [each.split(":")[0] for each in told] == ["mal.json", "roto.json"]


@pytest.mark.parametrize(
    ("difficulty", "time_said", "wanted"),
    [
        ("Moderate", "1 - 2 hours", ("medio", "120 minutos")), ("Difficult", "45 minutos", ("avanzado", "45 minutos")),
        ("Imposible", "un rato", (None, None)),
    ],
)  # fmt: skip
def test_difficulty_and_time_are_mapped_or_doubted(
    tmp_path: Path, difficulty: str, time_said: str, wanted: tuple[object, object]
) -> None:
    raw = {**REPAIR, "difficulty": difficulty, "time_required": time_said, "time_required_max": None}
    (found,) = imported(ifixit, write(tmp_path, {"a.json": [raw]})).values()
    assert (found.entry.get("difficulty"), found.entry.get("estimated_time")) == wanted
    assert ("Imposible" in doubts(found), "un rato" in doubts(found)) == (
        (True, True) if wanted == (None, None) else (False, False)
    )
