"""Export as JSON and YAML: the whole of every entry, as in a knowledge-base file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Protocol, cast

from ruamel.yaml import YAML

from guiado.app.knowledge.exporters.exported import Entries

_PLAIN = re.compile(r"[^\W\d_][^\n]*")
"""Texts that YAML takes for texts without quotes: they begin with a letter, and are no word that stands for something else."""
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_WIDE = 1 << 20


def write_json(entries: Entries, path: Path) -> set[str]:
    """Write a knowledge-base file."""
    with path.open("w", encoding="utf-8") as file:
        before = "{\n"
        for key, entry in entries:
            text = json.dumps({key: entry}, ensure_ascii=False, indent=2)
            file.write(before + text[2:-2])
            before = ",\n"
        file.write("{}\n" if before == "{\n" else "\n}\n")
    return set()


class _Dumper(Protocol):
    """The part of ruamel.yaml, which has no types of its own, that writing needs."""

    width: int
    allow_unicode: bool
    representer: _Representer

    def dump(self, data: object, stream: IO[str]) -> None: ...


class _Representer(Protocol):
    def add_representer(self, data_type: type, representer: Callable[[_Representer, str], object]) -> None: ...
    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> object: ...


def write_yaml(entries: Entries, path: Path) -> set[str]:
    """Write the same as `write_json`, in YAML."""
    with path.open("w", encoding="utf-8") as file:
        for key, entry in entries:
            dump_yaml({key: entry}, file)
    return set()


def dump_yaml(value: Mapping[str, object], file: IO[str]) -> None:
    """Write one mapping as YAML that every reader takes for the same values."""
    yaml = cast("_Dumper", YAML())
    yaml.width, yaml.allow_unicode = _WIDE, True
    yaml.representer.add_representer(str, _quoted)
    yaml.dump(value, file)


def _quoted(representer: _Representer, text: str) -> object:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    style = "|" if "\n" in text and text == text.strip() and "\r" not in text else None if is_plain else '"'
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)
