"""An encoder behind an endpoint: a server on the loopback that answers, lies, stalls and floods."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from guiado.delivery.ip_policy import TargetPolicy
from guiado.delivery.sync_client import BlockingPoster
from guiado.detection.semantic.encoders import make_encoder, openai_api
from guiado.errors import EncoderUnavailable


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode, self.seen, self.leave = "right", [], threading.Event()


def rows(texts, size=4):
    return [{"index": i, "embedding": [float(len(text) + 1), *([1.0] * (size - 1))]} for i, text in enumerate(texts)]


ANSWERS = {
    "right": lambda texts: {"data": rows(texts), "usage": {"total_tokens": 3}},
    "shuffled": lambda texts: {"data": rows(texts)[::-1]},
    "unnumbered": lambda texts: {"data": [{"embedding": row["embedding"]} for row in rows(texts)]},
    "one too few": lambda texts: {"data": rows(texts)[1:]},
    "one too many": lambda texts: {"data": [*rows(texts), rows(["x"])[0] | {"index": len(texts)}]},
    "one twice": lambda texts: {"data": [rows(texts)[0]] * len(texts)},
    "other sizes": lambda texts: {"data": [row | {"embedding": [1.0] * (2 + row["index"])} for row in rows(texts)]},
    "wider": lambda texts: {"data": rows(texts, size=5)},
    "no numbers": lambda texts: {"data": [{"index": i, "embedding": ["a"]} for i, _ in enumerate(texts)]},
    "zeros": lambda texts: {"data": [{"index": i, "embedding": [0.0] * 4} for i, _ in enumerate(texts)]},
    "empty vectors": lambda texts: {"data": [{"index": i, "embedding": []} for i, _ in enumerate(texts)]},
    "too large": lambda texts: {"data": [{"index": i, "embedding": [1e300] * 4} for i, _ in enumerate(texts)]},
    "an error": lambda texts: {"error": {"message": "no"}},
    "a list": lambda texts: [],
}
RAW = {"no json": b"<html>", "deep": b'{"data":' + b"[" * 100_000, "nothing": b"", "bad utf-8": b'{"data": "\xff"}'}
LIES = [name for name in ANSWERS if name not in {"right", "shuffled", "unnumbered", "wider"}]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.path, self.headers.get("authorization"), body))
        mode = self.server.mode
        if mode in ANSWERS or mode in RAW:
            self.reply(200, json.dumps(ANSWERS[mode](body["input"])).encode() if mode in ANSWERS else RAW[mode])
        elif mode.isdigit():
            self.reply(int(mode), b"{}")
        else:
            getattr(self, mode)()

    def reply(self, status, content, length=None):
        self.send_response(status)
        self.send_header("content-length", str(length or len(content)))
        self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(content)

    def stall(self):
        self.server.leave.wait(10)
        self.close_connection = True

    def drip(self):
        self.reply(200, b"", length=1_000)
        while not self.server.leave.wait(0.02):
            self.wfile.write(b" ")

    def flood(self):
        self.reply(200, b"", length=10**9)
        while not self.server.leave.is_set():
            self.wfile.write(b" " * 65_536)

    def hang_up(self):
        self.close_connection = True


@pytest.fixture(scope="module")
def post() -> Iterator[BlockingPoster]:
    made = BlockingPoster(TargetPolicy(), max_answer_bytes=1_000_000)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.leave.set()
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def encoder(server, post, monkeypatch):
    monkeypatch.setattr(openai_api, "_TIMEOUT_S", 0.4)
    monkeypatch.setattr(openai_api, "_TIMEOUT_EACH_S", 0.0)
    return make_encoder("openai", model="m1", base_url=f"http://127.0.0.1:{server.server_port}/v1/", api_key="sk-1", post=post)


@pytest.mark.parametrize("mode", ["right", "shuffled", "unnumbered"])
def test_an_endpoint_that_answers(server, encoder, mode):
    server.mode = mode
    vectors = encoder.encode(["a", "", "bbbb", "🙂", "cc\ud800"])
    expected = np.array([[2, 1, 1, 1], [0, 0, 0, 0], [5, 1, 1, 1], [0, 0, 0, 0], [3, 1, 1, 1]], np.float32)
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(vectors * lengths, expected)
    assert encoder.dimensions == 4
    path, key, body = server.seen[-1]
    assert (path, key) == ("/v1/embeddings", "Bearer sk-1")
    assert body == {"model": "m1", "input": ["a", "bbbb", "cc"], "encoding_format": "float"}


def test_many_texts_go_in_batches_and_long_ones_are_cut(server, encoder):
    assert encoder.encode(["x" * 100_000, *(f"t{number}" for number in range(150))]).shape == (151, 4)
    sizes = [len(body["input"]) for _, _, body in server.seen]
    assert sum(sizes) == 151
    assert max(sizes) == openai_api.BATCH_TEXTS
    assert max(len(text) for _, _, body in server.seen for text in body["input"]) <= 2_000


@pytest.mark.parametrize("mode", [*LIES, *RAW, "500", "429", "302", "401", "stall", "drip", "flood", "hang_up"])
def test_an_endpoint_that_does_not_is_left_alone_for_a_while(server, encoder, mode):
    server.mode, started = mode, time.monotonic()
    with pytest.raises(EncoderUnavailable) as error:
        encoder.encode(["hola", "adiós"])
    assert len(str(error.value).splitlines()) == 2
    assert "OPENAI_BASE_URL" in str(error.value)
    assert time.monotonic() - started < 3
    asked = len(server.seen)
    server.mode = "right"
    with pytest.raises(EncoderUnavailable):
        encoder.encode(["hola"])
    assert len(server.seen) == asked, "a customer waited for an endpoint that had just failed"


def test_after_a_while_it_is_asked_again(server, encoder, monkeypatch):
    monkeypatch.setattr(openai_api, "_SILENCE_S", 0.0)
    server.mode = "500"
    with pytest.raises(EncoderUnavailable):
        encoder.encode(["hola"])
    server.mode = "right"
    assert encoder.encode(["hola"]).any()
    server.mode = "wider"
    with pytest.raises(EncoderUnavailable, match="tamaño"):
        encoder.encode(["hola"])


def test_threads_at_once(encoder):
    found = {}

    def run(number):
        found[number] = encoder.encode([f"{'x' * number}a"])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [round(float(found[n][0, 0] / found[n][0, 1])) for n in range(12)] == [n + 2 for n in range(12)]


@pytest.mark.parametrize(
    "base", ["http://169.254.169.254/v1", "http://127.0.0.1:1/v1", "ftp://x/", "http://nope.invalid/v1", "v1"]
)
def test_an_endpoint_that_cannot_or_must_not_be_asked(post, base):
    with pytest.raises(EncoderUnavailable):
        make_encoder("openai", model="m", base_url=base, post=post).encode(["hola"])


def test_no_key_is_sent_where_there_is_none(server, post):
    encoder = make_encoder("openai", model="m", base_url=f"http://127.0.0.1:{server.server_port}", post=post)
    encoder.encode(["hola"])
    assert server.seen[-1][:2] == ("/embeddings", None)
    assert encoder.name != make_encoder("openai", model="m", base_url="http://127.0.0.1:1", post=post).name
