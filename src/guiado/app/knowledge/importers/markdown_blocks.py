"""Blocks of a Markdown text: what its marks mean, and its words without them. Of HTML only the words stay, of scripts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape, unescape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from guiado.app.knowledge.importers.blocks import Block, BlockKind, Item, Link
from guiado.app.knowledge.importers.imported import doubt
from guiado.errors import FieldProblem, printable

_DEEPEST = 20
_LISTS = {"ordered_list_open": BlockKind.ORDERED, "bullet_list_open": BlockKind.BULLETS}
_CODE = ("fence", "code_block")


def blocks_of_markdown(text: str, first_line: int, file: str, doubts: list[FieldProblem]) -> list[Block]:
    """The blocks of a text, in order.

    Args:
        first_line: of the text in its file, from 1.
        file: name of the source, to which lines are appended.
        doubts: receives what was dropped.
    """
    return _Reader(_parser().parse(text), first_line, file, doubts).read("")


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table")


class _Reader:
    """Reader of the parser's tokens, from the first to the last: an opening one, what is inside, and its closing one."""

    def __init__(self, tokens: Sequence[Token], first_line: int, file: str, doubts: list[FieldProblem]) -> None:
        self._tokens, self._at = tokens, 0
        self._first, self._file, self._doubts = first_line, file, doubts

    def read(self, closing: str) -> list[Block]:
        """The blocks up to a closing token, or to the end."""
        found: list[Block] = []
        while (token := self._take()) is not None and token.type != closing:
            line = self._line(token)
            if token.type == "heading_open":
                text, links = self._inline(line)
                found.append(Block(BlockKind.HEADING, text, int(token.tag[1:]), links=links, line=line))
            elif token.type == "paragraph_open":
                found += self._text(*self._inline(line), line)
            elif token.type == "html_block":
                found += self._text(_without_html(token.content), (), line)
            elif token.type in _CODE:
                found += self._text(token.content.strip(), (), line)
            elif token.type in _LISTS:
                found.append(Block(_LISTS[token.type], items=tuple(self._items(token.type)), line=line))
            elif token.type == "tr_open":
                found += self._row(line)
        return found

    def _take(self) -> Token | None:
        if self._at >= len(self._tokens):
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def _line(self, token: Token) -> int:
        return self._first + (token.map[0] if token.map else 0)

    def _text(self, text: str, links: tuple[Link, ...], line: int) -> list[Block]:
        return [Block(BlockKind.TEXT, text, links=links, line=line)] if text or links else []

    def _items(self, opening: str) -> list[Item]:
        """The items of a list: the first paragraph of each, and every text inside it."""
        found: list[Item] = []
        while (token := self._take()) is not None and token.type != opening.replace("_open", "_close"):
            texts, links, line = list[str](), list[Link](), self._line(token)
            for block in self.read("list_item_close"):
                texts += [block.text] if block.text else []
                links += block.links
                for item in block.items:
                    texts += [item.text, *item.parts]
                    links += item.links
            found.append(Item(texts[0] if texts else "", tuple(texts[1:]), tuple(links), line))
        return found

    def _row(self, line: int) -> list[Block]:
        """A paragraph of a table's row, its cells side by side."""
        texts, links = list[str](), list[Link]()
        while (token := self._take()) is not None and token.type != "tr_close":
            if token.type in ("td_open", "th_open"):
                words, found = self._inline(line)
                texts += [words] if words else []
                links += found
        return self._text(" · ".join(texts), tuple(links), line)

    def _inline(self, line: int) -> tuple[str, tuple[Link, ...]]:
        """The words and links of the token that follows an opening one."""
        inline = self._take()
        tokens = (inline.children or []) if inline is not None else []
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
