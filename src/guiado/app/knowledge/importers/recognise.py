"""Recognition of a guide in an article: its steps in headings and lists; where there are none, an answer.

Headings such as "Requisitos" or "Frases de clientes" fill the fields that they name; what fits nowhere is told with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from guiado.app.knowledge.importers.blocks import Block, BlockKind, Item, Link, blocks_of_text
from guiado.app.knowledge.importers.headings import Part, expected_in, part_of, split_minutes, warning_in, without_number
from guiado.app.knowledge.importers.imported import Imported, doubt
from guiado.errors import FieldProblem, printable
from guiado.text.fold import fold_accents
from guiado.text.json_shapes import items_in

LONGEST_ID, LONGEST_TITLE, LONGEST_TEXT = 60, 60, 4_000
_LISTS = (BlockKind.ORDERED, BlockKind.BULLETS)
_SENTENCE = re.compile(r"[.:;!?]\s")
_FIELDS = (Part.PHRASES, Part.NOT_THIS, Part.PREREQUISITES, Part.ESCALATION, Part.CODES)


@dataclass(frozen=True, slots=True)
class Article:
    """An article as an importer read it.

    Args:
        title: the problem or the question.
        blocks: its text.
        file: name of the source, to which lines are appended.
        line: where it begins, 0 where that is unknown.
    """

    title: str
    blocks: Sequence[Block]
    file: str
    line: int = 0

    def at(self, line: int = 0) -> str:
        """The place of a line."""
        return f"{self.file}:{line or self.line}" if line or self.line else self.file


@dataclass(slots=True)
class _Section:
    """A heading, None before the first one, with what is under it."""

    heading: Block | None
    blocks: list[Block] = field(default_factory=list[Block])

    @property
    def part(self) -> Part:
        return part_of(self.heading.text) if self.heading else Part.OTHER

    def has(self, *kinds: BlockKind) -> bool:
        return any(block.kind in kinds for block in self.blocks)


def slug(text: str, otherwise: str = "guia") -> str:
    """An identifier made of a title: lower case, no accents, joined by underscores."""
    words = "_".join(re.findall(r"[a-z0-9]+", fold_accents(text)))
    return words[:LONGEST_ID].strip("_") or otherwise


def guide_from_article(article: Article, problem_id: str | None = None, **given: object) -> Imported:
    """The entry of an article.

    Args:
        problem_id: by default made of the title.
        given: fields that the source names itself; they go before what was recognised.
    """
    doubts: list[FieldProblem] = []
    entry = recognise(article, doubts) | {name: value for name, value in given.items() if value not in (None, "", [], ())}
    return Imported(problem_id or slug(article.title), entry, article.at(), tuple(doubts))


def guide_from_answer(
    question: str, answer: str, file: str, line: int, problem_id: str | None = None, **given: object
) -> Imported:
    """The entry of a question and its answer in plain text: with steps where the answer has a list, else an answer."""
    given.setdefault("common_issues", [question])  # a question is how customers say it
    return guide_from_article(Article(question, blocks_of_text(answer), file, line), problem_id, **given)


def recognise(article: Article, doubts: list[FieldProblem]) -> dict[str, object]:
    """The entry of an article, without an id.

    Args:
        doubts: receives what was dropped or shortened.
    """
    sections = _sections(article)
    named = [section for section in sections if section.part in _FIELDS]
    body = [section for section in sections if section.part not in _FIELDS]
    entry: dict[str, object] = {"problem_title": fitted(article.title, article.at(), doubts)}
    for section in named:
        texts = [fitted(text, article.at(_line(section)), doubts) for text in _texts(section.blocks)]
        entry[section.part.value] = [*_listed(entry.get(section.part.value)), *texts]
    steps = _Steps(article, doubts).of(body)
    if not steps:
        return entry | _answer(article, body, doubts)
    intro = body[0] if body and body[0].heading is None else None
    if intro is not None and (
        said := [block.text for block in takewhile(lambda block: block.kind is BlockKind.TEXT, intro.blocks)]
    ):
        entry["problem_description"] = fitted(" ".join(said), article.at(_line(intro)), doubts)
    return entry | {"steps": [{"step_number": number, **step} for number, step in enumerate(steps, 1)]}


def fitted(text: str, place: str, doubts: list[FieldProblem], most: int = LONGEST_TEXT) -> str:
    """A text that is not too long to be kept, cut with a doubt where it was."""
    if len(text) <= most:
        return text
    doubts.append(doubt(place, "Un texto tenía más de {limit} caracteres y se cortó. Acórtalo en el original.", limit=most))
    return f"{text[: most - 1].rstrip()}…"


def resources_of(links: Iterable[Link], place: str, doubts: list[FieldProblem]) -> list[dict[str, str]]:
    """The resources that links make, each address once; other addresses than those of the web are dropped with a doubt."""
    found: dict[str, dict[str, str]] = {}
    for link in links:
        if link.url.lower().startswith(("https://", "http://")):
            found.setdefault(link.url, {"title": link.title.strip() or link.url, "url": link.url})
        elif not link.url.startswith("#"):
            why = "El enlace {url} no es de la web y se quitó. Escribe su dirección completa."
            doubts.append(doubt(place, why, url=printable(link.url)))
    return list(found.values())


def _sections(article: Article) -> list[_Section]:
    found = [_Section(None)]
    for block in article.blocks:
        if block.kind is BlockKind.HEADING:
            if not (len(found) == 1 and not found[0].blocks and fold_accents(block.text) == fold_accents(article.title)):
                found.append(_Section(block))
        else:
            found[-1].blocks.append(block)
    return [section for section in found if section.blocks or section.part is Part.STEP]


def _line(section: _Section) -> int:
    first = section.heading or (section.blocks[0] if section.blocks else None)
    return first.line if first else 0


def _listed(value: object) -> list[str]:
    return [str(each) for each in items_in(value)]


def _texts(blocks: Iterable[Block]) -> list[str]:
    """Every text of some blocks, one by one."""
    found: list[str] = []
    for block in blocks:
        found += [block.text] if block.text else []
        for item in block.items:
            found += [each for each in (item.text, *item.parts) if each]
    return found


def _links(blocks: Iterable[Block]) -> list[Link]:
    return [link for block in blocks for link in (*block.links, *(link for item in block.items for link in item.links))]


class _Steps:
    """Recognition of the steps of one article."""

    def __init__(self, article: Article, doubts: list[FieldProblem]) -> None:
        self._article, self._doubts = article, doubts

    def of(self, sections: Sequence[_Section]) -> list[dict[str, object]]:
        """Its steps: the headings that are numbered, or that have lists under them; else the items of the only list."""
        is_numbered = any(section.part is Part.STEP for section in sections)
        ordered = [section for section in sections if section.has(BlockKind.ORDERED)]
        found: list[dict[str, object]] = []
        for section in sections:
            kinds = _LISTS if section.part is Part.STEPS else (BlockKind.ORDERED,)
            if section.part is Part.STEP or (
                section.heading and len(ordered) > 1 and section in ordered and section.part is Part.OTHER
            ):
                found.append(self._section(section))
            elif section.has(*kinds) and not is_numbered:
                found += self._items(section, kinds)
            elif section.heading is not None and (is_numbered or ordered):
                self._doubt_section(section)
        return found

    def _section(self, section: _Section) -> dict[str, object]:
        heading = section.heading.text if section.heading else ""
        title, minutes = split_minutes(without_number(heading))
        step = self._step(title or heading, section.blocks, _line(section))
        return step | ({} if minutes is None else {"minutes": minutes})

    def _items(self, section: _Section, kinds: Sequence[BlockKind]) -> list[dict[str, object]]:
        """A step of every item of a section's lists; a warning or result between them belongs to the step before."""
        found: list[dict[str, object]] = []
        for block in section.blocks:
            if block.kind in kinds:
                found += [self._item(item) for item in block.items]
            elif found and block.text:
                self._add_text(found[-1], block.text)
                self._add_links(found[-1], block.links, block.line)
        if found and (before := section.blocks[: next(n for n, block in enumerate(section.blocks) if block.kind in kinds)]):
            self._add_links(found[0], _links(before), _line(section))
            if section.heading is not None:
                found[0]["description"] = " ".join(_texts(before))
        return found

    def _item(self, item: Item) -> dict[str, object]:
        inner = [Block(BlockKind.TEXT, part, line=item.line) for part in item.parts]
        title, minutes = split_minutes(item.text)
        short = _short(title)
        if short != title.rstrip("."):
            inner.insert(0, Block(BlockKind.TEXT, title, line=item.line))
        if not inner:
            inner.append(Block(BlockKind.TEXT, title))
        step = self._step(short, inner, item.line)
        self._add_links(step, item.links, item.line)
        return step | ({} if minutes is None else {"minutes": minutes})

    def _step(self, title: str, blocks: Sequence[Block], line: int) -> dict[str, object]:
        """A step: lists are its instructions, paragraphs before them its description; without lists the paragraphs are."""
        place, step = self._article.at(line), dict[str, object](title=fitted(title, self._article.at(line), self._doubts, 200))
        has_list, instructions, said = any(block.kind in _LISTS for block in blocks), list[str](), list[str]()
        for block in blocks:
            for text in _texts([block]):
                if self._add_special(step, text):
                    continue
                (instructions if block.items or not has_list else said).append(fitted(text, place, self._doubts))
        if said:
            step["description"] = fitted(" ".join(said), place, self._doubts)
        step["instructions"] = instructions
        if not instructions:
            self._doubts.append(doubt(place, "El paso «{title}» quedó sin instrucciones. Escríbelas.", title=printable(title)))
        self._add_links(step, _links(blocks), line)
        return step

    def _add_special(self, step: dict[str, object], text: str) -> bool:
        """Add a warning or expected result; False for another text."""
        if (warning := warning_in(text)) is not None:
            step["warnings"] = [*_listed(step.get("warnings")), fitted(warning, self._article.at(), self._doubts)]
        elif (expected := expected_in(text)) is not None:
            step["expected_result"] = fitted(expected, self._article.at(), self._doubts)
        else:
            return False
        return True

    def _add_text(self, step: dict[str, object], text: str) -> None:
        if not self._add_special(step, text):
            step["description"] = " ".join(filter(None, (str(step.get("description") or ""), text)))

    def _add_links(self, step: dict[str, object], links: Iterable[Link], line: int) -> None:
        if found := resources_of(links, self._article.at(line), self._doubts):
            step["resources"] = [*items_in(step.get("resources")), *found]

    def _doubt_section(self, section: _Section) -> None:
        heading = section.heading.text if section.heading else ""
        why = "La parte «{heading}» no es un paso y no se importó. Si lo es, escribe «Paso N:» o una lista numerada."
        self._doubts.append(doubt(self._article.at(_line(section)), why, heading=printable(heading)))


def _short(text: str) -> str:
    """The title of a step whose instruction is this text: its first sentence, cut at a word."""
    first = _SENTENCE.split(text, maxsplit=1)[0].rstrip(".:;")
    if len(first) <= LONGEST_TITLE:
        return first
    return f"{first[: LONGEST_TITLE - 1].rsplit(' ', 1)[0].rstrip(',;: ')}…"


def _answer(article: Article, sections: Sequence[_Section], doubts: list[FieldProblem]) -> dict[str, object]:
    said: list[str] = []
    for section in sections:
        said += [section.heading.text] if section.heading else []
        for block in section.blocks:
            said += [f"• {text}" if block.items else text for text in _texts([block])]
        said += [f"{each['title']}: {each['url']}" for each in resources_of(_links(section.blocks), article.at(), doubts)]
    return {"kind": "answer", "answer": [fitted(text, article.at(), doubts) for text in said]}
