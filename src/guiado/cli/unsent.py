"""Chat input from before a session exists, kept in a file of the user."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "chat-unsent.json"


@dataclass(frozen=True, slots=True)
class Unsent:
    """Saved input of a chat without a session.

    Args:
        description: what is wrong.
        email: empty where it was not asked yet.
    """

    description: str
    email: str = ""


def keep(typed: Unsent) -> bool:
    """Store the words, for this user alone.

    Returns:
        Whether they could be stored.
    """
    from guiado.errors import GuiadoError

    try:
        path = _path()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
            json.dump(asdict(typed), file, ensure_ascii=False)
    except (OSError, GuiadoError):
        return False
    return True


def kept() -> Unsent | None:
    """The saved input of the last chat, if it never became a session."""
    from guiado.errors import GuiadoError

    try:
        found = json.loads(_path().read_text("utf-8"))
        return Unsent(str(found["description"]), str(found["email"])) if found["description"] else None
    except (OSError, GuiadoError, ValueError, KeyError, TypeError):
        return None


def forget() -> None:
    """Delete the saved input: a session holds it now."""
    from guiado.errors import GuiadoError

    with contextlib.suppress(OSError, GuiadoError):
        _path().unlink(missing_ok=True)


def _path() -> Path:
    from guiado.settings import read_settings
    from guiado.store.embedded import default_home

    return (read_settings().home or default_home()) / _NAME
