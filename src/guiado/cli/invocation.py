"""The word or path that started guiado, so that printed commands can be pasted."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

_COMMANDS = (
    "serve|worker|chat|version|doctor|sessions|kb|learn|detect|webhooks|events|notifications|recipients|keys|audit|customers|"
    "tenants|secrets|db"
)
_MENTION = re.compile(rf"(?<![\w/.-])guiado (?=(?:{_COMMANDS})\b|--)")


@cache
def program() -> str:
    """The word or path that starts guiado from this folder; "guiado" if unknown."""
    return _shown(sys.argv[0] if sys.argv else "")


def _shown(started: str) -> str:
    path = Path(started)
    if path.name == "__main__.py" and path.parent.name == "guiado":
        return f"{shlex.quote(sys.executable)} -m guiado"
    if path.name != "guiado" or not path.is_file():
        return "guiado"
    found = shutil.which("guiado")
    if found and os.path.realpath(found) == os.path.realpath(path):
        return "guiado"
    return shlex.quote(_from_here(os.path.abspath(path)))  # noqa: PTH100 links stay: the .venv is meant, not what it leads to


def _from_here(path: str) -> str:
    here = os.path.relpath(path)
    return path if here.startswith("..") else here


def name_program(text: str) -> str:
    """Replace every `guiado COMMAND` in a text by the form that can be typed here."""
    return _MENTION.sub(lambda _: f"{program()} ", text)
