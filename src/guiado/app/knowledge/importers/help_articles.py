"""Importer of help-centre articles: folders of HTML files, and exports of Zendesk, Intercom and Freshdesk in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from guiado.app.json_values import json_problem
from guiado.app.knowledge.importers.blocks import BlockKind
from guiado.app.knowledge.importers.html_blocks import is_too_deep, read_html
from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable, doubt
from guiado.app.knowledge.importers.recognise import Article, guide_from_article
from guiado.app.knowledge.importers.source_files import RefusedFile, files_in, read_text
from guiado.errors import FieldProblem, printable
from guiado.i18n import DEFAULT_LANGUAGE
from guiado.text.json_shapes import is_list, is_mapping, items_in

NAME = "help_articles"
_HTML, _JSON = (".html", ".htm"), ".json"
ENDINGS = ("", *_HTML, _JSON)
MOST_HTML_MB = 10
_LOOKED_AT, _HEAD_BYTES = 200, 65_536
_BODY = re.compile(rb'"(?:body|description|body_html)"\s*:\s*"')
_NAMED = re.compile(rb'"(?:title|name)"\s*:\s*"')
_OWN_FORMAT = re.compile(rb'"(?:problem_title|guideid)"\s*:')
_ARTICLES = ("articles", "data", "results", "items")
_GROUPS = ("sections", "categories", "folders", "collections", "data", "results", "items")
_PARENTS = ("section_id", "folder_id", "parent_id", "collection_id", "category_id")
_LANGUAGE_FOLDER = re.compile(r"[a-z]{2}(?:[-_][a-z]{2,4})?", re.IGNORECASE)
_USUAL_FOLDERS = {"articles", "articulos", "artículos", "artigos", "help", "html", "export"}
_DRAFT_STATES = {"draft", "1"}
"""`state` of Intercom and `status` of Freshdesk for an article that is not published."""


@dataclass(slots=True)
class _Export:
    """Names of the sections and folders of an export, by their id."""

    groups: dict[str, str] = field(default_factory=dict[str, str])


def looks_like(source: Path) -> bool:
    """Whether it is an HTML file, a JSON export of articles, or a folder with more of these than of Markdown."""
    if not source.is_dir():
        return source.suffix.lower() in _HTML or (source.suffix.lower() == _JSON and _has_articles(source))
    found = [each for each in islice(files_in(source, (*_HTML, _JSON, ".md")), _LOOKED_AT) if isinstance(each, Path)]
    marked = sum(each.suffix.lower() == ".md" for each in found)
    pages = sum(each.suffix.lower() in _HTML for each in found)
    return pages > marked or any(each.suffix.lower() == _JSON and _has_articles(each) for each in found)


def read(source: Path) -> Iterator[Imported | NotUnderstood]:
    """Read the articles of a file or folder.

    Raises:
        SourceUnreadable: the file that was named cannot be read.
    """
    if not source.is_dir():
        yield from _read_file(source, None, _Export())
        return
    export = _Export()
    for path in files_in(source, (_JSON,)):
        if isinstance(path, Path):
            _note_groups(path, export)
    for path in files_in(source, (*_HTML, _JSON)):
        if isinstance(path, RefusedFile):
            yield NotUnderstood(path.problem)
            continue
        try:
            yield from _read_file(path, source, export)
        except SourceUnreadable as error:
            yield from map(NotUnderstood, error.problems)


def _has_articles(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return bool(_BODY.search(head) and _NAMED.search(head)) and not _OWN_FORMAT.search(head)


def _read_file(path: Path, base: Path | None, export: _Export) -> Iterator[Imported | NotUnderstood]:
    if path.suffix.lower() == _JSON:
        yield from _read_json(path, base, export)
    else:
        text = read_text(path, base)
        category = _category_of_folder(path, base)
        yield _article("", text.text, text.place, path.stem, category, text.doubts)


def _article(
    title: str, html: str, place: str, otherwise: str, category: str = "", doubts: tuple[FieldProblem, ...] = ()
) -> Imported | NotUnderstood:
    """The guide of an article, or the reason why it gives none.

    Args:
        title: "" where the HTML has it.
        otherwise: title of an article that has none.
    """
    if len(html) > MOST_HTML_MB * 1024 * 1024:
        return NotUnderstood(doubt(place, "El artículo pasa de {limit} MB. Quita las imágenes de su HTML.", limit=MOST_HTML_MB))
    if is_too_deep(html):
        return NotUnderstood(doubt(place, "Su HTML tiene demasiados niveles, uno dentro de otro. Simplifícalo."))
    text = read_html(html, place)
    found, blocks = text.without_title() if not title else (title, text.blocks)
    if not any(block.text or block.items for block in blocks if block.kind is not BlockKind.HEADING):
        return NotUnderstood(doubt(place, "No tiene texto. Escríbelo o quita el artículo."))
    words = found or otherwise.replace("-", " ").replace("_", " ").strip()
    guide = guide_from_article(Article(words, blocks, place), category=category)
    return Imported(guide.problem_id, guide.entry, place, (*doubts, *text.doubts, *guide.doubts))


def _category_of_folder(path: Path, base: Path | None) -> str:
    """The nearest folder that names a subject: not the export itself, a language or "articles"."""
    if base is None:
        return ""
    for folder in reversed(path.relative_to(base).parts[:-1]):
        if not _LANGUAGE_FOLDER.fullmatch(folder) and folder.lower() not in _USUAL_FOLDERS:
            return _subject(folder)
    return ""


def _subject(name: str) -> str:
    return re.sub(r"^\d+\s+", "", " ".join(re.sub(r"[-_]+", " ", name).split())).lower()


def _note_groups(path: Path, export: _Export) -> None:
    """Note the names of sections and folders that a JSON file of an export has."""
    try:
        values = [value for value, _ in _decoded(read_text(path).text, path.name)]
    except SourceUnreadable:  # told when its articles are read
        return
    for value in values:
        for group in _rows(value, _GROUPS):
            name = group.get("name")
            if isinstance(name, str) and "id" in group and not _body_of(group):
                export.groups[str(group["id"])] = _subject(name)


def _read_json(path: Path, base: Path | None, export: _Export) -> Iterator[Imported | NotUnderstood]:
    text = read_text(path, base)
    for value, line in _decoded(text.text, text.place):
        if base is None:
            _note_groups(path, export)
        for number, row in enumerate(_rows(value, _ARTICLES), line):
            if (body := _body_of(row)) is not None:
                yield _of_row(row, body, f"{text.place}#{printable(row.get('id', number))}", export, text.doubts)


def _decoded(text: str, place: str) -> Iterator[tuple[object, int]]:
    """The JSON value of a file, or that of each of its lines, with the number of the line."""
    try:
        values = [(json.loads(text), 1)]
    except (ValueError, RecursionError) as error:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) == 1 or not all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for _, line in lines):
            raise _unreadable(error, place) from None
        values = _lines(lines, place)
    yield from values


def _lines(lines: list[tuple[int, str]], place: str) -> Iterator[tuple[object, int]]:
    for number, line in lines:
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _unreadable(error, f"{place}:{number}") from None
        yield value, number


def _unreadable(error: ValueError | RecursionError, place: str) -> SourceUnreadable:
    problem = json_problem(error)
    return SourceUnreadable(f"{place}: {problem.field}" if problem.field != "$" else place, problem.message)


def _rows(value: object, names: tuple[str, ...]) -> Iterator[Mapping[str, object]]:
    """The objects of a list, or of the lists that an export's object has under these names; else the object itself."""
    if is_list(value):
        yield from filter(is_mapping, value)
    elif is_mapping(value):
        lists = [value[name] for name in names if is_list(value.get(name))]
        yield from (row for each in lists for row in items_in(each) if is_mapping(row))
        if not lists:
            yield value


