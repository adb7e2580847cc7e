"""Blocks of a Markdown text: what its marks mean, and its words without them. Of HTML only the words stay, of scripts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape, unescape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from guiado.app.knowledge.importers.blocks import Block, BlockKind, Item, Link
from guiado.app.knowledge.importers.imported import doubt
from guiado.errors import FieldProblem, printable

_DEEPEST = 20
_LISTS = {"ordered_list": BlockKind.ORDERED, "bullet_list": BlockKind.BULLETS}
_CODE = ("fence", "code_block")


def blocks_of_markdown(text: str, first_line: int, file: str, doubts: list[FieldProblem]) -> list[Block]:
    """The blocks of a text, in order.

    Args:
        first_line: of the text in its file, from 1.
        file: name of the source, to which lines are appended.
        doubts: receives what was dropped.
    """
    reader = _Reader(first_line, file, doubts)
    reader.read(SyntaxTreeNode(_parser().parse(text)).children, 0)
    return reader.blocks


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table")


class _Reader:
    def __init__(self, first_line: int, file: str, doubts: list[FieldProblem]) -> None:
        self._first, self._file, self._doubts = first_line, file, doubts
        self.blocks: list[Block] = []

    def read(self, nodes: Sequence[SyntaxTreeNode], depth: int) -> None:
        """Append the blocks of some nodes."""
        for node in nodes:
            line = self._line(node)
            if node.type == "heading":
                text, links = self._inline(node, line)
                self.blocks.append(Block(BlockKind.HEADING, text, int(node.tag[1:]), links=links, line=line))
            elif node.type == "paragraph" or node.type in _CODE or node.type == "html_block":
                text, links = self._words(node, line)
                if text or links:
                    self.blocks.append(Block(BlockKind.TEXT, text, links=links, line=line))
            elif node.type in _LISTS:
                items = tuple(self._item(child) for child in node.children)
                self.blocks.append(Block(_LISTS[node.type], items=items, line=line))
            elif node.type == "table":
                self._table(node)
            elif node.children and depth < _DEEPEST:  # a quotation
                self.read(node.children, depth + 1)

    def _line(self, node: SyntaxTreeNode) -> int:
        return self._first + (node.map[0] if node.map else 0)

    def _words(self, node: SyntaxTreeNode, line: int) -> tuple[str, tuple[Link, ...]]:
        if node.type in _CODE:
            return node.content.strip(), ()
        if node.type == "html_block":
            return _without_html(node.content), ()
        return self._inline(node, line)

    def _item(self, node: SyntaxTreeNode) -> Item:
        """An item of a list: its first paragraph, and every text inside it."""
        inner = _Reader(self._first, self._file, self._doubts)
        inner.read(node.children, 0)
        texts, links = list[str](), list[Link]()
        for block in inner.blocks:
            texts += [block.text] if block.text else []
            links += block.links
            for item in block.items:
                texts += [item.text, *item.parts]
                links += item.links
        return Item(texts[0] if texts else "", tuple(texts[1:]), tuple(links), self._line(node))

    def _table(self, node: SyntaxTreeNode) -> None:
        """A paragraph of each row, its cells side by side."""
        for row in (row for part in node.children for row in part.children):
            line = self._line(row)
            cells = [self._inline(cell, line) for cell in row.children]
            text = " · ".join(filter(None, (words for words, _ in cells)))
            self.blocks.append(Block(BlockKind.TEXT, text, links=tuple(link for _, links in cells for link in links), line=line))

    def _inline(self, node: SyntaxTreeNode, line: int) -> tuple[str, tuple[Link, ...]]:
        tokens = [token for child in node.children if child.type == "inline" for token in child.to_tokens()[0].children or []]
        links = self._links(tokens, line)
        if any(token.type == "html_inline" for token in tokens):
            kept = (token.content if token.type == "html_inline" else escape(_plain(token)) for token in tokens)
            return _without_html("".join(kept)), links
        return _tidy("".join(map(_plain, tokens))), links

    def _links(self, tokens: Sequence[Token], line: int) -> tuple[Link, ...]:
        found, title, url = list[Link](), "", None
        for token in tokens:
            if token.type == "link_open":
                title, url = "", str(token.attrs.get("href") or "")
            elif token.type == "link_close" and url is not None:
                found.append(Link(_tidy(title), url))
                url = None
            elif token.type == "image":
                why = "La imagen {name} no se importó. Agrégala a la guía después."
                source = printable(token.attrs.get("src") or "")
                self._doubts.append(doubt(f"{self._file}:{line}", why, name=source))
            elif url is not None:
                title += _plain(token)
        return tuple(found)


def _plain(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n" if token.type == "hardbreak" else " "
    return token.content if token.type in ("text", "code_inline", "text_special") else ""


def _without_html(text: str) -> str:
    return _tidy(unescape(nh3.clean(text, tags=set())))


def _tidy(text: str) -> str:
    return " ".join(text.split())
