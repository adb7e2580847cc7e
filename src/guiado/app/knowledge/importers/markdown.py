"""Importer of Markdown: a guide a file, or one under each first heading of a file that has several; also a folder of files.

A front matter names the fields that it fills, in Spanish, English or Portuguese.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from frontmatter import parse
from frontmatter.default_handlers import YAMLHandler

from guiado.app.knowledge.importers.blocks import Block, BlockKind
from guiado.app.knowledge.importers.fields import LISTS, Column, column_of, flag_in, texts_in
from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable, doubt
from guiado.app.knowledge.importers.markdown_blocks import blocks_of_markdown
from guiado.app.knowledge.importers.recognise import Article, guide_from_article, slug
from guiado.app.knowledge.importers.source_files import RefusedFile, SourceText, files_in, read_text
from guiado.app.knowledge.importers.yaml_values import YamlReader, front_matter_events
from guiado.domain.guide import Guide
from guiado.errors import FieldProblem, printable
from guiado.text.json_shapes import is_mapping, items_in

NAME = "markdown"
ENDINGS = (".md", ".markdown", "")
_FILES = (".md", ".markdown")
_MARK = "---\n"
_NOT_NAMES = ("index", "readme", "_index")
"""Names of files that say nothing about their content."""
_OF_ENTRY = frozenset(Guide.__dataclass_fields__) - {"problem_id", "triggers", "steps", "_spoken"}
_TEXTS = (Column.TITLE, Column.DESCRIPTION, Column.CATEGORY, Column.TIME, Column.DIFFICULTY)


def looks_like(source: Path) -> bool:
    """Whether it is such a file, or a folder with one."""
    return source.is_file() or any(isinstance(each, Path) for each in files_in(source, _FILES))


def read(source: Path) -> Iterator[Imported | NotUnderstood]:
    """The guides of the file, or of every file of the folder; one that is broken is told and leaves the others alone."""
    if not source.is_dir():
        yield from _guides(read_text(source), source.stem)
        return
    for each in files_in(source, _FILES):
        if isinstance(each, RefusedFile):
            yield NotUnderstood(each.problem)
            continue
        try:
            yield from _guides(read_text(each, source), each.stem)
        except SourceUnreadable as error:
            yield from map(NotUnderstood, error.problems)


class _FrontMatter(YAMLHandler):
    """The front matter's YAML, read as strictly as any other."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def load(self, fm: str, **_kwargs: object) -> dict[str, object]:
        text = fm.removeprefix("\n")
        found = YamlReader(text, self._place, line=2, events=front_matter_events(text)).value()
        if found is None:
            return {}
        if not is_mapping(found):
            return {"": found}
        return dict(found)


def _guides(file: SourceText, stem: str) -> Iterator[Imported | NotUnderstood]:
    doubts = list(file.doubts)
    fields, body, first_line = _split(file)
    given, problem_id = _given(fields, file.at(1), doubts)
    blocks = blocks_of_markdown(body, first_line, file.place, doubts)
    parts = _parts(blocks)
    if len(parts) > 1:
        for title, part in parts:
            article, shared = Article(title.text, part, file.place, title.line), {**given, Column.TITLE.value: None}
            found = guide_from_article(article, slug(title.text), **shared)
            yield Imported(found.problem_id, found.entry, found.place, (*doubts, *found.doubts))
            doubts = []
        return
    if not blocks:
        yield NotUnderstood(doubt(file.at(1), "El archivo no tiene texto. Escribe la guía o bórralo."))
        return
    own = str(
        given.get(Column.TITLE) or (parts[0][0].text if parts else "") or stem.replace("_", " ").replace("-", " ").capitalize()
    )
    name = problem_id or slug(own if stem.lower() in _NOT_NAMES else stem)
    body_blocks = [block for block in blocks if not (parts and block is parts[0][0])]
    found = guide_from_article(Article(own, body_blocks, file.place, 1), name, **given)
    yield Imported(found.problem_id, found.entry, found.place, (*doubts, *found.doubts))


def _split(file: SourceText) -> tuple[Mapping[str, object], str, int]:
    """Front matter, text, and the line that the text begins at."""
    if not file.text.startswith(_MARK):
        return {}, file.text, 1
    fields, body = parse(file.text, handler=_FrontMatter(file.place))
    begins = len(file.text.rstrip()) - len(body) if body else len(file.text)
    return fields, body, file.text.count("\n", 0, begins) + 1


def _parts(blocks: list[Block]) -> list[tuple[Block, list[Block]]]:
    """The first headings, each with what is under it."""
    found: list[tuple[Block, list[Block]]] = []
    for block in blocks:
        if block.kind is BlockKind.HEADING and block.level == 1:
            found.append((block, []))
        elif found:
            found[-1][1].append(block)
    return found


def _given(fields: Mapping[str, object], place: str, doubts: list[FieldProblem]) -> tuple[dict[str, object], str | None]:
    """The entry's fields that a front matter gives, and its id."""
    found, problem_id = dict[str, object](), None
    for name, value in fields.items():
        column = column_of(name)
        if column is Column.ID:
            problem_id = str(value).strip() or None
        elif name in _OF_ENTRY and (column is None or not isinstance(value, str)):
            found[name] = value
        elif column is not None and column in _TEXTS:
            found[column.value] = "" if value is None else str(value)
        elif column is not None and column in LISTS:
            found[column.value] = texts_in(value) if isinstance(value, str) else [str(each) for each in items_in(value)]
        elif column is Column.URGENT:
            found["urgent"] = value if isinstance(value, bool) else flag_in(str(value)) is True
        else:
            why = "El campo «{name}» no se usa. Revisa su nombre o bórralo."
            doubts.append(doubt(place, why, name=printable(name)))
    return found, problem_id
