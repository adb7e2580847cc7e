"""Reads the visible text of HTML: no tags, style sheets, comments, hidden or struck-out parts; quoted lines begin with ">".

A reader of our own: `html.parser` takes seconds for 10,000 hostile characters (docs/adr/0024-reading-mail.md).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import islice


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MOST_TAG_CHARS = 2_000
_TAG = re.compile(
    r"<(?:(?P<mark>!--|!\[|!doctype\b|\?xml)|(?P<end>/?)(?P<name>[a-z][a-z0-9]{0,15}(?::[a-z0-9]{1,20})?)(?=[\s/>]))",
    re.IGNORECASE,
)
_BLOCKS = _words("""
    address article blockquote body br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 head header hr html li
    main ol p pre section table tbody thead tr ul
""")
_PARAGRAPHS = _words("html body div p table")
"""With one of these the line breaks of the source are spaces."""
_CELLS = frozenset(("td", "th"))
_INLINE = _words("""
    a abbr area b base big button caption cite code col colgroup dfn em font i img input ins kbd label link map mark
    meta nobr option q samp select small span strong sub sup textarea tfoot tt u var wbr
""")
_UNSEEN = frozenset(("head", "noscript", "object", "script", "style", "svg", "template", "title", "xml"))
_STRUCK = frozenset(("del", "s", "strike"))
_KNOWN = _BLOCKS | _CELLS | _INLINE | _UNSEEN | _STRUCK
_VOID = _words("area base br col hr img input link meta wbr")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|\shidden(?=[\s/>=])", re.IGNORECASE)
_STRUCK_STYLE = re.compile(r"text-decoration[a-z-]{0,12}\s*+:\s*+[^;\"']{0,40}line-through", re.IGNORECASE)
_STRUCK_CLASS = re.compile(r"\.([\w-]{1,40}+)(?:\s*+,[^{}]{0,100}+)?+\s*+\{[^{}]{0,300}?line-through", re.IGNORECASE)
_CLASS = re.compile(r"\sclass\s*=\s*(?:\"([^\"]{1,200})\"|'([^']{1,200})'|([^\s>\"']{1,60}))", re.IGNORECASE)
_MOST_CLASSES = 20
_STRUCK_MARKS = re.compile(r"~~(?=\S)[^~\n]{1,500}(?<=\S)~~|(?<![\w~/])~(?=[^\W\d])[^~\n]{2,300}(?<=\S)~(?![\w~/])")
_ESCAPED = re.compile(r"&lt;/?(?:p|div|br|span|body|html|table|td|b|strong|ul|li)(?:\s[^&\n]{0,200})?/?&gt;", re.IGNORECASE)
"""HTML that a program has escaped once too often."""
_WORD = re.compile(r"[^\W\d_]{2,}")

_CSS_BLOCK = re.compile(r"\{[^{}]{0,2000}\}")
_CSS_PROPERTY = re.compile(
    r"(?:^|[;{\s])(?:-?(?:mso|moz|webkit|ms)-[\w-]++|(?:margin|padding|font|color|background|behavior|border|display|width|height|"
    r"line-height|size|page|panose-1|text-(?:decoration|align|indent|transform)|vertical-align|white-space|src|unicode-range|"
    r"list-style)(?:-[a-z]++)*+)\s*+:",
    re.IGNORECASE,
)
_CSS_PART = r"(?:[@.#]?[a-z][\w\\:*-]{0,60}+(?:\.[\w-]{1,60}+)?+|\*|[.#][\w-]{1,60}+)(?:\s*+[,>]\s*+|\s++(?=[.#@\w]))"
_CSS_LAST = r"(?:[@.#][a-z][\w\\:-]{0,60}+|[a-z][a-z0-9]{0,9}+(?:\.[\w-]{1,60}+|:[a-z-]{2,20}+|\\:\*){0,5}+|\*)\s*+$"
_CSS_SELECTOR = re.compile(rf"(?<![a-z])(?:{_CSS_PART})++(?P<last>{_CSS_LAST})?+|(?P<only>{_CSS_LAST})", re.IGNORECASE)
"""The longest runs of a selector's parts; the last one, where it reaches the end, is named."""
_SELECTOR_CHARS = 200
_EMPTY_CSS = re.compile(r"/\*[^*]{0,300}\*/|@[a-z-]{4,20}\b[^{}\n@]{0,200}\{\s*\}", re.IGNORECASE)


def visible_text(text: str) -> str:
    """The text that a reader of HTML sees; a text without HTML stays as it is.

    Args:
        text: of any kind, of some ten thousand characters; the time grows with it.
    """
    shown = text = html.unescape(text) if "&lt;" in text and _ESCAPED.search(text) else text
    if "<" in text and _TAG.search(text):
        shown = _Reader(text).read()
    if "{" in shown:
        shown = _without_css(shown)
    if "~" in shown:
        shown = _first_with_words(_STRUCK_MARKS.sub(" ", shown), shown.replace("~~", " "))
    return _first_with_words(shown, text)


