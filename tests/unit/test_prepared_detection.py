"""What is prepared for the guides that ship fits them: else a first start would encode and fit for a minute, on words alone."""

from __future__ import annotations

from pathlib import Path

from guiado.app.knowledge.knowledge_base import problem_of
from guiado.app.knowledge.sources.json_file import read_file
from guiado.detection import build_index
from guiado.detection.prepared.model import model_for
from guiado.detection.prepared.readings import read_all, shipped
from guiado.detection.semantic.approximate_search import encode_all
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.detection.semantic.encoders import make_encoder
from guiado.resources import data_path

REMEDY = "run scripts/prepare_detection.py: the guides that ship were edited"


def test_the_vectors_and_the_model_are_those_of_the_guides_that_ship(tmp_path: Path) -> None:
    guides = read_file(data_path("integrations", "support_troubleshooting_kb.json")).guides
    encoder = make_encoder()
    assert encoder is not None
    cache, missing = VectorCache(tmp_path, encoder), list[int]()

    def encode(texts):
        missing.append(cache.missing(texts))
        return encode_all(cache, texts)

    index = build_index(map(problem_of, guides.values()), encoder=encoder, vectors_of=encode)
    assert missing == [0], REMEDY
    model = model_for(index.contents)
    assert model is not None, REMEDY
    assert (
        index.with_model(model).rank("no tengo espacio en el celular, ya no me deja sacar fotos")[0].problem_id == "disco_lleno"
    )


def test_the_readings_are_what_reading_gives() -> None:
    guides = read_file(data_path("integrations", "support_troubleshooting_kb.json")).guides
    known = shipped()
    texts = [text for problem in map(problem_of, guides.values()) for text in (*problem.texts, *problem.not_this)]
    assert len(texts) > 8_000
    assert set(texts) <= known.texts.keys(), REMEDY
    assert read_all(texts) == known, REMEDY
    assert known.clean("algo QUE nadie dijo") == "algo que nadie dijo"


def test_another_knowledge_base_has_no_prepared_model() -> None:
    assert model_for("0" * 32) is None


def test_a_file_that_was_begun_is_left_as_it_is(tmp_path: Path) -> None:
    encoder = make_encoder()
    assert encoder is not None
    VectorCache(tmp_path, encoder).encode(["algo que nadie dijo"])
    (made,) = tmp_path.glob("vectors-*.bin")
    size = made.stat().st_size
    assert VectorCache(tmp_path, encoder).missing(["algo que nadie dijo"]) == 0
    assert made.stat().st_size == size
