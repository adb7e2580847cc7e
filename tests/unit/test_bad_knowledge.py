"""Bad knowledge bases: broken files of every kind, a wrong value at every place, and a reload that keeps what is good."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.parse import read_entry
from guiado.app.knowledge.sources.json_file import read_file
from guiado.errors import KnowledgeBaseInvalid
from guiado.i18n import translate
from guiado.resources import data_path

STEP = {
    "step_number": 1, "step_id": "uno", "title": "T", "description": "D", "instructions": ["I"], "expected_result": "E",
    "warnings": ["W"], "resources": [{"title": "R", "url": "https://a.es/"}], "meaning_changed": False, "replaces": "cero",
    "type": "fix", "minutes": 2.5, "chance": 0.5, "irreversible": True, "risk": "low", "after": [],
}  # fmt: skip
TEXTS = {"title": "T", "description": "D", "instructions": ["I"], "expected_result": "E", "warnings": ["W"]}
ENTRY = {
    "problem_title": "P", "problem_description": "D", "category": "cuenta", "estimated_time": "5 minutos", "difficulty": "fácil",
    "prerequisites": ["R"], "common_issues": ["C"], "escalation_criteria": ["X"],
    "codes": ["E-45"], "not_this": ["N"],
    "steps": [STEP, {**STEP, "step_number": 2, "step_id": "dos", "after": ["uno"]}],
    "translations": {"en": {"problem_title": "P", "common_issues": ["C"], "not_this": ["N"],
                            "steps": [{**TEXTS, "resources": [{"title": "R", "url": "https://a.es/"}]}, TEXTS]}},
}  # fmt: skip
WRONG = [None, 5, -1, 10**30, 2.5, float("nan"), float("inf"), True, [], {}, [5], {"a": 1}, [[]], [None], "", "  ", "a\x00b",
         "a\x1b[2J", "\ud800", "x" * 1_000_000]  # fmt: skip
STRANGE = ["<script>", "'; DROP TABLE x; --", "{{7*7}} {0} %s", "\u202eabc", "👩‍👩‍👧", "tab\tsalto\n"]
ENGLISH = re.compile(r"\b(expected|invalid|error:|the|must|should|missing|got|errno|expecting|delimiter)\b", re.IGNORECASE)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def put(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    changed: Any = json.loads(json.dumps(ENTRY))
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def written(path: tuple[str | int, ...]) -> str:
    return "$.p" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


def about(field: str, place: str) -> bool:
    """A finding is about the changed place, what lies in it, or what must fit it."""
    must_fit = field.endswith(".after") or field == "$.p.translations.en.steps"
    return field.startswith(place) or place.startswith(field) or (place.startswith("$.p.steps") and must_fit)


def said(error: KnowledgeBaseInvalid) -> str:
    text = str(error)
    text.encode()
    assert text.isprintable(), text
    assert not ENGLISH.search(text), text
    assert not re.search("base de conocimiento|no se puede leer|debe ser", translate(error, "en"), re.IGNORECASE)
    return text


def test_the_whole_entry_is_good() -> None:
    findings = Findings()
    assert read_entry("p", ENTRY, findings) is not None
    assert (findings.errors, findings.warnings) == ([], [])


@pytest.mark.parametrize("place", list(places(ENTRY)), ids=written)
def test_a_wrong_value_at_any_place_is_a_guide_or_named_there(place: tuple[str | int, ...]) -> None:
    for value in [*WRONG, *STRANGE]:
        findings = Findings()
        guide = read_entry("p", put(place, value), findings)
        assert (guide is None) == bool(findings.errors)
        for found in (*findings.errors, *findings.warnings):
            # Also what is only doubtful lies there, or beside it: a step without instructions, a guide without phrases.
            assert about(found.field, written(place)), (found, value)
            assert not ENGLISH.search(str(found.message)), found
            assert str(found.message).endswith(".")
            assert str(found).encode()
        if isinstance(value, str) and re.search("[\x00\x1b\ud800]", value):
            assert guide is None, value
            assert written(place) in {found.field for found in findings.errors}


@pytest.mark.parametrize("place", [p for p in places(ENTRY) if p[-1] in {"problem_title", "title", "url", "steps"}], ids=written)
def test_what_must_be_there_is_missed(place: tuple[str | int, ...]) -> None:
    changed: Any = put(place, None)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    del inner[place[-1]]
    if place[0] == "translations" and place[-1] == "problem_title":
        return  # what a translation leaves out stays in Spanish
    findings = Findings()
    assert read_entry("p", changed, findings) is None
    assert written(place) in {found.field for found in findings.errors}


def test_a_field_that_nobody_reads_is_doubted_by_name() -> None:
    findings = Findings()
    changed = {**ENTRY, "problem_titel": "x", "a\x1b": 1, "steps": [{**STEP, "instrucciones": ["x"]}]}
    changed["translations"] = {}
    assert read_entry("p", changed, findings) is not None
    assert {found.field for found in findings.warnings} == {"$.p.problem_titel", "$.p.'a\\x1b'", "$.p.steps[0].instrucciones"}


@pytest.mark.parametrize(
    ("second", "field"),
    [
        ({"step_id": "uno"}, "step_id"),
        ({"after": ["nadie"]}, "after"),
        ({"after": ["dos"]}, "after"),
        ({"replaces": "dos"}, "replaces"),
    ],
)
def test_steps_that_do_not_fit_together_are_named(second: dict[str, Any], field: str) -> None:
    findings = Findings()
    assert read_entry("p", {**ENTRY, "translations": {}, "steps": [STEP, {**ENTRY["steps"][1], **second}]}, findings) is None
    assert [found.field for found in findings.errors] == [f"$.p.steps[1].{field}"]


def test_a_cycle_of_steps_is_named() -> None:
    findings = Findings()
    first = {**STEP, "after": ["dos"]}
    assert read_entry("p", {**ENTRY, "translations": {}, "steps": [first, ENTRY["steps"][1]]}, findings) is None
    assert [found.field for found in findings.errors] == ["$.p.steps[0].after"]


# ------------------------------------------------------------------------------------------------------------------- files


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)


def loop(path: Path) -> None:
    path.symlink_to(path.with_name("otro.json"))
    path.with_name("otro.json").symlink_to(path)


GOOD = json.dumps({"p": ENTRY}, ensure_ascii=False)
FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "no existe"),
    "empty": (lambda path: path.write_bytes(b""), "línea 1, columna 1: El JSON está mal escrito (falta un valor)"),
    "truncated": (lambda path: path.write_text(GOOD[:-20], "utf-8"), "El JSON está mal escrito"),
    "comma": (lambda path: path.write_text('{"a": 1,}'), "falta un nombre entre comillas dobles"),
    "quotes": (lambda path: path.write_text("{'a': 1}"), "falta un nombre entre comillas dobles"),
    "no comma": (lambda path: path.write_text('{"a": 1 "b": 2}'), "falta una coma"),
    "colon": (lambda path: path.write_text('{"a" 1}'), "faltan los dos puntos"),
    "open text": (lambda path: path.write_text('{"a": "b'), "falta cerrar un texto entre comillas"),
    "line break": (lambda path: path.write_text('{"a": "b\nc"}'), "salto de línea"),
    "backslash": (lambda path: path.write_text('{"a": "\\x"}'), "barra inversa"),
    "extra": (lambda path: path.write_text("{} {}"), "sobra texto"),
    "utf-16": (lambda path: path.write_text(GOOD, "utf-16"), "no es texto en UTF-8"),
    "latin-1": (lambda path: path.write_text(GOOD, "latin-1"), "no es texto en UTF-8"),
    "binary": (lambda path: path.write_bytes(os.urandom(2_000) + b"\xff"), "no es texto en UTF-8"),
    "nan": (lambda path: path.write_text(GOOD.replace("2.5", "NaN", 1), "utf-8"), "NaN no es JSON"),
    "infinity": (lambda path: path.write_text('{"p": {"x": -Infinity}}'), "-Infinity no es JSON"),
    "huge number": (lambda path: path.write_text('{"p": ' + "9" * 5_000 + "}"), "no se puede guardar"),
    "no object": (lambda path: path.write_text("[]"), "$: Debe ser un objeto"),
    "null": (lambda path: path.write_text("null"), "$: Debe ser un objeto"),
    "no entries": (lambda path: path.write_text("{}"), "$: No hay ningún problema"),
    "brackets": (lambda path: path.write_text("[" * 100_000), "demasiados niveles"),
    "deep entry": (lambda path: path.write_text('{"p":' + '{"a":' * 100_000 + "1" + "}" * 100_001), "demasiados niveles"),
    "twin ids": (lambda path: path.write_text('{"p": {}, "p": {}}'), "$.p: Está repetido"),
    "twin fields": (lambda path: path.write_text('{"p": {"steps": [{"title": "a", "title": "b"}]}}'), "$.p.steps[0].title: Está rep"),
    "huge": (sparse, "pasa de 64 MB"),
    "folder": (lambda path: path.mkdir(), "no es un archivo normal"),
    "pipe": (os.mkfifo, "no es un archivo normal"),
    "loop": (loop, "en círculo"),
    "bad ids": (lambda path: path.write_text(json.dumps({"": ENTRY, "\x1b[2J": ENTRY, "\u202e": ENTRY, "x" * 129: ENTRY})), "El identificador"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_says_what_and_where(tmp_path: Path, name: str) -> None:
    make, words = FILES[name]
    path = tmp_path / "kb.json"
    make(path)
    with pytest.raises(KnowledgeBaseInvalid) as caught:
        read_file(path)
    assert words in said(caught.value)


@pytest.mark.parametrize(
    ("path", "words"), [("a\x00b", "la ruta no es válida"), ("/dev/zero", "archivo normal"), ("x" * 300, "largo")]
)
def test_a_path_that_names_no_file_is_named(path: str, words: str) -> None:
    with pytest.raises(KnowledgeBaseInvalid) as caught:
        read_file(Path(path))
    assert words in said(caught.value)


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kb.json"
    path.write_text(GOOD, "utf-8")

    def refuse(*_: object, **__: object) -> None:  # for root nothing is unreadable
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(KnowledgeBaseInvalid) as caught:
        read_file(path)
    assert "falta permiso" in said(caught.value)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "kb.json"
    path.write_text(GOOD, "utf-8-sig")
    assert list(read_file(path).guides) == ["p"]


def test_errors_and_warnings_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "kb.json"
    path.write_text(json.dumps({"bien": {**ENTRY, "difficulty": "rara"}, "mal": {**ENTRY, "problem_title": 5}}), "utf-8")
    with pytest.raises(KnowledgeBaseInvalid) as caught:
        read_file(path)
    assert [found.field for found in caught.value.problems] == ["$.mal.problem_title"]
    assert [found.field for found in caught.value.warnings] == ["$.bien.difficulty"]


def test_a_file_that_is_wrong_all_over_fills_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "kb.json"
    steps = [{"title": 1}] * 5_000
    path.write_text(json.dumps({"p": {**ENTRY, "steps": steps}, "q": {**ENTRY, "prerequisites": ["a"] * 10_001}}), "utf-8")
    with pytest.raises(KnowledgeBaseInvalid) as caught:
        read_file(path)
    assert len(caught.value.problems) == 1_000
    assert len(str(caught.value)) < 5_000


def test_a_list_without_end_is_named() -> None:
    findings = Findings()
    assert read_entry("p", {**ENTRY, "prerequisites": [5] * 10_001}, findings) is None
    assert [str(found) for found in findings.errors] == ["$.p.prerequisites: Tiene más de 10000 elementos. Acórtala."]


def test_the_knowledge_base_that_ships_leaves_nothing_to_doubt() -> None:
    assert read_file(data_path("integrations", "support_troubleshooting_kb.json")).findings.warnings == []
