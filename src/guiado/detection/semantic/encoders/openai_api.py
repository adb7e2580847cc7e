"""Encoder of an OpenAI-compatible endpoint: `POST {base}/embeddings`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiado import clock
from guiado.detection.semantic.encoder import has_meaning, unit_rows
from guiado.errors import EncoderUnavailable, GuiadoError, Message

DEFAULT_BASE_URL = "https://api.openai.com/v1"
BATCH_TEXTS = 64
MAX_ANSWER_BYTES = 32_000_000
"""Longest answer that is read: twice 64 vectors of 8,192 numbers in decimal."""

_READ_CHARS = 2_000  # the models read some hundreds of words and refuse what is much longer
_MOST_DIMENSIONS = 8_192
_TIMEOUT_S = 3.0  # for the first text, for which a customer waits
_TIMEOUT_EACH_S = 0.25  # for each further text: about the time of a model on a CPU
_SILENCE_S = 30.0  # after a failure no request is made for so long, or every customer would wait for the deadline

Post = Callable[[str, bytes, Mapping[str, str], float], tuple[int, bytes]]
"""Function from URL, body, headers and deadline in seconds to status and body; a `GuiadoError` where there is no answer."""


class _Row(msgspec.Struct):
    embedding: list[float]
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Row]


class EndpointEncoder:
    """An encoder behind an HTTP endpoint. After a failure no request is made for half a minute.

    Args:
        model: its name at the endpoint.
        post: what sends the requests.
        base_url: of the endpoint, without "/embeddings".
        api_key: sent as bearer token; empty where the endpoint needs none.
    """

    def __init__(self, model: str, post: Post, *, base_url: str | None = None, api_key: str | None = None) -> None:
        self._model, self._post = model, post
        self._url = f"{(base_url or DEFAULT_BASE_URL).rstrip('/')}/embeddings"
        self._headers = {"content-type": "application/json", "accept": "application/json"}
        if api_key:
            self._headers["authorization"] = f"Bearer {api_key}"
        self._dimensions: int | None = None
        self._measuring = threading.Lock()
        self._silent_until_s = 0.0

    @property
    def name(self) -> str:
        """Endpoint and model: one name may mean different weights elsewhere."""
        address = urlsplit(self._url)
        return f"endpoint/{address.hostname}:{address.port or address.scheme}{address.path}/{self._model}"

    @property
    def dimensions(self) -> int:
        """Length of a vector, from encoding one text."""
        return self._dimensions or self._ask(["a"]).shape[1]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode`."""
        meaningful = [row for row, text in enumerate(texts) if has_meaning(text[:_READ_CHARS])]
        batches = [meaningful[start : start + BATCH_TEXTS] for start in range(0, len(meaningful), BATCH_TEXTS)]
        answers = [self._ask([_readable(texts[row]) for row in rows]) for rows in batches]
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for rows, answer in zip(batches, answers, strict=True):
            vectors[rows] = answer
        return vectors

    def _ask(self, texts: list[str]) -> NDArray[np.float32]:
        if clock.monotonic_s() < self._silent_until_s:
            raise _unavailable(Message("acaba de fallar"))
        try:
            status, answer = self._post(self._url, self._body(texts), self._headers, _TIMEOUT_S + _TIMEOUT_EACH_S * len(texts))
            vectors = _read(status, answer, len(texts))
            self._check(vectors.shape[1])
        except GuiadoError as error:
            self._silent_until_s = clock.monotonic_s() + _SILENCE_S
            raise error if isinstance(error, EncoderUnavailable) else _unavailable(error.message) from error
        return vectors

    def _body(self, texts: list[str]) -> bytes:
        return msgspec.json.encode({"model": self._model, "input": texts, "encoding_format": "float"})

    def _check(self, dimensions: int) -> None:
        with self._measuring:
            self._dimensions = self._dimensions or dimensions
        if dimensions != self._dimensions:
            raise _unavailable(Message("los vectores cambiaron de tamaño"))


def _read(status: int, answer: bytes, count: int) -> NDArray[np.float32]:
    """Read the vectors of an answer, and check every part of it.

    Raises:
        EncoderUnavailable: the answer does not have the expected form or number of vectors.
    """
    if status != 200:  # noqa: PLR2004
        raise _unavailable(Message("respondió {status}", {"status": status}))
    try:
        rows = msgspec.json.decode(answer, type=_Answer).data
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused below
            vectors = np.array([row.embedding for row in _in_order(rows)], np.float32)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        raise _unavailable(Message("la respuesta no se entiende")) from None
    if vectors.ndim != 2 or len(vectors) != count or not 0 < vectors.shape[1] <= _MOST_DIMENSIONS:  # noqa: PLR2004
        raise _unavailable(Message("faltan vectores en la respuesta"))
    units = unit_rows(vectors)
    if not units.any(axis=1).all():
        raise _unavailable(Message("hay vectores vacíos en la respuesta"))
    return units


def _in_order(rows: list[_Row]) -> list[_Row]:
    if all(row.index is None for row in rows):
        return rows
    found = {row.index: row for row in rows}
    return [found[position] for position in range(len(rows)) if position in found]


def _readable(text: str) -> str:
    return text[:_READ_CHARS].encode("utf-8", "ignore").decode("utf-8")


def _unavailable(problem: Message) -> EncoderUnavailable:
    return EncoderUnavailable(
        "El modelo de vectores no está disponible: {problem}.\nRevisa OPENAI_BASE_URL, OPENAI_API_KEY y GUIADO_ENCODER_MODEL.",
        problem=problem,
    )
