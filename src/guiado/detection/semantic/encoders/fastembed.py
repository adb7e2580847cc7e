"""Encoder of the package `fastembed`, which runs on this machine and is not installed with guiado."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from guiado.detection.semantic.encoder import has_meaning, unit_rows
from guiado.errors import EncoderUnavailable

BATCH_TEXTS = 64
_READ_CHARS = 2_000


class _Model(Protocol):
    def embed(self, documents: list[str], batch_size: int) -> Iterable[NDArray[np.float32]]: ...


class FastembedEncoder:
    """A model of `fastembed`, from the files that are on this machine already: nothing is ever downloaded.

    Args:
        model: its name in fastembed's list.
    """

    is_local = True

    def __init__(self, model: str) -> None:
        self._model_name = model
        self._loading = threading.Lock()
        self._model: _Model | None = None
        self._measured: int | None = None

    @property
    def name(self) -> str:
        """Package and model."""
        return f"fastembed/{self._model_name}"

    @property
    def dimensions(self) -> int:
        """Length of a vector, from encoding one text."""
        if self._measured is None:
            self._measured = int(self._embed(["a"]).shape[1])
        return self._measured

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode`."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        if meaningful := [row for row, text in enumerate(texts) if has_meaning(text[:_READ_CHARS])]:
            vectors[meaningful] = self._embed([_readable(texts[row]) for row in meaningful])
        return unit_rows(vectors)

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        model = self._loaded()
        try:
            return np.array(list(model.embed(texts, batch_size=BATCH_TEXTS)), np.float32)
        except Exception as error:  # its runtime raises errors of its own; detection then goes on with words alone
            raise _unavailable(self._model_name, error) from error

    def _loaded(self) -> _Model:
        with self._loading:
            if self._model is None:
                self._model = _load(self._model_name)
            return self._model


def _load(model: str) -> _Model:
    try:
        package = import_module("fastembed")
    except ImportError:
        raise EncoderUnavailable(
            "GUIADO_ENCODER=fastembed necesita un paquete que no está instalado.\nInstálalo con: pip install fastembed"
        ) from None
    try:
        return package.TextEmbedding(model_name=model, threads=1, local_files_only=True)
    except Exception as error:  # whatever its runtime or its file store raises
        raise _unavailable(model, error) from error


def _readable(text: str) -> str:
    return text[:_READ_CHARS].encode("utf-8", "ignore").decode("utf-8")


def _unavailable(model: str, error: Exception) -> EncoderUnavailable:
    return EncoderUnavailable(
        "fastembed no puede usar el modelo {model}: {problem}.\n"
        "Descárgalo antes en este equipo, o elige otro en GUIADO_ENCODER_MODEL.",
        model=model,
        problem=str(error)[:200],
    )