def _first_with_words(shown: str, otherwise: str) -> str:
    return shown if _WORD.search(shown) else otherwise


@dataclass(slots=True)
class _Unseen:
    """The element whose content is not shown.

    Args:
        depth: of elements with its name that are open.
    """

    name: str
    struck: bool
    depth: int = 1


class _Reader:
    """One pass over the tags of a text.

    Args:
        text: with tags.
    """

    def __init__(self, text: str) -> None:
        self.text, self.parts, self.struck = text, list[str](), list[str]()
        self.flows = self.says_something = False
        self.unseen: _Unseen | None = None
        self.quotes = 0
        through = text if "line-through" in text.lower() else ""
        self.struck_classes = frozenset(islice((found[1] for found in _STRUCK_CLASS.finditer(through)), _MOST_CLASSES))
        self.last_ends = dict[str, int]()  # of each closing, so that a hostile text is not searched again and again

    def read(self) -> str:
        at = 0
        while found := _TAG.search(self.text, at):
            self._write(self.text[at : found.start()])
            at = self._after_mark(found) if found["mark"] else self._after_tag(found)
        self._write(self.text[at:])
        shown = "".join(self.parts)
        return shown if _WORD.search(shown) else "".join(self.struck) or shown

    def _write(self, data: str) -> None:
        if self.unseen:
            if self.unseen.struck:
                self.struck.append(data)
            return
        self.parts.append(data.replace("\n", " ") if self.flows else data)
        self.says_something = self.says_something or _WORD.search(data) is not None

    def _after_mark(self, found: re.Match[str]) -> int:
        """End of a comment, a declaration or a conditional section."""
        closing = "-->" if found["mark"] == "!--" else ">"
        if self._last(closing) >= found.end():
            return self.text.find(closing, found.end()) + len(closing)
        return len(self.text) if self.says_something else found.end()

    def _after_tag(self, found: re.Match[str]) -> int:
        name = found["name"].lower()
        end = self.text.find(">", found.end(), found.end() + _MOST_TAG_CHARS)
        if end < 0 or (name not in _KNOWN and ":" not in name):  # "<no disponible>" is the customer's own
            self._write(found.group())
            return found.end()
        tag = self.text[found.start() : end + 1]
        if found["end"]:
            self._close(name)
        elif not tag.endswith("/>") or name not in _KNOWN:
            self._open(name, tag, end)
        self._break(name)
        return end + 1

    def _open(self, name: str, tag: str, end: int) -> None:
        if self.unseen:
            self.unseen.depth += name == self.unseen.name
        elif name not in _VOID and (hides := self._hides(name, tag)):
            if self._last(f"</{name}") > end:  # one without an end would hide the rest of the message
                self.unseen = _Unseen(name, struck=hides == "struck")
        elif name == "blockquote":
            self.quotes += 1

    def _hides(self, name: str, tag: str) -> str:
        if name in _STRUCK or (len(tag) > len(name) + 2 and (_STRUCK_STYLE.search(tag) or self._is_of_struck_class(tag))):
            return "struck"
        return "unseen" if name in _UNSEEN or (len(tag) > len(name) + 2 and _HIDDEN.search(tag)) else ""

    def _is_of_struck_class(self, tag: str) -> bool:
        named = _CLASS.search(tag) if self.struck_classes else None
        return named is not None and not self.struck_classes.isdisjoint(" ".join(filter(None, named.groups())).split())

    def _last(self, closing: str) -> int:
        """Last position of a closing, or -1."""
        if closing not in self.last_ends:
            self.last_ends[closing] = max(self.text.rfind(closing), self.text.rfind(closing.upper()))
        return self.last_ends[closing]

    def _close(self, name: str) -> None:
        if self.unseen:
            self.unseen.depth -= name == self.unseen.name
            self.unseen = self.unseen if self.unseen.depth else None
        elif name == "blockquote" and self.quotes:
            self.quotes -= 1

    def _break(self, name: str) -> None:
        if self.unseen:
            return
        self.flows = self.flows or name in _PARAGRAPHS
        if name in _BLOCKS:
            self.parts.append("\n> " if self.quotes else "\n")
        elif name in _CELLS or name in _STRUCK:
            self.parts.append(" ")


def _without_css(text: str) -> str:
    """The text without rules of a style sheet, which programs that drop tags leave behind."""
    parts, at = list[str](), 0
    for block in _CSS_BLOCK.finditer(text):
        if not _CSS_PROPERTY.search(block.group()):
            continue
        before = text[at : block.start()]
        tail = before[-_SELECTOR_CHARS:]
        selector = next((found for found in _CSS_SELECTOR.finditer(tail) if found.lastgroup), None)
        parts.append(before[: len(before) - len(tail) + selector.start()] if selector else before)
        at = block.end()
    return _EMPTY_CSS.sub(" ", "".join([*parts, text[at:]])) if at else text
