"""Paths of the project's data files: those of `data/`, in an installed wheel or in the checkout, and those inside the package.

Source: the folder `data/` is the only copy; the wheel carries it as `guiado/_data` (pyproject, force-include).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def data_path(*parts: str) -> Path:
    """Path of a file or folder under `data/`, for example `data_path("db")`."""
    packed = _PACKAGE / "_data"
    root = packed if packed.is_dir() else _PACKAGE.parent.parent / "data"
    return root.joinpath(*parts)


def package_path(*parts: str) -> Path:
    """Path of a file inside the package, for example `package_path("word_lists", "es.txt")`."""
    return _PACKAGE.joinpath(*parts)
