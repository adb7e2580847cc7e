"""Fitted model of the guides that ship."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from guiado.detection.classifier.fitted_model import FittedModel
from guiado.detection.prepared.vectors import PREPARED

_MODEL_CHARS = 16
"""Characters of the name of contents that name the file of their model."""


@cache
def model_for(contents: str) -> FittedModel | None:
    """The model that was fitted to these contents before they were delivered; None for any other.

    Args:
        contents: their name, see `Index.contents`.
    """
    path = model_path(contents)
    return FittedModel.from_bytes(path.read_bytes()) if path.is_file() else None


def model_path(contents: str) -> Path:
    """The file of the model of some contents."""
    return PREPARED / f"model-{contents[:_MODEL_CHARS]}.npz"
