"""Importer of YAML: the same entries as in a knowledge-base file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from guiado.app.knowledge.importers.entries import entry_of, looks_inside
from guiado.app.knowledge.importers.imported import Imported, NotUnderstood
from guiado.app.knowledge.importers.source_files import read_text
from guiado.app.knowledge.importers.yaml_values import YamlReader

NAME = "yaml"
ENDINGS = (".yaml", ".yml")
_OURS = re.compile(rb"""(?m)^\s*["']?(?:problem_title|\$steps|\$variables)["']?\s*:""")


def looks_like(source: Path) -> bool:
    """Whether some entry at its beginning has a `problem_title`."""
    return looks_inside(source, _OURS)


def read(source: Path) -> Iterator[Imported | NotUnderstood]:
    """The entries, one after another."""
    file = read_text(source)
    doubts = file.doubts
    for key, value, line in YamlReader(file.text, file.place).entries():
        yield entry_of(key, value, file.at(line), doubts)
        doubts = ()
