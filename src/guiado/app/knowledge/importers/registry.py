"""Registry of the importers: each is a module of this package that has what `Importer` asks for. A new format is a new file."""

from __future__ import annotations

import pkgutil
import stat
from functools import cache
from importlib import import_module
from pathlib import Path

from guiado.app.knowledge import importers
from guiado.app.knowledge.importers.imported import Importer, SourceUnreadable
from guiado.errors import FieldProblem, InvalidInput, Message, os_reason, printable


@cache
def importers_by_name() -> dict[str, Importer]:
    """All importers, by name."""
    modules = (import_module(f"{importers.__name__}.{each.name}") for each in pkgutil.iter_modules(importers.__path__))
    found = [module for module in modules if isinstance(module, Importer)]
    return {each.NAME: each for each in sorted(found, key=lambda each: each.NAME)}


def importer_of(source: Path, name: str | None = None) -> Importer:
    """The importer of this name, else the one whose format the source has.

    Raises:
        InvalidInput: there is none of this name.
        SourceUnreadable: the source does not exist, or has no known format.
    """
    known = importers_by_name()
    if name is not None and name not in known:
        why = Message(
            "No hay ningún formato {name}. Usa uno de estos: {known}.", {"name": printable(name), "known": ", ".join(known)}
        )
        raise InvalidInput([FieldProblem("--format", why)])
    try:
        is_folder = stat.S_ISDIR(source.stat().st_mode)
    except (OSError, ValueError) as error:
        why = os_reason(error) if isinstance(error, OSError) else Message("la ruta no es válida")
        unreadable = Message("No se puede leer ({why}). Revisa la ruta y los permisos.", {"why": why})
        raise SourceUnreadable(printable(source), unreadable) from None
    if name is not None:
        return known[name]
    ending = "" if is_folder else source.suffix.lower()
    for each in known.values():
        if ending in each.ENDINGS and each.looks_like(source):
            return each
    why = "No se reconoce su formato. Indícalo con --format; los hay: {known}."
    raise SourceUnreadable(printable(source), Message(why, {"known": ", ".join(known)}))
