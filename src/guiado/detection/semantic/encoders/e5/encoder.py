"""The encoder "e5": multilingual-e5-small beside the Universal Sentence Encoder; USE alone where E5 cannot be used.

The first dimensions of a vector are E5's, the others USE's: the cosine of two texts is the mean of both. E5 is better within a
language, USE between languages: a text in another language than the knowledge base's is compared by USE's part alone. ADR 0028.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guiado.detection.semantic.encoder import Encoder, has_meaning, unit_rows
from guiado.detection.semantic.encoders.e5.prepared import PACKAGE, PreparedModel, load_constants, prepare
from guiado.detection.semantic.encoders.use import UseEncoder
from guiado.errors import EncoderUnavailable
from guiado.logs import get_logger

WIDTH = 384
"""Dimensions of E5's half."""
HALF = np.float32(np.sqrt(0.5))
_PREPARATION = 1  # what is done to a text beforehand; another number makes other cache keys
_READ_CHARS = 1_000
_preparing = threading.Lock()
_prepared: dict[Path | None, PreparedModel | EncoderUnavailable] = {}
"""The model of this process, or why there is none, by the folder that it is stored in."""
log = get_logger()


def make_e5(folder: Path | None) -> Encoder:
    """E5 beside USE; USE alone, with a line in the log, where E5 cannot be used here.

    The first call on a machine takes some seconds: it makes the model, tries it, and stores both the model and the outcome.

    Args:
        folder: of this user, where it is stored.
    """
    use, model = UseEncoder(folder), load_e5(folder)
    if isinstance(model, EncoderUnavailable):
        return use
    return E5Encoder(model, use)


def load_e5(folder: Path | None) -> PreparedModel | EncoderUnavailable:
    """The model of this process, or why it cannot be used here; see `make_e5`."""
    use = UseEncoder(folder)
    with _preparing:
        if folder not in _prepared:
            try:
                _prepared[folder] = prepare(folder, lambda text: use.encode([text]))
            except EncoderUnavailable as error:
                _prepared[folder] = error
                log.warning("encoder_e5_not_used", reason=str(error).partition("\n")[0], encoder="use")
        return _prepared[folder]


class E5Encoder:
    """896 dimensions: 384 of multilingual-e5-small, 512 of USE.

    Args:
        model: of E5, prepared.
        use: the encoder of the second half.
    """

    is_local = True
    shared_from = WIDTH

    def __init__(self, model: PreparedModel, use: UseEncoder) -> None:
        self._model, self._use, self._mean = model, use, load_constants().mean
        self.dimensions = WIDTH + use.dimensions
        self.name = f"e5-small/{version(PACKAGE)}/{_PREPARATION}+{use.name}"
        """Both models, with versions; what follows the "+" is the name of USE."""

    def warm(self) -> None:
        """Begin to load the model of the second half, and return at once."""
        self._use.warm()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode`."""
        own = np.zeros((len(texts), WIDTH), np.float32)
        for row, text in enumerate(texts):
            if has_meaning(text[:_READ_CHARS]):
                own[row] = self._encode(text)
        return np.hstack([HALF * own, HALF * self._use.encode(texts)])

    def _encode(self, text: str) -> NDArray[np.float32]:
        readable = text[:_READ_CHARS].lower().encode("utf-8", "ignore").decode("utf-8")
        raw = unit_rows(self._model.encode(readable)[None])
        return unit_rows(raw - self._mean)[0]