def _body_of(row: Mapping[str, object]) -> str | None:
    """HTML of an article: its `body`, else what Freshdesk calls its description; None for another object."""
    if not any(isinstance(row.get(key), str) for key in ("title", "name")):
        return None
    if "body" in row or "body_html" in row:
        return str(row.get("body") or row.get("body_html") or "")
    description = row.get("description")
    is_article = any(key in row for key in ("folder_id", "description_text", "status"))
    return description if isinstance(description, str) and is_article else None


def _of_row(
    row: Mapping[str, object], body: str, place: str, export: _Export, doubts: tuple[FieldProblem, ...]
) -> Imported | NotUnderstood:
    title = str(row.get("title") or row.get("name") or "").strip()
    if row.get("draft") is True or str(row.get("state", row.get("status", ""))) in _DRAFT_STATES:
        why = "Es un borrador y no se importó. Publícalo en el centro de ayuda y expórtalo otra vez."
        return NotUnderstood(doubt(place, why))
    locale = str(row.get("locale") or row.get("default_locale") or DEFAULT_LANGUAGE)
    if locale[:2].lower() != DEFAULT_LANGUAGE:
        why = "Está en otro idioma ({language}). Se importó como texto principal: tradúcelo."
        doubts = (*doubts, doubt(place, why, language=printable(locale)))
    return _article(title, body, place, title or place, _category_of(row, export), doubts)


def _category_of(row: Mapping[str, object], export: _Export) -> str:
    parents = [str(row[key]) for key in _PARENTS if row.get(key) is not None]
    return next((export.groups[parent] for parent in parents if parent in export.groups), "")
