"""Blocks of a text: headings, paragraphs and lists, as every importer of prose hands them to `recognise`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_NUMBERED = re.compile(r"\s{0,40}(?:(?:paso|step|passo)\s{1,8})?\d{1,3}\s{0,8}[.):\-–]\s{1,40}(?=\S)", re.IGNORECASE)
_BULLET = re.compile(r"\s{0,40}[-*•·–]\s{1,40}(?=\S)")


class BlockKind(StrEnum):
    """Kind of a block."""

    HEADING = "heading"
    TEXT = "text"
    ORDERED = "ordered"
    BULLETS = "bullets"


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a text: its words and where it leads."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list.

    Args:
        text: its own words.
        parts: the items and paragraphs inside it.
        links: in all of it.
        line: in the source, from 1; 0 where that is unknown.
    """

    text: str
    parts: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a text.

    Args:
        kind: of the block.
        text: of a heading or paragraph, plain.
        level: of a heading, from 1.
        items: of a list.
        links: of a heading or paragraph.
        line: in the source, from 1; 0 where that is unknown.
    """

    kind: BlockKind
    text: str = ""
    level: int = 0
    items: tuple[Item, ...] = ()
    links: tuple[Link, ...] = ()
    line: int = 0


def blocks_of_text(text: str, line: int = 0) -> list[Block]:
    """The blocks of plain text: lines that begin with a number or a bullet are the items of a list, others are paragraphs.

    Args:
        line: of its first line in the source, 0 where that is unknown.
    """
    found: list[Block] = []
    for offset, written in enumerate(text.splitlines()):
        at = line + offset if line else 0
        if not written.strip():
            continue
        kind, words = _kind(written)
        if kind is not BlockKind.TEXT and found and found[-1].kind is kind:
            found[-1] = Block(kind, items=(*found[-1].items, Item(words, line=at)), line=found[-1].line)
        else:
            items = () if kind is BlockKind.TEXT else (Item(words, line=at),)
            found.append(Block(kind, "" if items else words, items=items, line=at))
    return found


def _kind(line: str) -> tuple[BlockKind, str]:
    for kind, pattern in ((BlockKind.ORDERED, _NUMBERED), (BlockKind.BULLETS, _BULLET)):
        if begun := pattern.match(line):
            return kind, line[begun.end() :].strip()
    return BlockKind.TEXT, line.strip()
