"""Writes the vectors, the readings and the fitted model of the guides that ship into `src/guiado/detection/prepared/`.

Run it after an edit of `data/integrations/support_troubleshooting_kb.json`; a test says when it is due.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.sources.json_file import read_file
from guiado.detection import build_index
from guiado.detection.prepared.model import model_path
from guiado.detection.prepared.readings import read_all, write
from guiado.detection.semantic.approximate_search import encode_all
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.detection.semantic.encoders import make_encoder
from guiado.resources import data_path


def main() -> None:
    """Encode and fit; replace what was there."""
    guides = read_file(data_path("integrations", "support_troubleshooting_kb.json")).guides
    encoder, target = make_encoder(), model_path("").parent
    if encoder is None:
        raise SystemExit("GUIADO_ENCODER: ninguno")
    for former in (*target.glob("model-*.npz"), *target.glob("vectors-*.bin")):
        former.unlink()
    with tempfile.TemporaryDirectory() as folder:
        cache = VectorCache(Path(folder), encoder)
        index = build_index(map(problem_of, guides.values()), encoder=encoder, vectors_of=lambda texts: encode_all(cache, texts))
        model = index.fit()
        for made in Path(folder).glob("vectors-*.bin"):
            shutil.copyfile(made, target / made.name)
    model_path(index.contents).write_bytes(model.to_bytes())
    write(read_all([text for problem in index.problems for text in (*problem.texts, *problem.not_this)]))
    for path in sorted(target.glob("[!_]*.[!p]*")):
        print(path.name, f"{path.stat().st_size / 1_000:.0f} kB")


if __name__ == "__main__":
    main()
