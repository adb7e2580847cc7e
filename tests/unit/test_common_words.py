"""The common words of each language: those of their package, kept on disk, whatever becomes of the disk."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from math import log
from pathlib import Path

import pytest
from wordfreq import get_frequency_dict

from guiado.detection.lexical import word_frequencies as module
from guiado.detection.lexical.ngram_index import NgramIndex, deletions
from guiado.detection.lexical.word_frequencies import LANGUAGES, common_words, weights
from guiado.resources import package_path
from guiado.text.tokenize import fold

ROOT = Path(__file__).resolve().parents[2]
SLIPS = ("contrasena", "aplicacoin", "impresra", "cuetna", "acount", "pasword", "configuracao", "zzzzz", "a", "")


@pytest.fixture(autouse=True)
def anew():
    common_words.cache_clear()
    yield
    common_words.cache_clear()


def of_the_package(language):
    return {word: log(often) for word, often in get_frequency_dict(language, "small").items() if word.isalpha()}


def test_they_are_those_of_the_package(tmp_path):
    assert all(weights(language) == of_the_package(language) for language in LANGUAGES)
    expected = of_the_package("es")
    accented = {fold(word): word for word in sorted(expected, key=lambda word: (expected[word], word)) if fold(word) != word}
    long = sorted({word for word in [*filter(str.isascii, expected), *accented] if len(word) >= module.COMMON_LETTERS})
    filed, found = NgramIndex(long, deletions), common_words("es", tmp_path)
    assert all(found.weigh(word) == weight for word, weight in list(expected.items())[::7])
    assert all(found.accented(plain) == word for plain, word in list(accented.items())[::7])
    assert found.weigh("qwrtz") is found.accented("qwrtz") is found.weigh("\ud800") is None
    assert [found.near(word) for word in (*SLIPS, *long[::997])] == [filed.sharing(word) for word in (*SLIPS, *long[::997])]


def test_their_files_are_what_the_script_writes(tmp_path):
    subprocess.run([sys.executable, ROOT / "scripts/word_frequencies.py", tmp_path], check=True)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {f"{language}.txt": package_path("word_lists", f"{language}.txt").read_bytes() for language in LANGUAGES}


def test_they_are_prepared_once_for_a_folder(tmp_path, monkeypatch):
    common_words("pt", tmp_path)
    common_words.cache_clear()
    monkeypatch.setattr(module, "_prepare", lambda known: pytest.fail("prepared again"))
    assert common_words("pt", tmp_path).weigh("senha") is not None


def test_a_damaged_copy_is_made_anew(tmp_path):
    common_words("pt", tmp_path)
    (folder,) = tmp_path.iterdir()
    before = (folder / "word.letters.npy").read_bytes()
    (folder / "word.letters.npy").write_bytes(before[:1_000])
    common_words.cache_clear()
    assert common_words("pt", tmp_path).weigh("senha") is not None
    assert (folder / "word.letters.npy").read_bytes() == before


def test_without_a_place_to_keep_them_they_serve_all_the_same(tmp_path, monkeypatch):
    def refuse(fd):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", refuse)
    assert common_words("pt", tmp_path).near("senah") == common_words("pt", None).near("senah") != set()
    assert not list(tmp_path.iterdir())
