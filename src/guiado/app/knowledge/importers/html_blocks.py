"""HTML of an article as blocks: cleaned by `nh3` first, so that no script, style or form is ever looked at.

Nothing that the HTML names is fetched. Pictures, frames and films are told as doubts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

import nh3

from guiado.app.knowledge.importers.blocks import Block, BlockKind, Item, Link, blocks_of_text
from guiado.app.knowledge.importers.imported import doubt
from guiado.errors import FieldProblem, printable

DEEPEST = 10_000
"""Most elements inside one another; cleaning takes time that grows with the square of it."""
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = {"ol": BlockKind.ORDERED, "ul": BlockKind.BULLETS}
_ENDING = {"p", "div", "td", "th", "tr", "pre", "blockquote", "dt", "dd", "section", "article", "table"}
"""Elements that begin and end a paragraph; `td` and `th` only where a row has one cell."""
_KEPT = {*_HEADINGS, *_LISTS, *_ENDING, "li", "a", "br", "img"}
_DROPPED = {
    "script", "style", "title", "noscript", "iframe", "object", "embed", "svg", "math", "template", "nav", "footer", "form",
    "button", "select", "textarea",
}  # fmt: skip
_TITLE = re.compile(r"<title\b[^>]*>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)
_FRAMES = re.compile(r"<(iframe|video|audio|object|embed)\b", re.IGNORECASE)
_TAG = re.compile(r"<(/?)(div|section|article|span|table|ul|ol|blockquote|font|center|dl|details)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HtmlText:
    """Text of a piece of HTML.

    Args:
        title: of the document, "" without one.
        blocks: of its body.
        doubts: what was left out.
    """

    title: str
    blocks: tuple[Block, ...]
    doubts: tuple[FieldProblem, ...]

    def without_title(self) -> tuple[str, tuple[Block, ...]]:
        """The title of an article and its other blocks: that of its first heading of level 1, else of the document."""
        for place, block in enumerate(self.blocks):
            if block.kind is BlockKind.HEADING and block.level == 1:
                return block.text, (*self.blocks[:place], *self.blocks[place + 1 :])
        return self.title, self.blocks


def is_too_deep(html: str) -> bool:
    """Whether so many elements lie inside one another that nobody wrote them."""
    depth = 0
    for tag in _TAG.finditer(html):
        depth += -1 if tag[1] else 1
        if depth > DEEPEST:
            return True
    return False


def read_html(html: str, place: str) -> HtmlText:
    """The blocks of a piece of HTML that is not too deep.

    Args:
        place: of the article, for doubts.
    """
    title = _TITLE.search(html)
    clean = nh3.clean(
        html,
        tags=_KEPT,
        clean_content_tags=_DROPPED,
        attributes={"a": {"href"}, "img": {"src", "alt"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
        strip_comments=True,
    )
    builder = _Builder(place)
    builder.feed(clean)
    builder.close()
    blocks = builder.finish()
    found = len(_FRAMES.findall(html))
    frames = [doubt(place, "Tenía {count} videos o marcos, que no se importan. Pon su enlace.", count=found)] if found else []
    return HtmlText(_words(unescape(title[1])) if title else "", tuple(blocks), (*builder.doubts, *frames))


@dataclass(slots=True)
class _OpenItem:
    """An item of a list that is not closed yet."""

    texts: list[str] = field(default_factory=list[str])
    links: list[Link] = field(default_factory=list[Link])


class _Builder(HTMLParser):
    """Builder of blocks out of HTML that is clean and well formed."""

    def __init__(self, place: str) -> None:
        super().__init__(convert_charrefs=True)
        self.doubts: list[FieldProblem] = []
        self._place = place
        self._blocks: list[Block] = []
        self._written: list[str] = []
        self._links: list[Link] = []
        self._href: str | None = None
        self._linked: list[str] = []
        self._lists: list[BlockKind] = []
        self._items: list[Item] = []
        self._item: _OpenItem | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self._href, self._linked = given.get("href"), []
        elif tag == "img":
            self._doubt_picture(given.get("alt") or "", given.get("src") or "")
        elif tag == "br":
            self._written.append("\n")
        elif tag in _LISTS:
            self._flush()
            self._lists.append(_LISTS[tag])
        elif tag == "li":
            self._flush()
            if len(self._lists) <= 1:
                self._item = _OpenItem()
        elif tag in {"td", "th"}:
            self._written.append(" · " if "".join(self._written).strip() else "")
        elif tag in _HEADINGS or tag in _ENDING:
            self._flush()

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        elif tag in _HEADINGS and not self._lists:
            self._flush(level=_HEADINGS[tag])
        elif tag == "li":
            self._flush()
            if len(self._lists) <= 1:
                self._end_item()
        elif tag in _LISTS:
            self._flush()
            self._end_list()
        elif tag not in {"td", "th"} and (tag in _HEADINGS or tag in _ENDING):
            self._flush()

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data)
        self._written.append(words)
        if self._href is not None:
            self._linked.append(words)

    def finish(self) -> list[Block]:
        """The blocks, when all was fed."""
        self._flush()
        self._end_item()
        while self._lists:
            self._end_list()
        return self._blocks

    def _end_link(self) -> None:
        if self._href:
            self._links.append(Link(_words("".join(self._linked)), self._href))
        self._href = None

    def _end_item(self) -> None:
        item, self._item = self._item, None
        if item is not None and item.texts:
            self._items.append(Item(item.texts[0], tuple(item.texts[1:]), tuple(item.links)))

    def _end_list(self) -> None:
        kind = self._lists.pop() if self._lists else BlockKind.BULLETS
        if not self._lists and self._items:
            self._blocks.append(Block(kind, items=tuple(self._items)))
            self._items = []

    def _flush(self, level: int = 0) -> None:
        """End a paragraph: to the open item of a list, else as a block of its own."""
        lines = [_words(line) for line in "".join(self._written).split("\n")]
        links, self._written, self._links = tuple(self._links), [], []
        said = [line for line in lines if line]
        if self._item is not None:
            self._item.texts += said
            self._item.links += links
        elif level and said:
            self._blocks.append(Block(BlockKind.HEADING, " ".join(said), level, links=links))
        elif said:
            first, *others = blocks_of_text("\n".join(said))
            self._blocks += [_linked(first, links), *others]

    def _doubt_picture(self, words: str, address: str) -> None:
        shown = printable(_words(words) or address[:200] or "?")
        self.doubts.append(doubt(self._place, "La imagen «{picture}» no se importó. Agrégala a su paso.", picture=shown))


def _linked(block: Block, links: tuple[Link, ...]) -> Block:
    """A block of plain text with the links that stood in it."""
    if not links or not block.items:
        return Block(block.kind, block.text, block.level, block.items, links, block.line)
    first, *others = block.items
    return Block(block.kind, items=(Item(first.text, first.parts, links, first.line), *others), line=block.line)


def _words(text: str) -> str:
    return " ".join(text.split())
