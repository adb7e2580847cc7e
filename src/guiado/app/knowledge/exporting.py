"""Export of guides to files that the importers read back.

A file or folder is written beside its place first, and then put there at once.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from guiado.app.knowledge.entries import entry_of
from guiado.app.knowledge.exporters.exported import Exporter
from guiado.app.knowledge.exporters.markdown import write_markdown
from guiado.app.knowledge.exporters.structured import write_json, write_yaml
from guiado.app.knowledge.exporters.tables import write_csv, write_excel
from guiado.domain.guide import Guide
from guiado.errors import FieldProblem, InvalidInput, Message, printable

EXPORTERS = (
    Exporter("json", (".json",), write_json),
    Exporter("yaml", (".yaml", ".yml"), write_yaml),
    Exporter("csv", (".csv",), write_csv),
    Exporter("excel", (".xlsx",), write_excel),
    Exporter("markdown", ("",), write_markdown),
)


def exporter_of(name: str | None, target: Path | None) -> Exporter:
    """The exporter of this name, else the one whose ending the target has, else JSON.

    Raises:
        InvalidInput: there is none of this name.
    """
    if name is None:
        ending = target.suffix.lower() if target is not None else ""
        return next((each for each in EXPORTERS if ending in each.endings and ending), EXPORTERS[0])
    known = {each.name: each for each in EXPORTERS}
    if name not in known:
        why = Message(
            "No hay ningún formato {name}. Usa uno de estos: {known}.", {"name": printable(name), "known": ", ".join(known)}
        )
        raise InvalidInput([FieldProblem("--format", why)])
    return known[name]


def write_guides(guides: Mapping[str, Guide], exporter: Exporter, target: Path) -> list[str]:
    """Write guides to a file or folder, which is there as a whole or not at all.

    Returns:
        Names of the fields that the format does not hold, of those that some guide has.

    Raises:
        OSError: the place cannot be written.
    """
    entries = ((key, entry_of(guide)) for key, guide in guides.items())
    with in_place_of(target) as made:
        left_out = exporter.write(entries, made)
    return sorted(left_out)


@contextmanager
def in_place_of(target: Path) -> Generator[Path]:
    """A path to write to; afterwards what was written there takes the place of the target, and on an error nothing does.

    Raises:
        OSError: the place cannot be written.
    """
    path = target.resolve()
    beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=".guiado-export-"))
    try:
        made = beside / "new"
        yield made
        if path.exists() and not path.is_dir() and not path.is_file():  # a device or a pipe stays what it is
            with path.open("wb") as opened:
                opened.write(made.read_bytes())
            return
        if made.is_dir() and path.exists():
            path.replace(beside / "former")
        made.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
