"""The default encoder: what any text gives, from any thread, without the network."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from guiado.detection.semantic.encoder import unit_rows
from guiado.detection.semantic.encoders import make_encoder, use
from guiado.detection.semantic.encoders.mapped_arrays import Arrays, map_arrays, write_arrays
from guiado.detection.semantic.encoders.sentencepiece import PieceLexicon
from guiado.errors import EncoderUnavailable, SettingsInvalid
from guiado.settings import Settings

STRANGE = ["", " ", "🙂🙂", "\x00\x01", "...", "\ud800", "\u200b", "\n\t"]


@pytest.fixture(scope="module")
def encoder():
    return use.UseEncoder()


def test_texts_that_mean_the_same_are_near_in_three_languages(encoder):
    texts = [
        "no puedo entrar a mi cuenta",
        "I can't log in to my account",
        "não consigo entrar na minha conta",
        "el wifi se corta",
    ]
    near = encoder.encode(texts) @ encoder.encode(texts).T
    assert near[0, 1] > 0.6
    assert near[0, 2] > 0.6
    assert near[0, 3] < 0.4


def test_capitals_mean_the_same(encoder):
    small, large = encoder.encode(["no me deja entrar a mi cuenta", "NO ME DEJA ENTRAR A MI CUENTA"])
    assert np.allclose(small, large, atol=1e-6)


def test_a_text_without_meaning_has_no_direction(encoder):
    vectors = encoder.encode(STRANGE)
    assert vectors.shape == (len(STRANGE), encoder.dimensions)
    assert not vectors.any()
    assert encoder.encode([]).shape == (0, encoder.dimensions)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "hola mundo " * 10_000, "ñ\ud800o", "😀x" * 50_000, "日本語" * 20_000, "שלום", "{'a': [1, 2]}", "1"]
)
def test_any_other_text_has_length_1(encoder, text):
    vectors = encoder.encode([text, "hola"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors.dtype == np.float32


def test_company_does_not_change_a_vector(encoder):
    texts = [f"texto número {number} de la prueba" for number in range(70)]
    together = encoder.encode([*STRANGE, *texts])[len(STRANGE) :]
    assert np.allclose(together[::30], [encoder.encode([text])[0] for text in texts[::30]], atol=1e-5)


def test_threads_share_one_model(encoder):
    texts, found = [f"hilo {number}" for number in range(8)], {}
    alone = encoder.encode(texts)

    def run(number):
        found[number] = use.UseEncoder().encode([texts[number]] * 3)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.allclose(found[number], alone[number], atol=1e-5) for number in range(8))
    assert use.load_model() is use.load_model()


def test_the_name_tells_versions_apart(encoder, monkeypatch):
    before = encoder.name
    monkeypatch.setattr(use, "_package_version", lambda: "9.9")
    assert encoder.name != before


def test_a_missing_package_is_said_in_two_lines(monkeypatch):
    def refuse(name, *args):
        raise ImportError(name)

    monkeypatch.setattr(use, "import_module", refuse)
    with pytest.raises(EncoderUnavailable) as error:
        use._load(None)
    assert "GUIADO_ENCODER=lexical" in str(error.value)
    assert len(str(error.value).splitlines()) == 2


def test_the_choice_of_an_operator():
    assert make_encoder("lexical") is None
    assert make_encoder().name.startswith("use-")
    for kind in ("openai", "fastembed"):
        with pytest.raises(SettingsInvalid, match="GUIADO_ENCODER_MODEL"):
            make_encoder(kind)
    assert Settings(GUIADO_ENCODER="LEXICAL").encoder == "lexical"
    with pytest.raises(ValueError, match=r"encoder|ENCODER"):
        Settings(GUIADO_ENCODER="bert")


def test_fastembed_that_is_not_installed_is_said_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastembed", None)
    with pytest.raises(EncoderUnavailable, match="pip install fastembed") as error:
        make_encoder("fastembed", model="m").encode(["hola"])
    assert len(str(error.value).splitlines()) == 2


def put_fastembed(monkeypatch, embedding):
    package = ModuleType("fastembed")
    package.TextEmbedding = embedding
    monkeypatch.setitem(sys.modules, "fastembed", package)


def test_fastembed_reads_only_files_that_are_here(monkeypatch):
    asked = SimpleNamespace(options=None)

    class Model:
        def __init__(self, **options):
            asked.options = options

        def embed(self, documents, batch_size):
            return (np.array([len(text), 2.0]) for text in documents)

    put_fastembed(monkeypatch, Model)
    encoder = make_encoder("fastembed", model="m")
    vectors = encoder.encode(["hola", "", "\ud800a"])
    assert asked.options["local_files_only"]
    assert encoder.dimensions == 2
    assert not vectors[1].any()
    assert np.allclose(np.linalg.norm(vectors[[0, 2]], axis=1), 1)


def test_fastembed_that_cannot_load_its_model(monkeypatch):
    def refuse(**options):
        raise RuntimeError("not in the cache\nat all")

    put_fastembed(monkeypatch, refuse)
    with pytest.raises(EncoderUnavailable, match="Descárgalo antes") as error:
        make_encoder("fastembed", model="m").encode(["hola"])
    assert len(str(error.value).splitlines()) == 2


def test_rows_without_a_direction_become_zeros():
    rows = unit_rows(np.array([[3, 4], [0, 0], [np.nan, 1], [np.inf, 1]], np.float32))
    assert np.allclose(rows, [[0.6, 0.8], [0, 0], [0, 0], [0, 0]])


ARRAYS = {"a": np.arange(100_003, dtype=np.uint8), "b": np.ones((3, 5), np.float32), "c": np.empty((0, 2), np.int32)}


def test_arrays_are_shared(tmp_path):
    folder = tmp_path / "new" / "arrays"
    write_arrays(folder, Arrays({"n": 0.1}, ARRAYS))
    found = map_arrays(folder)
    assert found.facts == {"n": 0.1}
    assert all((found.arrays[name] == array).all() and found.arrays[name].shape == array.shape for name, array in ARRAYS.items())
    assert not found.arrays["a"].flags.writeable
    assert folder.parent.stat().st_mode & 0o777 == folder.stat().st_mode & 0o777 == 0o700
    assert (np.load(folder / "a.npy") == ARRAYS["a"]).all(), "any program can read them"
    assert [other.name for other in folder.parent.iterdir()] == ["arrays"], "something was left behind"


def damage_of(path, how):
    content = path.read_bytes()
    half = len(content) // 2
    path.unlink()
    if how != "gone":
        path.write_bytes(
            {"empty": b"", "cut": content[:half], "longer": content + b"x", "zeros": bytes(len(content))}.get(how, content)
        )


@pytest.mark.parametrize("name", ["a.npy", "b.npy", "facts.npy", "files.json"])
@pytest.mark.parametrize("how", ["gone", "empty", "cut", "zeros"])
def test_damaged_arrays_are_never_used_and_are_made_anew(tmp_path, name, how):
    folder = tmp_path / "arrays"
    write_arrays(folder, Arrays({"n": 0.1}, ARRAYS))
    mapped = map_arrays(folder).arrays["a"]
    damage_of(folder / name, how)
    assert map_arrays(folder) is None
    write_arrays(folder, Arrays({"n": 0.1}, ARRAYS))
    assert map_arrays(folder).facts == {"n": 0.1}
    assert (mapped == ARRAYS["a"]).all(), "who mapped the ones before keeps them"
    assert [other.name for other in tmp_path.iterdir()] == ["arrays"]


def test_arrays_that_somebody_else_could_have_written_are_not_used(tmp_path):
    folder = tmp_path / "arrays"
    write_arrays(folder, Arrays({}, ARRAYS))
    (tmp_path / "link").symlink_to(folder)
    assert map_arrays(tmp_path / "link") is None
    folder.chmod(0o777)
    assert map_arrays(folder) is None


@pytest.mark.parametrize("kind", ["file", "link", "empty"])
def test_arrays_take_the_place_of_anything_else(tmp_path, kind):
    folder = tmp_path / "arrays"
    {"file": folder.touch, "link": lambda: folder.symlink_to(tmp_path), "empty": folder.mkdir}[kind]()
    write_arrays(folder, Arrays({}, ARRAYS))
    assert map_arrays(folder) is not None
    assert [other.name for other in tmp_path.iterdir()] == ["arrays"]


def test_several_at_once_write_the_same_arrays(tmp_path):
    folder, failures = tmp_path / "arrays", []

    def run():
        try:
            write_arrays(folder, Arrays({}, ARRAYS))
            assert map_arrays(folder) is not None
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [other.name for other in tmp_path.iterdir()] == ["arrays"]


def test_what_a_killed_process_left_goes_and_what_another_writes_now_stays(tmp_path):
    left, writing = tmp_path / ".arrays.killed", tmp_path / ".arrays.writing"
    left.mkdir()
    writing.mkdir()
    os.utime(left, (time.time() - 3_600,) * 2)
    write_arrays(tmp_path / "arrays", Arrays({}, ARRAYS))
    assert sorted(other.name for other in tmp_path.iterdir()) == [".arrays.writing", "arrays"]


@pytest.fixture(scope="module")
def parsed():
    return use._parse()


@pytest.fixture(scope="module")
def kept(parsed, tmp_path_factory):
    path = use._kept_path(tmp_path_factory.mktemp("cache"))
    file, other = path.with_name("use-0.1.model"), path.with_name("use-0.2-abc")
    file.touch()
    other.mkdir()
    assert use._keep(path, parsed) is not parsed
    assert not file.exists()
    assert not other.exists()
    return path


def test_what_is_kept_gives_the_same_to_the_bit(parsed, kept):
    revived = use._kept(kept)
    texts = [
        "no puedo entrar",
        "½ ﬁ Ⅷ ﷺ",
        "e\u0301 İ ＡＢ",
        "שלום 日本語",
        "\x00a\x01b",
        "🙂x" * 30,
        "  dos  espacios ",
        *use._PROBES,
    ]
    assert [revived.tokenizer.encode(text) for text in texts] == [parsed.tokenizer.encode(text) for text in texts]
    assert np.array_equal(revived.model.encode(texts), parsed.model.encode(texts))
    numbers = vars(parsed.tokenizer)["_prefixes"]
    table = vars(revived.tokenizer)["_prefixes"]
    assert all(table.find(piece) == number for piece, number in list(numbers.items())[::17])
    assert table.find("zqxw") is table.find("\ud800") is table.find("") is None
    one, other = PieceLexicon(revived.tokenizer), PieceLexicon(parsed.tokenizer)
    assert one._accented == other._accented
    words = {"cuenta", "cuetna", "aplicacion", "contraseña"}
    assert [one.weigh_word(word) for word in sorted(words)] == [other.weigh_word(word) for word in sorted(words)]
    assert one.weigh_letters("cuetna") == other.weigh_letters("cuetna")


def test_the_package_is_read_once_for_a_folder(kept, monkeypatch):
    monkeypatch.setattr(use, "_parse", lambda: pytest.fail("read again"))
    assert use._load(kept.parent).model.encode(["hola"]).any()


@pytest.mark.parametrize("name", ["file/cache", "loop"])
def test_a_folder_that_cannot_be_changes_nothing(name, parsed, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setattr(use, "_parse", lambda: parsed)
    assert use._load(tmp_path / name) is parsed


def test_a_full_disk_changes_nothing(parsed, tmp_path, monkeypatch):
    def refuse(fd):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(use, "_parse", lambda: parsed)
    assert use._load(tmp_path) is parsed
    assert not list(tmp_path.iterdir())


def test_a_package_of_another_make_is_not_kept(tmp_path, monkeypatch):
    strange = use._Loaded(SimpleNamespace(table=1), SimpleNamespace())
    monkeypatch.setattr(use, "_parse", lambda: strange)
    assert use._load(tmp_path) is strange
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(use, "_PACKAGE", "no-such-package")
    assert use._kept_path(tmp_path) is None


def test_warming_returns_at_once_and_the_first_text_waits(monkeypatch):
    gate, began = threading.Event(), threading.Event()

    def load(folder):
        began.set()
        assert gate.wait(10)
        raise EncoderUnavailable("no")

    monkeypatch.setattr(use, "_loaded", [])
    monkeypatch.setattr(use, "_load", load)
    encoder = use.UseEncoder()
    encoder.warm()
    assert began.wait(10)
    assert use._loading.locked()
    gate.set()
    with pytest.raises(EncoderUnavailable):
        encoder.encode(["hola"])


def test_nothing_is_loaded_before_the_first_text(monkeypatch):
    def refuse(*args):
        raise AssertionError

    monkeypatch.setattr(use, "load_model", refuse)
    encoder = make_encoder()
    assert encoder.dimensions == 512
    assert encoder.name
    assert not encoder.encode(["", "🙂"]).any()
