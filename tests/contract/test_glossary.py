"""The words that are out stay out: read from the glossary in CONTRIBUTING.md, looked for in every text that people read."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from guiado.delivery.templates import BUILT_IN

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "guiado"
DOCS = ROOT / "docs"
LANGUAGES = ("es", "en", "pt")
ENGLISH_PAGES = {"architecture.md"}
VERBATIM = {"IMPLEMENTATION_GUIDE_TROUBLESHOOTING.md"}
"""A copy that is compared word by word with the published guide."""
NOT_READ = {"common_issues", "not_this", "escalation_criteria", "step_id", "after", "codes", "translations", "id"}
"""Fields of a guide that hold what customers say, in whatever words they say it, and identifiers."""
READS_LANGUAGE = ("detection", "domain", "guidance", "language_model", "store", "text")
"""Packages whose literals are words to be recognised, not texts to be read; their messages are in the catalogues."""

Texts = dict[str, str]


def glossary() -> str:
    return (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("\n## Words\n")[2].partition("\n## ")[0]


def rows() -> list[list[str]]:
    """The cells of each row of the table; a bar within a cell is written as `\\|`."""
    lines = [line for line in glossary().splitlines() if line.startswith("| ")][1:]
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def out(language: str) -> list[re.Pattern[str]]:
    """The expressions of the last column for one language."""
    found: list[str] = []
    for row in rows():
        for part in re.split(r"(?=\b(?:es|en|pt): `)", row[-1]):
            if part.startswith(f"{language}: "):
                found += re.findall(r"`([^`]+)`", part)
    return [re.compile(each, re.IGNORECASE | re.MULTILINE) for each in found]


# ------------------------------------------------------------------------------------------------------------- what people read


def catalogue(language: str) -> Texts:
    source = language if language != "es" else "en"
    with (SOURCE / "locales" / source / "LC_MESSAGES" / "guiado.po").open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.id]
    return {f"catalogue: {entry.id}": str(entry.id if language == "es" else entry.string) for entry in entries}


def leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a JSON document, without what customers say."""
    match value:
        case str():
            yield place, value
        case dict():
            for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
                if key not in NOT_READ:
                    yield from leaves(inner, f"{place}.{key}")
        case list():
            for number, inner in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
                yield from leaves(inner, f"{place}[{number}]")
        case _:
            pass


def published(language: str) -> Texts:
    """The knowledge base, the templates of guides and the templates of messages."""
    found: Texts = {}
    for name in ("kb", "templates"):
        path = ROOT / "data" / "integrations" / f"support_troubleshooting_{name}.json"
        for entry_id, entry in json.loads(path.read_text("utf-8")).items():
            translations = {**entry.pop("translations", {}), "es": entry}
            found |= leaves(translations.get(language), f"{path.name}: {entry_id}")
    for template_id, template in BUILT_IN[language].items():
        found[f"message {template_id}"] = f"{template.subject}\n{template.body}"
    return found


def literals(path: Path) -> Iterator[tuple[str, str]]:
    """Every text in a program, docstrings too: those of routes are shown."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def programs() -> Iterable[Path]:
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] not in READS_LANGUAGE:
            yield path
    yield from (ROOT / "scripts").glob("*.py")
    yield from (ROOT / "benchmarks").glob("*.py")


def whole_files() -> Iterable[Path]:
    yield from (ROOT / "README.es.md", ROOT / ".env.example", ROOT / "Makefile", ROOT / "zensical.toml")
    yield from (path for path in DOCS.glob("*.md") if path.name not in ENGLISH_PAGES | VERBATIM)
    yield from (ROOT / "scripts").glob("*.sh")
    yield from (SOURCE / "web" / "pages").glob("*.html")
    yield from (ROOT / "workflow").rglob("*.y*ml")


def spanish_files() -> Texts:
    found = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in whole_files()}
    for path in programs():
        found |= literals(path)
    found |= leaves(tomllib.loads((SOURCE / "api" / "openapi" / "glossary.toml").read_text("utf-8")), "glossary.toml")
    for path in sorted((ROOT / "data" / "db").glob("*.sql")):
        for number, raised in enumerate(re.findall(r"RAISE \w+ +'((?:[^']|'')+)'", path.read_text("utf-8"))):
            found[f"{path.name}: error {number}"] = raised
    return found


def english_files() -> Texts:
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8").replace(glossary(), "")
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *(DOCS / name for name in ENGLISH_PAGES), *(DOCS / "adr").glob("*.md")]
    return {"CONTRIBUTING.md": contributing, **{str(path.relative_to(ROOT)): path.read_text("utf-8") for path in pages}}


def texts(language: str) -> Texts:
    files: dict[str, Callable[[], Texts]] = {"es": spanish_files, "en": english_files}
    return {**catalogue(language), **published(language), **(files[language]() if language in files else {})}


# ---------------------------------------------------------------------------------------------------------------------- the tests


def test_every_row_names_its_words_and_the_table_rules_in_three_languages() -> None:
    assert all(len(row) == 4 and any(row[:3]) for row in rows())
    assert {language: len(out(language)) >= 10 for language in LANGUAGES} == dict.fromkeys(LANGUAGES, True)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "Las órdenes de la terminal"),
        ("es", "Escribe la orden"),
        ("es", "Arranca un trabajador"),
        ("es", "El inquilino de la transacción"),
        ("es", "Ningún candado queda cerrado"),
        ("es", "Escribe la clave del wifi"),
        ("es", "Añade una línea"),
        ("es", "Quita la aplicación"),
        ("es", "Enciende el ordenador"),
        ("es", "Ese valor no vale, y ese dato no sirve"),
        ("en", "Data not valid"),
        ("en", "We do not recognize it"),
        ("pt", "A base de dados não responde"),
        ("pt", "Está a arrancar ou a parar"),
        ("pt", "O utilizador não pode criar o ficheiro"),
    ],
)
def test_a_word_that_is_out_is_found(language: str, text: str) -> None:
    assert any(each.search(text) for each in out(language))


@pytest.mark.parametrize(
    "text",
    ["Todo en orden", "en el orden en que aparecen", "palabras clave", "la clave de API", "El equipo", "ordenados por fecha"],
)
def test_a_word_that_is_right_is_left_alone(text: str) -> None:
    assert not any(each.search(text) for each in out("es"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_people_read_has_a_word_that_is_out(language: str) -> None:
    found = [
        f"{place}: «{hit[0]}» in «{text[max(0, hit.start() - 40) : hit.end() + 40]}»"
        for place, text in texts(language).items()
        for each in out(language)
        for hit in each.finditer(text)
    ]
    assert not found, "\n".join(found)
