"""The cache of vectors: right or absent, whatever happens to its file."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guiado.detection.semantic.embedding_cache import VectorCache, compact
from guiado.errors import EncoderUnavailable

TEXTS = [f"texto {number}" for number in range(200)]


class Hashing:
    """An encoder whose vectors follow from the text alone, so that a wrong one is seen."""

    def __init__(self, name: str = "hashing", dimensions: int = 32, fail_after: int = 10**9) -> None:
        self.name, self.dimensions, self.asked, self.fail_after = name, dimensions, [], fail_after

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if len(self.asked) + len(texts) > self.fail_after:
            raise EncoderUnavailable("no")
        self.asked += texts
        seeds = [int.from_bytes(hashlib.sha256((self.name + text).encode()).digest()[:4]) for text in texts]
        raw = np.array([np.random.default_rng(seed).standard_normal(self.dimensions) for seed in seeds], np.float32)
        return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def is_right(vectors: NDArray[np.float32], texts: Sequence[str], **shape) -> bool:
    return bool(((vectors * Hashing(**shape).encode(texts)).sum(axis=1) > 0.999).all())


def the_file(folder: Path) -> Path:
    [found] = folder.glob("vectors-*.bin")
    return found


def fill(folder: Path) -> Path:
    VectorCache(folder, Hashing()).encode(TEXTS)
    return the_file(folder)


def test_a_text_is_encoded_once_on_this_machine(tmp_path):
    first = VectorCache(tmp_path, Hashing()).encode(TEXTS)
    again = Hashing()
    later = VectorCache(tmp_path, again)
    assert (later.encode([*reversed(TEXTS), *TEXTS]) == np.concatenate([first[::-1], first])).all()
    assert not again.asked
    later.encode([TEXTS[3], "nuevo", "nuevo", TEXTS[5]])
    assert again.asked == ["nuevo"]
    assert is_right(first, TEXTS)


def test_vectors_lose_nothing_that_could_be_measured():
    vectors = Hashing(dimensions=512).encode(TEXTS)
    cosines = (compact(vectors).expand() * vectors).sum(axis=1)
    assert cosines.min() > 0.9999
    assert not compact(np.zeros((2, 8), np.float32)).expand().any()


def test_no_texts_and_empty_texts(tmp_path):
    cache = VectorCache(tmp_path, Hashing())
    assert cache.encode([]).shape == (0, 32)
    assert cache.encode(["", "\ud800"[:0]]).shape == (2, 32)


def test_half_a_surrogate_pair_has_a_key(tmp_path):
    class Zeros(Hashing):
        def encode(self, texts):
            return np.zeros((len(texts), self.dimensions), np.float32)

    assert not VectorCache(tmp_path, Zeros()).encode(["\ud800"]).any()


def test_an_encoder_that_fails_half_way_loses_only_its_last_batch(tmp_path):
    with pytest.raises(EncoderUnavailable):
        VectorCache(tmp_path, Hashing(fail_after=150)).encode(TEXTS)
    second = Hashing()
    assert is_right(VectorCache(tmp_path, second).encode(TEXTS), TEXTS)
    assert len(second.asked) == len(TEXTS) - 128


def test_encoders_do_not_share_vectors(tmp_path):
    VectorCache(tmp_path, Hashing("one")).encode(TEXTS)
    assert is_right(VectorCache(tmp_path, Hashing("two")).encode(TEXTS), TEXTS, name="two")


def test_a_model_that_changed_its_size_starts_anew(tmp_path):
    fill(tmp_path)
    wider = Hashing(dimensions=48)
    cache = VectorCache(tmp_path, wider)
    assert cache.encode([*TEXTS, "nuevo"]).shape == (201, 48)
    assert is_right(VectorCache(tmp_path, Hashing(dimensions=48)).encode(TEXTS), TEXTS, dimensions=48)


@given(cut=st.floats(0, 1))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_off_anywhere(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    path = fill(folder)
    os.truncate(path, int(cut * path.stat().st_size))
    assert is_right(VectorCache(folder, Hashing()).encode(TEXTS), TEXTS)
    third = Hashing()
    assert is_right(VectorCache(folder, third).encode(TEXTS), TEXTS)
    assert not third.asked, "what was cut off was not written again"


@given(where=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255))
@settings(max_examples=35, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_byte_anywhere_gives_no_wrong_vector(tmp_path_factory, where, flipped):
    folder = tmp_path_factory.mktemp("flip")
    path = fill(folder)
    damaged = bytearray(path.read_bytes())
    damaged[int(where * len(damaged))] ^= flipped
    path.write_bytes(damaged)
    for _ in range(2):
        assert is_right(VectorCache(folder, Hashing()).encode(TEXTS), TEXTS)


def test_a_scale_that_changed_its_sign_turns_no_vector_round(tmp_path):
    path = fill(tmp_path)
    damaged = bytearray(path.read_bytes())
    first_scale = damaged.index(b"segm") + 16 + 64 * 16
    damaged[first_scale + 3] ^= 0x80
    path.write_bytes(damaged)
    assert is_right(VectorCache(tmp_path, Hashing()).encode(TEXTS), TEXTS)


def test_a_file_cut_off_under_a_running_process(tmp_path):
    cache = VectorCache(tmp_path, Hashing())
    cache.encode(TEXTS)
    for size in (5_000, 40, 0):
        os.truncate(the_file(tmp_path), size)
        assert is_right(cache.encode(TEXTS), TEXTS)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"guiado vectors 1" + bytes(10_000), bytes(range(256)) * 20])
def test_a_foreign_file_is_replaced(tmp_path, content):
    path = fill(tmp_path)
    path.write_bytes(content)
    assert is_right(VectorCache(tmp_path, Hashing()).encode(TEXTS), TEXTS)
    again = Hashing()
    VectorCache(tmp_path, again).encode(TEXTS)
    assert not again.asked


def put_folder(path: Path) -> None:
    path.mkdir()


def put_link(path: Path) -> None:
    (path.parent / "elsewhere").touch()
    path.symlink_to(path.parent / "elsewhere")


def put_writable_by_all(path: Path) -> None:
    path.touch()
    path.chmod(0o666)


@pytest.mark.parametrize("put", [put_folder, put_link, put_writable_by_all, os.mkfifo])
def test_what_is_no_file_of_ours_is_left_alone(tmp_path, put):
    path = fill(tmp_path)
    path.unlink()
    put(path)
    cache = VectorCache(tmp_path, Hashing())
    for _ in range(2):
        assert is_right(cache.encode(TEXTS), TEXTS)
    if put is put_link:
        assert (tmp_path / "elsewhere").stat().st_size == 0


def test_no_folder_or_none_that_can_be_made(tmp_path):
    (tmp_path / "file").touch()
    for folder in (None, tmp_path / "file", tmp_path / "file" / "below"):
        assert is_right(VectorCache(folder, Hashing()).encode(TEXTS), TEXTS)


def test_a_new_folder_is_closed_to_others(tmp_path):
    fill(tmp_path / "cache")
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert the_file(tmp_path / "cache").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("written", [None, 0, 100, 2_000])
def test_a_full_disk_costs_time_and_no_answer(tmp_path, monkeypatch, written):
    fill(tmp_path)
    cache, pwrite = VectorCache(tmp_path, Hashing()), os.pwrite

    def write_some(fd, data, offset):
        if written is None:
            raise OSError(errno.ENOSPC, "full")
        return pwrite(fd, data[:written], offset)

    monkeypatch.setattr(os, "pwrite", write_some)
    more = [f"más {number}" for number in range(100)]
    for _ in range(2):
        assert is_right(cache.encode([*more, *TEXTS]), [*more, *TEXTS])
    monkeypatch.undo()
    again = Hashing()
    assert is_right(VectorCache(tmp_path, again).encode([*TEXTS, *more]), [*TEXTS, *more])
    assert again.asked == more


def test_threads_at_once(tmp_path):
    cache, results = VectorCache(tmp_path, Hashing()), {}

    def run(number):
        results[number] = is_right(cache.encode(TEXTS[number:] + TEXTS[:number]), TEXTS[number:] + TEXTS[:number])

    threads = [threading.Thread(target=run, args=(number * 20,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results.values())
    assert len(results) == 8


def writer(folder: Path) -> subprocess.Popen[str]:
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]);"
        "from test_vectors import Hashing, is_right; from guiado.detection.semantic.embedding_cache import VectorCache;"
        "texts = [f'w {n}' for n in range(800)]; cache = VectorCache(Path(sys.argv[1]), Hashing());"
        "print('go', flush=True); print(is_right(cache.encode(texts), texts), flush=True)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder), str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("vectors-*.bin"))


def wait_until(is_true) -> None:
    deadline = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_processes_at_once_and_one_killed(tmp_path):
    processes = [writer(tmp_path) for _ in range(2)]
    wait_until(lambda: size_of(tmp_path) > 10_000)
    processes[0].kill()
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [output.split() for output in outputs[1:]] == [["go", "True"]]
    texts, last = [f"w {n}" for n in range(800)], Hashing()
    assert is_right(VectorCache(tmp_path, last).encode(texts), texts)
    assert not last.asked
